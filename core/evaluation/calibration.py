"""Calibration of probabilities, and temperature scaling."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError, ModelError
from core.base.i18n import tr, tr_n
from core.evaluation.values import Calibration, ReliabilityBin

Labels: TypeAlias = NDArray[np.int64]
"""The true class of each image, as an index into the classes: int64 [n]."""
Logits: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
"""The logits of each image: [n, classes]."""

BINS: Final = 15
"""Bins of equal width for the calibration error, as in Guo et al. (2017, arXiv:1706.04599, section 2)."""
_TEMPERATURES: Final = (0.05, 20.0)
_HALVINGS: Final = 20
"""Bisection steps; they give the temperature to six parts per million."""


def log_loss(logits: Logits, labels: Labels, temperature: float = 1.0) -> float:
    """Mean of -log of the true class's probability, in nats.

    Raises DatasetError, ModelError, ValueError as for `validate_logits`.
    """
    return _log_loss(validate_logits(logits, labels), labels, temperature)


def calibration(logits: Logits, labels: Labels, temperature: float) -> Calibration:
    """Measure the calibration of logits [n, classes] at a temperature, over `BINS` bins of equal width.

    Raises DatasetError, ModelError, ValueError as for `validate_logits`.
    """
    scores = validate_logits(logits, labels)
    confidence = temperature_scaled_softmax(scores, temperature).max(axis=1)
    bins = _bins(confidence, scores.argmax(axis=1) == labels)
    ece = sum(one.images / len(labels) * abs(one.accuracy - one.confidence) for one in bins)
    return Calibration(temperature, _log_loss(scores, labels, temperature), ece, bins)


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """Fit the temperature, 0.05 to 20, for temperature scaling (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    The logits [n, classes] are of images that the head was not fitted to, with labels [n].

    It minimizes the log loss on smoothed targets in which one image in n + 2 has its most likely wrong class, as in
    Platt scaling (1999, section 2.2); plain log loss would make a model that classified n images correctly infinitely
    confident. The log loss on the given data never exceeds that of temperature 1. Raises DatasetError, ModelError,
    ValueError as for `validate_logits`.
    """
    scores = validate_logits(logits, labels)
    scores = scores - scores.max(axis=1, keepdims=True)
    goal = _smoothed_goal(scores, labels)
    low, high = (-math.log(temperature) for temperature in reversed(_TEMPERATURES))
    for _ in range(_HALVINGS):  # the loss is convex in 1 / temperature, so its derivative changes sign once
        middle = (low + high) / 2
        expected = np.sum(temperature_scaled_softmax(scores, math.exp(-middle)) * scores, axis=1)
        gradient = float(expected.mean()) - goal
        low, high = (low, middle) if gradient > 0 else (middle, high)
    temperature = math.exp(-(low + high) / 2)
    return temperature if _log_loss(scores, labels, temperature) < _log_loss(scores, labels, 1.0) else 1.0


def validate_logits(logits: Logits, labels: Labels) -> NDArray[np.float64]:
    """Check logits [n, classes] against labels [n], and return them in double precision.

    Raises:
        DatasetError: there are no images.
        ModelError: a logit is not finite.
        ValueError: shapes do not match, a label is out of range, or there are fewer than two classes.
    """
    if logits.ndim != 2 or logits.shape[1] < 2 or labels.shape != logits.shape[:1]:
        raise ValueError(f"logits {logits.shape} and labels {labels.shape}")
    if not len(labels):
        what, hint = tr("There are no images to evaluate."), tr("Choose a folder with images of the model's classes.")
        raise DatasetError(what, hint=hint)
    if not 0 <= int(labels.min()) <= int(labels.max()) < logits.shape[1]:
        raise ValueError(f"labels from {labels.min()} to {labels.max()} for {logits.shape[1]} classes")
    bad = int((~np.isfinite(logits).all(axis=1)).sum())
    if bad:
        what = tr_n(
            "The model's output for {count:,} of {total:,} images is not a number.",
            "The model's outputs for {count:,} of {total:,} images are not numbers.",
            bad,
            total=len(labels),
        )
        hint = tr("Check this computer with `fovea doctor`. If it finds nothing, reinstall or retrain the model.")
        raise ModelError(what, hint=hint)
    return logits.astype(np.float64)


def temperature_scaled_softmax(scores: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities [n, classes] of logits in double precision; the temperature is above 0."""
    return np.exp(log_probabilities(scores, temperature))


def log_probabilities(scores: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Logarithms of `temperature_scaled_softmax`, which are finite."""
    scaled = (scores - scores.max(axis=1, keepdims=True)) / temperature
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)))


def _log_loss(scores: NDArray[np.float64], labels: Labels, temperature: float) -> float:
    return float(-log_probabilities(scores, temperature)[np.arange(len(labels)), labels].mean())


def _bins(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    indexes = np.digitize(confidence, np.arange(1, BINS) / BINS, right=True)
    return tuple(
        ReliabilityBin(
            low=index / BINS,
            high=(index + 1) / BINS,
            images=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(correct[inside].mean()),
        )
        for index in np.unique(indexes).tolist()
        for inside in [indexes == index]
    )


def _smoothed_goal(scores: NDArray[np.float64], labels: Labels) -> float:
    """The mean logit under the smoothed targets of `fit_temperature`, which the model's own mean must equal."""
    rows = np.arange(len(labels))
    others = scores.copy()
    others[rows, labels] = -np.inf
    smoothing = 1 / (len(labels) + 2)
    return float(((1 - smoothing) * scores[rows, labels] + smoothing * others.max(axis=1)).mean())
