"""Metrics against scikit-learn and SciPy, and their invariants."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support, top_k_accuracy_score

from core.base.errors import ModelError
from core.evaluation.intervals import wilson
from core.evaluation.metrics import evaluate, to_json
from core.evaluation.values import Evaluation
from tests.core.evaluation.test_calibration import logits_and_labels, sample


def evaluate_logits(logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float = 1.0) -> Evaluation:
    classes = [f"class {index}" for index in range(logits.shape[1])]
    paths = [Path(f"{index}.png") for index in range(len(labels))]
    return evaluate(logits, labels, classes, temperature=temperature, paths=paths)


def confident_logits(*answers: int, classes: int = 3, gap: float = 5.0) -> NDArray[np.float32]:
    """Logits that predict these classes."""
    return np.eye(classes, dtype=np.float32)[list(answers)] * gap


def test_metrics_match_scikit_learn() -> None:
    logits, labels = sample(3000, 9, 3.0)
    found, predicted = evaluate_logits(logits, labels), logits.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted)
    assert found.accuracy == accuracy_score(labels, predicted)
    assert [one.precision for one in found.per_class] == pytest.approx(precision.tolist())
    assert [one.recall for one in found.per_class] == pytest.approx(recall.tolist())
    assert [one.f1 for one in found.per_class] == pytest.approx(f1.tolist())
    assert [one.support for one in found.per_class] == support.tolist()
    assert (np.array(found.confusion) == confusion_matrix(labels, predicted)).all()
    for k, share in enumerate(found.top_k, 1):
        assert share == pytest.approx(top_k_accuracy_score(labels, logits, k=k))
    assert len(found.top_k) == 5


@settings(max_examples=200, deadline=None)
@given(logits_and_labels(), st.floats(0.05, 20))
def test_invariants_hold_for_any_predictions(
    case: tuple[NDArray[np.float32], NDArray[np.int64]], temperature: float
) -> None:
    logits, labels = case
    found = evaluate_logits(logits, labels, temperature)
    confusion = np.array(found.confusion)
    assert confusion.sum(axis=1).tolist() == [one.support for one in found.per_class]
    assert confusion.sum() == found.images == len(labels)
    assert confusion.trace() == round(found.accuracy * found.images)
    assert found.interval[0] <= found.accuracy <= found.interval[1]
    assert list(found.top_k) == sorted(found.top_k)
    assert found.top_k[0] == found.accuracy
    assert (found.raw.temperature, found.calibrated.temperature) == (1.0, temperature)
    last = found.risk_coverage[-1]
    assert (last.coverage, last.risk) == (1.0, pytest.approx(1 - found.accuracy))
    thresholds = [one.threshold for one in found.risk_coverage]
    assert thresholds == sorted(set(thresholds), reverse=True)
    assert len(found.mistakes) == found.images - int(confusion.trace())
    content = to_json(found)
    assert len(content["mistakes"]) == min(24, len(found.mistakes))
    json.dumps(content, allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 3000).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_the_interval_matches_scipy(case: tuple[int, int]) -> None:
    expected = binomtest(*case).proportion_ci(0.95, method="wilson")
    assert wilson(*case) == pytest.approx((expected.low, expected.high), abs=1e-7)


def test_one_image_is_enough() -> None:
    found = evaluate_logits(confident_logits(1), np.array([1]))
    assert (found.accuracy, found.images, found.mistakes) == (1.0, 1, ())
    assert found.interval == pytest.approx((0.2065, 1.0), abs=1e-4)


def test_undefined_metrics_are_none() -> None:
    """The third class has no images; the first is never predicted."""
    never_predicted, plain, absent = evaluate_logits(confident_logits(1, 1, 1), np.array([0, 1, 1])).per_class
    assert (never_predicted.precision, never_predicted.recall, never_predicted.f1, never_predicted.support) == (
        None,
        0.0,
        0.0,
        1,
    )
    assert (plain.precision, plain.recall, plain.support) == (pytest.approx(2 / 3), 1.0, 2)
    assert (absent.precision, absent.recall, absent.f1, absent.support) == (None, None, None, 0)


def test_a_class_without_images_can_be_predicted() -> None:
    absent = evaluate_logits(confident_logits(2, 1), np.array([0, 1])).per_class[2]
    assert (absent.precision, absent.recall, absent.f1) == (0.0, None, 0.0)


def test_mistakes_are_sorted_by_calibrated_confidence() -> None:
    logits = np.array([[0, 2, 0], [0, 5, 0], [9, 0, 0]], np.float32)
    least_confident, most_confident = evaluate_logits(logits, np.array([0, 2, 0]), temperature=2.0).mistakes[::-1]
    assert (most_confident.path, most_confident.label, most_confident.predicted) == (
        Path("1.png"),
        "class 2",
        "class 1",
    )
    assert most_confident.confidence == pytest.approx(np.exp(2.5) / (np.exp(2.5) + 2))
    assert most_confident.probability == pytest.approx(1 / (np.exp(2.5) + 2))
    assert least_confident.path == Path("0.png")


def test_two_classes_have_two_top_k_values() -> None:
    assert evaluate_logits(confident_logits(0, 0, classes=2), np.array([0, 1])).top_k == (0.5, 1.0)


def test_accepting_only_confident_predictions_lowers_the_risk() -> None:
    logits = np.array([[9, 0], [5, 0], [5, 0], [0, 1]], np.float32)
    found = evaluate_logits(logits, np.array([0, 0, 1, 0])).risk_coverage
    assert [(one.coverage, one.risk) for one in found] == [(0.25, 0.0), (0.75, pytest.approx(1 / 3)), (1.0, 0.5)]


def test_many_thresholds_are_thinned() -> None:
    found = evaluate_logits(*sample(3000, 3, 1.0)).risk_coverage
    assert len(found) == 100
    assert (found[0].coverage, found[-1].coverage) == (1 / 3000, 1.0)


def test_a_thousand_classes_take_no_time() -> None:
    logits, labels = sample(2000, 1000, 1.0)
    started = time.process_time()
    content = to_json(evaluate_logits(logits, labels))
    assert time.process_time() - started < 10
    assert (len(content["classes"]), len(content["per_class"]), len(content["confusion"])) == (1000, 1000, 1000)


def test_ten_thousand_classes_are_reported_without_a_matrix() -> None:
    labels = np.array([0, 9_999, 5])
    content = to_json(evaluate_logits(confident_logits(0, 9_999, 9_999, classes=10_000), labels))
    assert content["confusion"] is None
    assert content["confused"] == [{"label": "class 5", "predicted": "class 9999", "images": 1, "share": 1.0}]
    assert len(json.dumps(content)) < 2_000_000


def test_the_most_frequent_confusions_come_first() -> None:
    found = evaluate_logits(confident_logits(1, 1, 2, 0, 1), np.array([0, 0, 0, 1, 1]))
    assert [(one.label, one.predicted, one.images, one.share) for one in found.most_confused(2)] == [
        ("class 0", "class 1", 2, pytest.approx(2 / 3)),
        ("class 0", "class 2", 1, pytest.approx(1 / 3)),
    ]


def test_json_has_what_scripts_rely_on() -> None:
    content = json.loads(
        json.dumps(to_json(evaluate_logits(confident_logits(0, 1, 0), np.array([0, 1, 2]), temperature=2.0)))
    )
    assert content["accuracy"] == pytest.approx(2 / 3, abs=1e-6)
    assert (content["images"], content["classes"]) == (3, ["class 0", "class 1", "class 2"])
    assert content["confusion"] == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert content["per_class"]["class 0"] == {"precision": 0.5, "recall": 1.0, "f1": 0.666667, "support": 1}
    assert content["per_class"]["class 2"]["precision"] is None
    assert content["top_k"] == {"1": 0.666667, "2": pytest.approx(2 / 3, abs=1e-6), "3": 1.0}
    assert 0 <= content["ece"] <= 1
    assert content["ece"] != content["ece_uncalibrated"]
    assert [mistake["path"] for mistake in content["mistakes"]] == ["2.png"]


def test_outputs_that_are_not_numbers_are_rejected() -> None:
    with pytest.raises(ModelError, match="not numbers"):
        evaluate_logits(np.full((2, 3), np.nan, np.float32), np.array([0, 1]))


def test_paths_and_classes_must_match_the_logits() -> None:
    with pytest.raises(ValueError, match="2 images"):
        evaluate(confident_logits(0), np.array([0]), ["a", "b", "c"], temperature=1.0, paths=[Path("a"), Path("b")])
    with pytest.raises(ValueError, match="2 classes"):
        evaluate(confident_logits(0), np.array([0]), ["a", "b"], temperature=1.0, paths=[Path("a")])
