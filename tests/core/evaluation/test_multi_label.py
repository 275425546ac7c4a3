"""Metrics of multi-label models: scikit-learn's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from core.base.errors import DatasetError, ModelError
from core.evaluation.calibration import temperature_scaled_softmax
from core.evaluation.multi_label import decisions, evaluate_label_sets, multi_label_json
from core.models.heads import sigmoid

CLASSES = ("animal", "bird", "boat", "none has it")
THRESHOLDS = (0.4, 0.5, 0.6, 0.5)


def drawn(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    labels = (draw.random((count, 4)) < (0.5, 0.3, 0.1, 0)).astype(np.int64)
    return (labels * 2 - 1 + draw.normal(size=labels.shape)).round(1).astype(
        np.float32
    ), labels  # some logits are equal


def paths(count: int) -> list[Path]:
    return [Path(f"{number}.jpg") for number in range(count)]


def test_they_are_those_of_scikit_learn() -> None:
    logits, labels = drawn()
    found = evaluate_label_sets(logits, labels, CLASSES, THRESHOLDS, temperature=0.8, paths=paths(200))
    predicted = sigmoid(logits, 0.8) >= THRESHOLDS
    for column, one in enumerate(found.per_class[:3]):
        own = labels[:, column], predicted[:, column]
        assert one.precision == pytest.approx(metrics.precision_score(*own))
        assert one.recall == pytest.approx(metrics.recall_score(*own))
        assert one.f1 == pytest.approx(metrics.f1_score(*own))
        assert one.average_precision == pytest.approx(metrics.average_precision_score(own[0], logits[:, column]))
        assert one.support == labels[:, column].sum()
    assert found.micro_f1 == pytest.approx(metrics.f1_score(labels, predicted, average="micro"))
    assert found.hamming_loss == pytest.approx(metrics.hamming_loss(labels, predicted))
    assert found.exact_match == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert found.log_loss == pytest.approx(
        metrics.log_loss(labels.ravel(), sigmoid(logits, 0.8).ravel().astype(float)), rel=1e-4
    )


def test_a_class_that_no_image_has_is_in_no_mean_of_average_precision() -> None:
    logits, labels = drawn()
    found = evaluate_label_sets(logits, labels, CLASSES, THRESHOLDS, temperature=1, paths=paths(200))
    assert found.per_class[3].average_precision is None
    assert found.per_class[3].recall is None
    known = [one.average_precision for one in found.per_class[:3]]
    assert found.mean_average_precision == pytest.approx(np.mean([one for one in known if one is not None]))


def test_predictions_name_what_is_missed_and_added() -> None:
    logits = np.array([[3, 3, -3], [3, -3, -3], [-9, -3, 1]], np.float32)
    labels = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]])
    found = evaluate_label_sets(logits, labels, CLASSES[:3], (0.5, 0.5, 0.5), temperature=1, paths=paths(3))
    first, second, third = found.predictions
    assert first.is_correct
    assert (second.missed, second.added) == (("bird",), ("animal",))
    assert (third.labels, third.predicted) == ((), ("boat",))
    assert [one.path.name for one in found.mistakes] == ["1.jpg", "2.jpg"]
    assert found.exact_match == pytest.approx(1 / 3)


def test_a_decision_has_the_probability_of_its_sigmoid() -> None:
    logits, labels = drawn(5)
    pairs, truth = decisions(logits, labels)
    assert np.allclose(temperature_scaled_softmax(pairs, 0.7)[:, 1], sigmoid(logits, 0.7).ravel(), atol=1e-6)
    assert truth.tolist() == labels.ravel().tolist()


def test_json_has_what_scripts_rely_on() -> None:
    logits, labels = drawn()
    found = multi_label_json(evaluate_label_sets(logits, labels, CLASSES, THRESHOLDS, temperature=1, paths=paths(200)))
    assert {"accuracy", "per_class", "confusion", "classes", "ece", "images"} <= set(found)
    assert found["accuracy"] == found["exact_match"]
    assert found["per_class"]["bird"]["threshold"] == 0.5


def test_no_images_and_broken_outputs_are_errors() -> None:
    with pytest.raises(DatasetError):
        evaluate_label_sets(
            np.zeros((0, 2)), np.zeros((0, 2), np.int64), CLASSES[:2], (0.5, 0.5), temperature=1, paths=[]
        )
    with pytest.raises(ModelError):
        evaluate_label_sets(
            np.full((1, 2), np.nan), np.zeros((1, 2), np.int64), CLASSES[:2], (0.5, 0.5), temperature=1, paths=paths(1)
        )
