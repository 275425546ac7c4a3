"""Metrics of multi-label models: each class of each image is one decision, whether the image has it.

Precision, recall, F1 and average precision are scikit-learn's, against which the tests check them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.calibration import BINS, Labels, Logits, calibration, validate_logits
from core.evaluation.intervals import wilson
from core.evaluation.metrics import rounded, to_json
from core.evaluation.multi_label_values import ClassSuspect, LabelSetPrediction, MultiLabelClass, MultiLabelEvaluation
from core.evaluation.values import Evaluation
from core.models.heads import sigmoid

_MAX_MISTAKES: Final = 24
Flags = NDArray[np.bool_]


def decisions(logits: Logits, labels: Labels) -> tuple[NDArray[np.float64], Labels]:
    """All decisions whether an image has a class, as classifications in two classes.

    A sigmoid is a softmax over a logit of 0 and its own, so everything that is defined for softmax is defined for them.

    Args:
        logits: [n, classes].
        labels: 1 for each class that an image has, else 0, [n, classes].

    Returns:
        Logits [n * classes, 2], and 1 for each decision that is yes, else 0 [n * classes].
    """
    flat = logits.astype(np.float64).ravel()
    return np.column_stack([np.zeros(len(flat)), flat]), labels.ravel()


def evaluate_label_sets(
    logits: Logits, labels: Labels, classes: Sequence[str], thresholds: Sequence[float], *, temperature: float,
    paths: Sequence[Path],
) -> MultiLabelEvaluation:  # fmt: skip
    """Evaluate a multi-label model by its logits [n, classes] on n images.

    Args:
        logits: outputs of the head.
        labels: 1 for each class that an image has, else 0, [n, classes].
        classes: labels, in the order of the logits; at least two.
        thresholds: the probability from which an image has each class.
        temperature: the model's own, above 0.
        paths: the images.

    Raises:
        DatasetError: there are no images.
        ModelError: a logit is not finite.
        ValueError: shapes do not match.
    """
    if labels.shape != logits.shape or labels.shape != (len(paths), len(classes)):
        raise ValueError(f"logits {logits.shape} and labels {labels.shape} of {len(paths)} images")
    validate_logits(logits, np.zeros(len(labels), np.int64))
    probabilities, truth = sigmoid(logits.astype(np.float32), temperature), labels.astype(bool)
    predicted = probabilities >= np.asarray(thresholds, np.float32)
    exact = int((predicted == truth).all(axis=1).sum())
    columns = zip(classes, thresholds, truth.T, predicted.T, probabilities.T, strict=True)
    per_class = tuple(
        MultiLabelClass(
            label, threshold, *_precision_recall_f1(given, found), _average_precision(given, own), int(given.sum())
        )
        for label, threshold, given, found, own in columns
    )
    calibrated = calibration(*decisions(logits, labels), temperature)
    return MultiLabelEvaluation(
        classes=tuple(classes),
        predictions=tuple(_predictions(probabilities, truth, predicted, classes, paths)),
        per_class=per_class,
        mean_average_precision=_mean([one.average_precision for one in per_class]),
        micro_f1=_precision_recall_f1(truth.ravel(), predicted.ravel())[2],
        macro_f1=_mean([one.f1 for one in per_class]),
        hamming_loss=float(np.mean(predicted != truth)),
        exact_match=exact / len(paths),
        interval=wilson(exact, len(paths)),
        log_loss=calibrated.log_loss,
        ece=calibrated.ece,
        temperature=temperature,
    )


def evaluation_json(evaluation: Evaluation | MultiLabelEvaluation) -> dict[str, Any]:
    """An evaluation of either kind as JSON."""
    return to_json(evaluation) if isinstance(evaluation, Evaluation) else multi_label_json(evaluation)


def multi_label_json(evaluation: MultiLabelEvaluation) -> dict[str, Any]:
    """An evaluation as JSON; fractions are 0..1 with six decimals, undefined values are null.

    `accuracy` is the exact match; there is no confusion matrix, as an image may have several classes.
    """
    content = {
        "images": evaluation.images,
        "accuracy": evaluation.exact_match,
        "accuracy_interval_95": evaluation.interval,
        "mean_average_precision": evaluation.mean_average_precision,
        "micro_f1": evaluation.micro_f1,
        "macro_f1": evaluation.macro_f1,
        "hamming_loss": evaluation.hamming_loss,
        "exact_match": evaluation.exact_match,
        "log_loss": evaluation.log_loss,
        "ece": evaluation.ece,
        "ece_bins": f"{BINS} of equal width",
        "temperature": evaluation.temperature,
        "classes": evaluation.classes,
        "per_class": {
            one.label: {key: value for key, value in asdict(one).items() if key != "label"}
            for one in evaluation.per_class
        },
        "confusion": None,
        "mistakes": [prediction_json(one) for one in evaluation.mistakes[:_MAX_MISTAKES]],
    }
    return {key: rounded(value) for key, value in content.items()}


def prediction_json(prediction: LabelSetPrediction) -> dict[str, Any]:
    """The prediction for a labelled image as JSON."""
    return dict(rounded(asdict(prediction))) | {"path": str(prediction.path)}


def suspect_json(suspect: ClassSuspect) -> dict[str, Any]:
    """A class that an image may lack or wrongly have, as JSON; `probability` is that the image has it."""
    content = {"path": str(suspect.path), "class": suspect.label, "labelled": suspect.is_given}
    return content | {"probability": rounded(suspect.probability)}


def _precision_recall_f1(truth: Flags, predicted: Flags) -> tuple[float | None, float | None, float | None]:
    hits, calls, images = (int(flags.sum()) for flags in (truth & predicted, predicted, truth))
    return _ratio(hits, calls), _ratio(hits, images), _ratio(2 * hits, calls + images)


def _average_precision(truth: Flags, probabilities: NDArray[np.float32]) -> float | None:
    """The sum of precision times the growth of recall, from the highest probability down; equal ones share a step."""
    if not truth.any():
        return None
    order = np.argsort(-probabilities, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(probabilities[order])), len(order) - 1)
    hits = np.cumsum(truth[order])[ends]
    return float(np.sum(hits / (ends + 1) * np.diff(hits, prepend=0)) / truth.sum())


def _predictions(
    probabilities: NDArray[np.float32], truth: Flags, predicted: Flags, classes: Sequence[str], paths: Sequence[Path]
) -> list[LabelSetPrediction]:
    errors = np.abs(probabilities - truth).max(axis=1).tolist()

    def names(flags: Flags) -> tuple[str, ...]:
        return tuple(classes[at] for at in np.flatnonzero(flags).tolist())

    rows = zip(paths, truth, predicted, errors, strict=True)
    return [LabelSetPrediction(path, names(given), names(found), error) for path, given, found, error in rows]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
