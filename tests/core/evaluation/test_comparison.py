"""Two models on the same images, against SciPy's binomial test; and two tiny models on a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
from core.card_rules import UnknownRule
from core.engine.engine import Engine, open_engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor
from core.evaluation.comparison import ComparedModel, compare, compare_by_folder, find_disagreements, mcnemar
from core.evaluation.intervals import accuracy_of
from core.evaluation.leakage import ContainsHash, TrainingSet
from core.evaluation.metrics import evaluate
from core.evaluation.values import ClassRecalls, Comparison, Evaluation, PairedComparison
from core.models.feature_bank import FILE
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
@given(st.integers(0, 60), st.integers(0, 60))
def test_the_p_value_matches_scipy(only_a: int, only_b: int) -> None:
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(only_a, only_b) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(only_b, only_a) == mcnemar(only_a, only_b)


def test_thousands_of_differences_do_not_overflow() -> None:
    assert mcnemar(9_900, 10_100) == pytest.approx(binomtest(9_900, 20_000).pvalue, rel=1e-6)
    assert mcnemar(5000, 0) == 0.0


def test_disagreements_do_not_depend_on_the_order_of_classes() -> None:
    models = evaluation_of("aabc", "abbc", "abc"), evaluation_of("abac", "abbc", "cba")
    disagreements, found = find_disagreements(*models), compare(*models)
    assert [(flip.path.name, flip.label, flip.prediction_a, flip.prediction_b) for flip in disagreements] == [
        ("1.png", "b", "a", "b"),
        ("2.png", "b", "b", "a"),
    ]
    assert (found.only_a_correct, found.only_b_correct, found.p) == (1, 1, 1.0)


def test_a_class_spelt_in_another_case_is_the_same_class() -> None:
    models = evaluation_of("abb", "abb", "ab"), evaluation_of("BBA", "ABB", "BA")
    disagreements, found = find_disagreements(*models), compare(*models)
    assert [(flip.path.name, flip.prediction_a, flip.prediction_b) for flip in disagreements] == [
        ("0.png", "a", "b"),
        ("2.png", "b", "a"),
    ]
    assert (found.only_a_correct, found.only_b_correct) == (2, 0)


def test_disagreements_have_both_confidences_and_are_sorted_by_margin() -> None:
    sure, unsure = (
        evaluation_of("ab", "aa", "ab", strength=(1.0, 4.0)),
        evaluation_of("ba", "aa", "ab", strength=(1.0, 4.0)),
    )
    found = find_disagreements(sure, unsure)
    assert [flip.path.name for flip in found] == ["1.png", "0.png"]
    first = found[0]
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
    assert find_disagreements(one, one) == ()
    assert compare(one, one).p == 1.0


def test_each_class_has_the_recall_of_both() -> None:
    found = compare(evaluation_of("aab", "aab", "abc"), evaluation_of("abb", "aab", "cba"))
    assert found.classes == (ClassRecalls("a", 2, 1.0, 0.5), ClassRecalls("b", 1, 1.0, 1.0))


def test_only_images_of_both_count() -> None:
    found = compare(evaluation_of("ab", "ab", "ab"), evaluation_of("bbb", "aba", "ab"))
    assert (found.a, found.b) == (accuracy_of(2, 2), accuracy_of(1, 2))
    assert (found.only_a_correct, found.only_b_correct) == (1, 0)


def test_other_images_or_labels_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="same images"):
        compare(evaluation_of("ab", "ab", "ab"), replace(evaluation_of("ab", "ab", "ab"), predictions=()))
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


def run(folder: Path, a: ComparedModel, b: ComparedModel) -> Comparison:
    with FeatureStore() as store:
        return compare_by_folder(folder, a, b, store, report=lambda _: None, token=CancelToken())


def labelled(comparison: Comparison) -> PairedComparison:
    assert comparison.labelled is not None
    return comparison.labelled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images of each class, no two alike."""
    return tiny.write_labelled(tmp_path / "colours")


def test_two_models_are_evaluated_on_the_same_images(folder: Path) -> None:
    comparison = run(folder, compared_model("a"), blind("b"))
    found = labelled(comparison)
    assert (comparison.images, found.a, found.b) == (6, accuracy_of(6, 6), accuracy_of(4, 6))
    assert (found.only_a_correct, found.only_b_correct, found.p) == (2, 0, 0.5)
    assert {(flip.path.parent.name, flip.prediction_a, flip.prediction_b) for flip in comparison.disagreements} == {
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
    assert comparison.images == 4
    assert comparison.disagreements == ()
    assert (
        "Left out folders that are not classes of both “b@1” and “b@2”: “green” (2)" in comparison.problems[0].message
    )


def test_what_a_model_calls_unknown_is_marked(folder: Path) -> None:
    careful, unlike = blind("b@1"), compared_model("b@2")
    card = replace(careful.card, unknown_below=1.0)
    rule = UnknownRule(FILE, "0" * 64, bandwidth=0.02, bias=1e4, similarity=1.0, confidence=0.0)  # nothing is known
    unlike = replace(unlike, card=replace(unlike.card, unknown=rule), bank=tiny.feature_bank())
    found = run(folder, replace(careful, card=card), compared_model("b@2")).disagreements
    assert {(one.unknown_a, one.unknown_b) for one in found} == {(True, False)}
    assert {(one.unknown_a, one.unknown_b) for one in run(folder, careful, unlike).disagreements} == {(False, True)}


def test_bad_images_fail_once(folder: Path) -> None:
    (folder / "red" / "torn.png").write_bytes((folder / "red" / "0.png").read_bytes()[:60])
    other = compared_model("b", precision=Precision.AUTO)
    comparison = run(folder, compared_model("a"), other)
    assert [failure.path.name for failure in comparison.failures] == ["torn.png"]
    assert comparison.images == labelled(comparison).a.images == labelled(comparison).b.images == 6


def test_nothing_in_common_is_an_error(folder: Path) -> None:
    with pytest.raises(DatasetError, match="a class of both “a” and “b”"):
        run(folder, compared_model("a"), compared_model("b", tiny.model_card(classes=("x", "y", "z"))))
