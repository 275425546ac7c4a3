"""Two models on the same images, against SciPy's binomial test; and two tiny models on a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from core.base.errors import DatasetError
from core.base.progress import CancelToken
from core.base.providers import Precision, Provider
from core.card import ModelCard
from core.engine.engine import Engine, open_engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor
from core.evaluation.comparison import ComparedModel, LabelledComparison, compare, compare_by_folder, mcnemar
from core.evaluation.leakage import ContainsHash, TrainingSet
from core.evaluation.metrics import Evaluation, evaluate
from core.models.heads import LinearHead
from tests import tiny


def evaluation_of(named: str, truth: str, classes: str, strength: Sequence[float] | None = None) -> Evaluation:
    """A model that predicts the letters of `named` for images of the classes `truth`, with logits of that size."""
    strengths = strength or [5.0] * len(named)
    rows = zip(named, strengths, strict=True)
    logits = np.array([[one * (label == name) for label in classes] for name, one in rows], np.float32)
    labels = np.array([classes.index(name) for name in truth])
    paths = [Path(f"{index}.png") for index in range(len(truth))]
    return evaluate(logits, labels, list(classes), temperature=1.0, paths=paths)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 20))
def test_the_p_value_matches_scipy(only_a: int, only_b: int, both: int) -> None:
    right_a = np.array([True] * only_a + [False] * only_b + [True] * both, bool)
    right_b = np.array([False] * only_a + [True] * only_b + [True] * both, bool)
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(right_a, right_b) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(right_b, right_a) == mcnemar(right_a, right_b)


def test_thousands_of_differences_do_not_overflow() -> None:
    right = np.arange(20_000) < 9_900
    assert mcnemar(right, ~right) == pytest.approx(binomtest(9_900, 20_000).pvalue, rel=1e-6)
    assert mcnemar(np.ones(5000, bool), np.zeros(5000, bool)) == 0.0


def test_disagreements_do_not_depend_on_the_order_of_classes() -> None:
    found = compare(evaluation_of("aabc", "abbc", "abc"), evaluation_of("abac", "abbc", "cba"))
    assert [(flip.path.name, flip.label, flip.prediction_a, flip.prediction_b) for flip in found.disagreements] == [
        ("1.png", "b", "a", "b"),
        ("2.png", "b", "b", "a"),
    ]
    assert (found.only_a_correct, found.only_b_correct, found.p) == (1, 1, 1.0)


def test_a_class_spelt_in_another_case_is_the_same_class() -> None:
    found = compare(evaluation_of("abb", "abb", "ab"), evaluation_of("BBA", "ABB", "BA"))
    assert [(flip.path.name, flip.prediction_a, flip.prediction_b) for flip in found.disagreements] == [
        ("0.png", "a", "b"),
        ("2.png", "b", "a"),
    ]
    assert (found.only_a_correct, found.only_b_correct) == (2, 0)


def test_disagreements_have_both_confidences_and_are_sorted_by_margin() -> None:
    sure, unsure = (
        evaluation_of("ab", "aa", "ab", strength=(1.0, 4.0)),
        evaluation_of("ba", "aa", "ab", strength=(1.0, 4.0)),
    )
    found = compare(sure, unsure)
    assert [flip.path.name for flip in found.disagreements] == ["1.png", "0.png"]
    first = found.disagreements[0]
    surely = 1 / (1 + np.exp(-4.0))
    assert (first.confidence_a, first.confidence_b) == (pytest.approx(surely), pytest.approx(surely))
    assert first.margin == pytest.approx(2 * surely - 1)


@pytest.mark.parametrize(("wins", "chance"), [(5, True), (6, False)])
def test_when_a_difference_is_significant(wins: int, chance: bool) -> None:
    found = compare(
        evaluation_of("a" * wins + "a", "a" * wins + "a", "ab"), evaluation_of("b" * wins + "a", "a" * wins + "a", "ab")
    )
    assert found.could_be_chance is chance


def test_a_model_does_not_differ_from_itself() -> None:
    one = evaluation_of("abca", "abba", "abc")
    assert compare(one, one).disagreements == ()


def test_other_images_or_labels_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="same images"):
        compare(evaluation_of("ab", "ab", "ab"), evaluation_of("aba", "aba", "ab"))
    with pytest.raises(ValueError, match="same images"):
        compare(evaluation_of("ab", "ab", "ab"), evaluation_of("ab", "aa", "ab"))


def compared_model(
    name: str,
    card: ModelCard | None = None,
    head: LinearHead | None = None,
    *,
    knows: ContainsHash | None = None,
    precision: Precision = Precision.EXACT,
) -> ComparedModel:
    """A tiny model; another precision gives other features."""

    def opened() -> Engine:
        return open_engine(tiny.backbone_bytes(), tiny.backbone_card(), Provider.CPU, Precision.EXACT)

    source = FeatureExtractor(tiny.backbone_card(), precision, opened)
    return ComparedModel(name, card or tiny.model_card(), head or tiny.head(), source, knows and TrainingSet(knows))


def blind(name: str, *, knows: ContainsHash | None = None) -> ComparedModel:
    """A model that mistakes green for blue, with its classes in another order."""
    head = tiny.head()
    weights = head.weights[:, [2, 1, 0]].copy()
    weights[:, 0] += weights[:, 1] * 2
    card = tiny.model_card(classes=("blue", "green", "red"))
    return compared_model(name, card, LinearHead(weights, head.bias), knows=knows)


def run(folder: Path, a: ComparedModel, b: ComparedModel) -> LabelledComparison:
    with FeatureStore() as store:
        return compare_by_folder(folder, a, b, store, report=lambda _: None, token=CancelToken())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images of each class, no two alike."""
    place = tmp_path / "colours"
    for colour in tiny.CLASSES:
        for number in range(2):
            tiny.write_solid(place / colour / f"{number}.png", colour, size=(40 + number, 40))
    return place


