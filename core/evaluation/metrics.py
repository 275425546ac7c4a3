"""Classification metrics of a model on labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.calibration import BINS, Labels, Logits, calibration, temperature_scaled_softmax, validate_logits
from core.evaluation.intervals import wilson
from core.evaluation.values import ClassMetrics, Evaluation, LabelledPrediction, RiskCoverage

TOP_K: Final = 5
MATRIX_CLASSES: Final = 1000
"""With more classes, a matrix takes hundreds of megabytes as text."""
_MAX_CONFUSED: Final = 100
_MAX_MISTAKES: Final = 24
_MAX_THRESHOLDS: Final = 100


def evaluate(
    logits: Logits, labels: Labels, classes: Sequence[str], *, temperature: float, paths: Sequence[Path]
) -> Evaluation:
    """Evaluate a model by its logits [n, classes] on n images with labels [n], indexes into two classes or more.

    The temperature, above 0, is the model's own. Raises DatasetError, ModelError, ValueError as `validate_logits`.
    """
    scores = validate_logits(logits, labels)
    if scores.shape != (len(paths), len(classes)):
        raise ValueError(f"logits {scores.shape} of {len(paths)} images and {len(classes)} classes")
    ranks, predicted = _ranks(scores, labels), scores.argmax(axis=1)
    probabilities = temperature_scaled_softmax(scores, temperature)
    confidence, correct = probabilities.max(axis=1), int((ranks == 0).sum())
    own = probabilities[np.arange(len(labels)), labels]
    columns = (labels.tolist(), predicted.tolist(), confidence.tolist(), own.tolist())
    return Evaluation(
        classes=tuple(classes),
        predictions=tuple(
            LabelledPrediction(path, classes[label], classes[guess], sure, probability)
            for path, label, guess, sure, probability in zip(paths, *columns, strict=True)
        ),
        accuracy=correct / len(labels),
        interval=wilson(correct, len(labels)),
        per_class=_per_class(labels, predicted, classes),
        top_k=tuple(float(np.mean(ranks < k)) for k in range(1, min(TOP_K, len(classes)) + 1)),
        raw=calibration(scores, labels, 1.0),
        calibrated=calibration(scores, labels, temperature),
        risk_coverage=_risk_coverage(confidence, ranks > 0),
    )


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as JSON; fractions are 0..1 with six decimals, undefined values are null.

    The confusion matrix is null beyond `MATRIX_CLASSES` classes; the most frequent confusions are always included.
    """
    raw, calibrated = evaluation.raw, evaluation.calibrated
    content = {
        "images": evaluation.images,
        "accuracy": evaluation.accuracy,
        "accuracy_interval_95": evaluation.interval,
        "top_k": {str(k): fraction for k, fraction in enumerate(evaluation.top_k, 1)},
        "log_loss": calibrated.log_loss,
        "log_loss_uncalibrated": raw.log_loss,
        "ece": calibrated.ece,
        "ece_uncalibrated": raw.ece,
        "ece_bins": f"{BINS} of equal width",
        "temperature": calibrated.temperature,
        "classes": evaluation.classes,
        "per_class": {figures.label: _without(asdict(figures), "label") for figures in evaluation.per_class},
        "confusion": evaluation.confusion if len(evaluation.classes) <= MATRIX_CLASSES else None,
        "confused": [asdict(one) for one in evaluation.most_confused(_MAX_CONFUSED)],
        "reliability": [asdict(one) for one in calibrated.bins],
        "reliability_uncalibrated": [asdict(one) for one in raw.bins],
        "risk_coverage": [asdict(one) for one in evaluation.risk_coverage],
        "mistakes": [prediction_json(one) for one in evaluation.mistakes[:_MAX_MISTAKES]],
    }
    return {key: value if key == "confusion" else rounded(value) for key, value in content.items()}


def prediction_json(prediction: LabelledPrediction) -> dict[str, Any]:
    """The prediction for a labelled image as JSON."""
    return dict(rounded(asdict(prediction))) | {"path": str(prediction.path)}


def _ranks(scores: NDArray[np.float64], labels: Labels) -> Labels:
    """The rank of the true class, from 0; ties are in the order of the classes."""
    own = scores[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(scores.shape[1]) < labels[:, None]
    return np.asarray(((scores > own) | ((scores == own) & earlier)).sum(axis=1), np.int64)


def _per_class(labels: Labels, predicted: Labels, classes: Sequence[str]) -> tuple[ClassMetrics, ...]:
    correct = labels[labels == predicted]
    counts = (np.bincount(found, minlength=len(classes)).tolist() for found in (correct, labels, predicted))
    rows = zip(classes, *counts, strict=True)
    return tuple(
        ClassMetrics(label, _ratio(hits, calls), _ratio(hits, images), _ratio(2 * hits, images + calls), images)
        for label, hits, images, calls in rows
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _risk_coverage(confidence: NDArray[np.float64], wrong: NDArray[np.bool_]) -> tuple[RiskCoverage, ...]:
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence, wrong_so_far = confidence[order], np.cumsum(wrong[order])
    ends = np.append(np.nonzero(np.diff(sorted_confidence))[0], len(order) - 1)  # equal confidences share one point
    kept = ends[np.unique(np.linspace(0, len(ends) - 1, _MAX_THRESHOLDS).round().astype(np.int64))]
    return tuple(
        RiskCoverage(float(sorted_confidence[end]), (end + 1) / len(order), float(wrong_so_far[end] / (end + 1)))
        for end in kept.tolist()
    )


def _without(content: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != key}


def rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """JSON with six decimals."""
    match value:
        case float():
            return round(value, 6)
        case dict():
            return {key: rounded(item) for key, item in value.items()}
        case list() | tuple():
            return [rounded(item) for item in value]
        case _:
            return value
