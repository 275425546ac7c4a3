"""Classification metrics of a model on labelled images."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.calibration import (
    BINS,
    Calibration,
    Labels,
    Logits,
    calibration,
    temperature_scaled_softmax,
    validate_logits,
)

TOP_K: Final = 5
MATRIX_CLASSES: Final = 1000
"""With more classes, a matrix takes hundreds of megabytes as text."""
_MAX_CONFUSED: Final = 100
_MAX_MISTAKES: Final = 24
_MAX_THRESHOLDS: Final = 100
_WILSON_Z: Final = 1.959964
"""The normal quantile of a 95% interval."""


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """The metrics of one class.

    Attributes:
        label: the class.
        precision: of the images predicted as this class, the fraction that belong to it; None if none was predicted.
        recall: of its images, the fraction that were predicted as this class; None if it has no images.
        f1: harmonic mean of both; None if it has no images and none was predicted.
        support: its number of images.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, slots=True)
class Misclassification:
    """A misclassified image.

    Attributes:
        path: the image.
        label: its true class.
        predicted: the predicted class.
        confidence: calibrated probability of the predicted class, 0..1.
        probability: calibrated probability of the true class, 0..1.
    """

    path: Path
    label: str
    predicted: str
    confidence: float
    probability: float


@dataclass(frozen=True, slots=True)
class ConfusionPair:
    """A class whose images were predicted as another class.

    Attributes:
        label: the true class.
        predicted: the predicted class.
        images: the number of such images.
        share: as a fraction of all images of the true class, 0..1.
    """

    label: str
    predicted: str
    images: int
    share: float


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """A point of the risk-coverage curve (El-Yaniv and Wiener 2010, selective classification).

    Attributes:
        threshold: the calibrated confidence from which a prediction is accepted, 0..1.
        coverage: the fraction of images accepted, 0..1.
        risk: of those, the fraction misclassified, 0..1.
    """

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The evaluation of a model on n images.

    Attributes:
        classes: labels, in the order of the logits.
        paths: the images.
        labels: their true classes, int64 [n].
        predicted: their predicted classes, int64 [n].
        confidence: calibrated probabilities of the predicted classes, 0..1, float64 [n].
        probability: calibrated probabilities of the true classes, 0..1, float64 [n].
        accuracy: the fraction classified correctly, 0..1.
        interval: its Wilson 95% confidence interval.
        per_class: metrics of each class, in order.
        confusion: int64 [classes, classes]: images by true class (rows) and predicted class (columns).
        top_k: the fraction of images whose class is among the k most likely, for k = 1, 2, ... up to `TOP_K`.
        raw: calibration at temperature 1.
        calibrated: calibration at the model's own temperature.
        mistakes: the most confident ones, highest confidence first.
        risk_coverage: by descending threshold, down to the one that accepts all; at most 100 points.
    """

    classes: tuple[str, ...]
    paths: tuple[Path, ...]
    labels: Labels
    predicted: Labels
    confidence: NDArray[np.float64]
    probability: NDArray[np.float64]
    accuracy: float
    interval: tuple[float, float]
    per_class: tuple[ClassMetrics, ...]
    confusion: NDArray[np.int64]
    top_k: tuple[float, ...]
    raw: Calibration
    calibrated: Calibration
    mistakes: tuple[Misclassification, ...]
    risk_coverage: tuple[RiskCoverage, ...]

    @property
    def images(self) -> int:
        """The number of images."""
        return len(self.paths)


def evaluate(
    logits: Logits, labels: Labels, classes: Sequence[str], *, temperature: float, paths: Sequence[Path]
) -> Evaluation:
    """Evaluate a model by its logits [n, classes] on n images with labels [n].

    Args:
        logits: outputs of the head.
        labels: indexes into `classes`.
        classes: labels, in the order of the logits; at least two.
        temperature: the model's own, above 0.
        paths: the images.

    Raises:
        DatasetError: there are no images.
        ModelError: a logit is not finite.
        ValueError: shapes do not match.
    """
    scores = validate_logits(logits, labels)
    if scores.shape != (len(paths), len(classes)):
        raise ValueError(f"logits {scores.shape} of {len(paths)} images and {len(classes)} classes")
    ranks, predicted = _ranks(scores, labels), scores.argmax(axis=1)
    probabilities = temperature_scaled_softmax(scores, temperature)
    confidence = probabilities.max(axis=1)
    confusion = _confusion(labels, predicted, len(classes))
    correct = int((ranks == 0).sum())
    return Evaluation(
        classes=tuple(classes),
        paths=tuple(paths),
        labels=labels,
        predicted=predicted,
        confidence=confidence,
        probability=probabilities[np.arange(len(labels)), labels],
        accuracy=correct / len(labels),
        interval=wilson(correct, len(labels)),
        per_class=_per_class(confusion, classes),
        confusion=confusion,
        top_k=tuple(float(np.mean(ranks < k)) for k in range(1, min(TOP_K, len(classes)) + 1)),
        raw=calibration(scores, labels, 1.0),
        calibrated=calibration(scores, labels, temperature),
        mistakes=_misclassifications(probabilities, labels, predicted, classes, paths),
        risk_coverage=_risk_coverage(confidence, ranks > 0),
    )


def most_confused(evaluation: Evaluation, count: int) -> tuple[ConfusionPair, ...]:
    """The most frequent confusions, at most `count`, in descending order."""
    (wrong,) = np.nonzero(evaluation.labels != evaluation.predicted)
    pairs = Counter(zip(evaluation.labels[wrong].tolist(), evaluation.predicted[wrong].tolist(), strict=True))
    return tuple(
        ConfusionPair(
            label=evaluation.classes[label],
            predicted=evaluation.classes[predicted],
            images=images,
            share=images / evaluation.per_class[label].support,
        )
        for (label, predicted), images in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0]))[:count]
    )


def wilson(correct: int, count: int) -> tuple[float, float]:
    """Wilson's 95% score interval (1927) of the fraction correct/count; `count` is at least 1."""
    fraction, z = correct / count, _WILSON_Z
    middle = fraction + z * z / (2 * count)
    half = z * math.sqrt(fraction * (1 - fraction) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count  # if all or none are correct, rounding errors could put the fraction outside
    return max(0.0, min(fraction, (middle - half) / scale)), min(1.0, max(fraction, (middle + half) / scale))


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
        "confusion": evaluation.confusion.tolist() if len(evaluation.classes) <= MATRIX_CLASSES else None,
        "confused": [asdict(one) for one in most_confused(evaluation, _MAX_CONFUSED)],
        "reliability": [asdict(one) for one in calibrated.bins],
        "reliability_uncalibrated": [asdict(one) for one in raw.bins],
        "risk_coverage": [asdict(one) for one in evaluation.risk_coverage],
        "mistakes": [misclassification_json(one) for one in evaluation.mistakes],
    }
    return {key: value if key == "confusion" else _rounded(value) for key, value in content.items()}