def test_two_models_are_evaluated_on_the_same_images(folder: Path) -> None:
    comparison = run(folder, compared_model("a"), blind("b"))
    found = comparison.comparison
    assert (comparison.a.images, comparison.a.accuracy, comparison.b.accuracy) == (6, 1.0, pytest.approx(4 / 6))
    assert (found.only_a_correct, found.only_b_correct, found.p) == (2, 0, 0.5)
    assert {(flip.path.parent.name, flip.prediction_a, flip.prediction_b) for flip in found.disagreements} == {
        ("green", "green", "blue")
    }
    assert (comparison.training_overlap_a, comparison.training_overlap_b, comparison.failures, comparison.problems) == (
        None,
        None,
        (),
        (),
    )


def test_heads_over_one_backbone_share_features(folder: Path, home: Path) -> None:
    """Even if nothing can be cached."""
    home.mkdir()
    (home / "cache").write_text("a file where the folder should be")
    assert run(folder, compared_model("a"), blind("b")).computed == 6


def test_each_backbone_runs_once_per_image(folder: Path) -> None:
    other = compared_model("b", precision=Precision.AUTO)
    assert run(folder, compared_model("a"), other).computed == 12
    assert run(folder, compared_model("a"), other).computed == 0


def test_training_overlap_is_counted_for_each_model(folder: Path) -> None:
    red = {tiny.sha256(path.read_bytes()) for path in (folder / "red").iterdir()}
    comparison = run(folder, compared_model("a", knows=red.__contains__), blind("b", knows=lambda _: False))
    assert (comparison.training_overlap_a, comparison.training_overlap_b) == (2, 0)


def test_only_classes_of_both_count(folder: Path) -> None:
    other = compared_model("b@2", tiny.model_card(classes=("red", "grey", "BLUE")))
    comparison = run(folder, compared_model("b@1"), other)
    assert comparison.a.images == 4
    assert comparison.comparison.disagreements == ()
    assert (
        "Left out folders that are not classes of both “b@1” and “b@2”: “green” (2)" in comparison.problems[0].message
    )


def test_bad_images_fail_once(folder: Path) -> None:
    (folder / "red" / "torn.png").write_bytes((folder / "red" / "0.png").read_bytes()[:60])
    other = compared_model("b", precision=Precision.AUTO)
    comparison = run(folder, compared_model("a"), other)
    assert [failure.path.name for failure in comparison.failures] == ["torn.png"]
    assert comparison.a.images == comparison.b.images == 6


def test_nothing_in_common_is_an_error(folder: Path) -> None:
    with pytest.raises(DatasetError, match="a class of both “a” and “b”"):
        run(folder, compared_model("a"), compared_model("b", tiny.model_card(classes=("x", "y", "z"))))
