"""How honest probabilities are, and the temperature that makes them so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError, ModelError

Labels: TypeAlias = NDArray[np.int64]
"""The right class of each image, as an index into the classes: int64 [n]."""
Logits: TypeAlias = NDArray[np.float32] | NDArray[np.float64]
"""What a head says of each image: [n, classes]."""

BINS: Final = 15
"""Bins of equal width for the calibration error, as Guo et al. have them (2017, arXiv:1706.04599, section 2)."""
_TEMPERATURES: Final = (0.05, 20.0)
_HALVINGS: Final = 20
"""They fix the temperature to six parts in a million."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The images whose confidence lies in (low, high]; there is at least one.

    Attributes:
        low: exclusive lower bound, 0..1.
        high: inclusive upper bound, 0..1.
        images: how many they are.
        confidence: their mean confidence, 0..1.
        accuracy: the share of them named rightly, 0..1; in an honest model near the confidence.
    """

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How honest probabilities are at one temperature.

    Attributes:
        temperature: what logits are divided by before softmax.
        log_loss: mean of -log of the right class's probability, in nats.
        ece: expected calibration error over the bins, 0..1.
        bins: those that hold images, from unsure to sure: the data of a reliability diagram.
    """

    temperature: float
    log_loss: float
    ece: float
    bins: tuple[Bin, ...]


def log_loss(logits: Logits, labels: Labels, temperature: float = 1.0) -> float:
    """Mean of -log of the right class's probability, in nats.

    Raises:
        DatasetError, ModelError, ValueError: as for `checked`.
    """
    return _log_loss(validate_logits(logits, labels), labels, temperature)


def calibration(logits: Logits, labels: Labels, temperature: float) -> Calibration:
    """How honest the probabilities of logits [n, classes] are at a temperature, over `BINS` bins of equal width.

    Raises:
        DatasetError, ModelError, ValueError: as for `checked`.
    """
    scores = validate_logits(logits, labels)
    confidence = temperature_scaled_softmax(scores, temperature).max(axis=1)
    bins = _bins(confidence, scores.argmax(axis=1) == labels)
    ece = sum(one.images / len(labels) * abs(one.accuracy - one.confidence) for one in bins)
    return Calibration(temperature, _log_loss(scores, labels, temperature), ece, bins)


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """The temperature, 0.05 to 20, that makes probabilities honest (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    It has the least log loss on targets in which one image of n + 2 has the likeliest wrong class, as in Platt's
    scaling (1999, section 2.2). Plain log loss would call a model infallible because it named n images rightly. The
    log loss on the data given is never above that of temperature 1.

    Args:
        logits: of images the head was not fitted to, [n, classes].
        labels: their classes [n].

    Raises:
        DatasetError, ModelError, ValueError: as for `checked`.
    """
    scores = validate_logits(logits, labels)
    scores = scores - scores.max(axis=1, keepdims=True)
    goal = _smoothed_goal(scores, labels)
    low, high = (-math.log(temperature) for temperature in reversed(_TEMPERATURES))
    for _ in range(_HALVINGS):  # the loss is convex in 1 / temperature, so its slope changes sign once
        middle = (low + high) / 2
        slope = float(np.sum(temperature_scaled_softmax(scores, math.exp(-middle)) * scores, axis=1).mean()) - goal
        low, high = (low, middle) if slope > 0 else (middle, high)
    temperature = math.exp(-(low + high) / 2)
    return temperature if _log_loss(scores, labels, temperature) < _log_loss(scores, labels, 1.0) else 1.0


def validate_logits(logits: Logits, labels: Labels) -> NDArray[np.float64]:
    """The logits [n, classes] in double precision, if they can be judged.

    Raises:
        DatasetError: there is no image.
        ModelError: a logit is not a finite number.
        ValueError: shapes do not fit together, a label is none of the classes, or there are fewer than two classes.
    """
    if logits.ndim != 2 or logits.shape[1] < 2 or labels.shape != logits.shape[:1]:
        raise ValueError(f"logits {logits.shape} and labels {labels.shape}")
    if not len(labels):
        raise DatasetError("There is no image to judge by.", hint="Choose a folder with images of the model's classes.")
    if not 0 <= int(labels.min()) <= int(labels.max()) < logits.shape[1]:
        raise ValueError(f"labels from {labels.min()} to {labels.max()} for {logits.shape[1]} classes")
    bad = int((~np.isfinite(logits).all(axis=1)).sum())
    if bad:
        raise ModelError(
            f"The model's answers to {bad:,} of {len(labels):,} images are not numbers.",
            hint="See what works here with `fovea doctor`; if all does, install or train the model again.",
        )
    return logits.astype(np.float64)


def temperature_scaled_softmax(scores: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Probabilities [n, classes] of logits, in double precision; temperature is above 0."""
    return np.exp(_log_probabilities(scores, temperature))


def _log_probabilities(scores: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    scaled = (scores - scores.max(axis=1, keepdims=True)) / temperature
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)))


def _log_loss(scores: NDArray[np.float64], labels: Labels, temperature: float) -> float:
    return float(-_log_probabilities(scores, temperature)[np.arange(len(labels)), labels].mean())


def _bins(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    places = np.digitize(confidence, np.arange(1, BINS) / BINS, right=True)
    return tuple(
        Bin(
            low=place / BINS,
            high=(place + 1) / BINS,
            images=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(right[inside].mean()),
        )
        for place in np.unique(places).tolist()
        for inside in [places == place]
    )


def _smoothed_goal(scores: NDArray[np.float64], labels: Labels) -> float:
    """The mean logit under the targets of `fit_temperature`, which the model's own mean must meet."""
    rows = np.arange(len(labels))
    others = scores.copy()
    others[rows, labels] = -np.inf
    smoothing = 1 / (len(labels) + 2)
    return float(((1 - smoothing) * scores[rows, labels] + smoothing * others.max(axis=1)).mean())