def misclassification_json(mistake: Misclassification) -> dict[str, Any]:
    """A misclassification as JSON."""
    return dict(_rounded(asdict(mistake))) | {"path": str(mistake.path)}


def _ranks(scores: NDArray[np.float64], labels: Labels) -> Labels:
    """The rank of the true class, from 0; ties are in the order of the classes."""
    own = scores[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(scores.shape[1]) < labels[:, None]
    return np.asarray(((scores > own) | ((scores == own) & earlier)).sum(axis=1), np.int64)


def _confusion(labels: Labels, predicted: Labels, classes: int) -> NDArray[np.int64]:
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def _per_class(confusion: NDArray[np.int64], classes: Sequence[str]) -> tuple[ClassMetrics, ...]:
    support, predicted, correct = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    rows = zip(classes, correct.tolist(), support.tolist(), predicted.tolist(), strict=True)
    return tuple(
        ClassMetrics(label, _ratio(hits, calls), _ratio(hits, images), _ratio(2 * hits, images + calls), images)
        for label, hits, images, calls in rows
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _misclassifications(
    probabilities: NDArray[np.float64],
    labels: Labels,
    predicted: Labels,
    classes: Sequence[str],
    paths: Sequence[Path],
) -> tuple[Misclassification, ...]:
    (wrong,) = np.nonzero(labels != predicted)
    most_confident = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:_MAX_MISTAKES]
    return tuple(
        Misclassification(
            path=paths[row],
            label=classes[labels[row]],
            predicted=classes[predicted[row]],
            confidence=float(probabilities[row, predicted[row]]),
            probability=float(probabilities[row, labels[row]]),
        )
        for row in most_confident.tolist()
    )


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


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case float():
            return round(value, 6)
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list() | tuple():
            return [_rounded(item) for item in value]
        case _:
            return value
