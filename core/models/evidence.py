"""The evidence of predictions: whether an image is unknown, which classes it may have, and what it looks like.

The similarity s of an image to the training images is the logarithm of a kernel density of their directions (von
Mises-Fisher): with cosines c, s = b log(sum exp((c - 1) / b)), for a small bandwidth b little more than the largest
cosine less 1. The score as unknown is a logistic function of s and of the log odds of the most likely class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.label_sets import label_of
from core.card import ModelCard
from core.card_rules import UnknownRule
from core.models.feature_bank import FeatureBank, nearest
from core.models.levels import sure_levels
from core.prediction import Evidence, Level, Neighbour

NEAREST: Final = 3
"""How many training images a prediction names."""
LEAST_ODDS: Final = 1e-6
"""Added to a probability and to that of its opposite, so that the log odds are finite."""
_PART: Final = 1000
"""Images whose cosines are in memory at a time."""
Real = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingImages:
    """The training images of an open model.

    Attributes:
        bank: their features.
        paths: where they were when the model was trained, by their SHA-256; empty if not known.
        thumbnails: small copies of them, by their SHA-256; empty if there are none.
    """

    bank: FeatureBank
    paths: Mapping[str, Path] = field(default_factory=dict)
    thumbnails: Mapping[str, Path] = field(default_factory=dict)

    def neighbours(self, cosines: Real, classes: Sequence[str]) -> list[tuple[Neighbour, ...]]:
        """The nearest training images of each image, by its cosines to all of them [n, images]."""
        return [
            tuple(self._neighbour(at, float(row[at]), classes) for at in found)
            for row, found in zip(cosines, nearest(cosines, NEAREST).tolist(), strict=True)
        ]

    def _neighbour(self, at: int, cosine: float, classes: Sequence[str]) -> Neighbour:
        sha256 = self.bank.hashes[at] if self.bank.hashes else ""
        own = self.paths.get(sha256), self.thumbnails.get(sha256)
        label = label_of([classes[number] for number in self.bank.classes_of(at)])
        return Neighbour(label, round(cosine, 4), sha256, *own)


def similarity(cosines: Real, bandwidth: float) -> Real:
    """The similarity of images to the training images, by their cosines [n, images]: float32 [n], at most
    `bandwidth * log(images)`.
    """
    sums = np.exp((cosines - 1) / bandwidth).sum(axis=1)
    return np.asarray(bandwidth * np.log(np.maximum(sums, np.finfo(np.float32).tiny)), np.float32)


def log_odds(confidence: Real) -> Real:
    """The log odds of probabilities [n]: float32 [n], within 14 of 0."""
    return np.asarray(np.log((confidence + LEAST_ODDS) / (1 - confidence + LEAST_ODDS)), np.float32)


def unknown_scores(rule: UnknownRule, cosines: Real, confidence: Real) -> Real:
    """The scores of images as unknown.

    Args:
        rule: the model's.
        cosines: of the images to the training images, [n, images].
        confidence: the probability of each image's most likely class, [n].

    Returns:
        Float32 [n], 0..1; above 0.5 for unknown images.
    """
    against = rule.similarity * similarity(cosines, rule.bandwidth) + rule.confidence * log_odds(confidence)
    return np.asarray(1 / (1 + np.exp(np.clip(against - rule.bias, -80, 80))), np.float32)


def classes_from(thresholds: Sequence[float], probabilities: Real, classes: Sequence[str]) -> tuple[str, ...]:
    """The classes whose probabilities [classes] reach their thresholds, most likely first."""
    inside = np.flatnonzero(probabilities >= np.asarray(thresholds, np.float32))
    return tuple(classes[at] for at in inside[np.argsort(-probabilities[inside], kind="stable")].tolist())


def evidence(card: ModelCard, images: TrainingImages | None, features: Real, probabilities: Real) -> list[Evidence]:
    """The evidence of predictions.

    Args:
        card: the model's card.
        images: the training images that its rule needs; None if it has none.
        features: of the images, [n, d].
        probabilities: of the images, [n, classes].
    """
    confidence = probabilities.max(axis=1)
    unknown: Real = 1 - confidence
    neighbours: list[tuple[Neighbour, ...]] = [()] * len(features)
    if card.unknown and images:
        cosines = images.bank.cosines(features)
        unknown = unknown_scores(card.unknown, cosines, confidence)
        neighbours = images.neighbours(cosines, card.classes)
    sets = [classes_from(card.sets.thresholds, row, card.classes) if card.sets else None for row in probabilities]
    coverage = card.sets.coverage if card.sets else None
    groups: list[tuple[Level, ...]] = [()] * len(features)
    if card.hierarchy:
        groups = sure_levels(card.hierarchy, probabilities)
    return [
        Evidence(float(score), chosen, near, coverage, levels)
        for score, chosen, near, levels in zip(unknown, sets, neighbours, groups, strict=True)
    ]


def unknown_images(card: ModelCard, bank: FeatureBank | None, features: Real, probabilities: Real) -> NDArray[np.bool_]:
    """Which images are unknown by the model's rule, bool [n]; none if it has no rule.

    Args:
        card: the model's card.
        bank: the features of its training images, which its rule may need.
        features: of the images, [n, d].
        probabilities: of the images, [n, classes].
    """
    confidence = probabilities.max(axis=1)
    if card.unknown is None or bank is None:
        return np.asarray(confidence < (card.unknown_below or 0))
    parts = [slice(start, start + _PART) for start in range(0, len(features), _PART)]
    scores = [unknown_scores(card.unknown, bank.cosines(features[part]), confidence[part]) for part in parts]
    return np.concatenate([np.zeros(0, np.float32), *scores]) > 0.5


def is_unknown(card: ModelCard, found: Evidence, confidence: float) -> bool | None:
    """Whether a prediction with this evidence and confidence is unknown; None if the model has no rule."""
    if card.unknown:
        return found.unknown_score > 0.5
    return None if card.unknown_below is None else confidence < card.unknown_below


def labels_of(card: ModelCard, found: Evidence, probabilities: Real) -> tuple[str, ...] | None:
    """The classes that an image with these probabilities [classes] has by a multi-label model, most likely first.

    Returns:
        None if the model is not multi-label; empty if the image has none, or is unknown by the model's rule.
    """
    if not card.is_multi_label:
        return None
    is_unlike = is_unknown(card, found, float(probabilities.max()))
    return () if is_unlike else classes_from(card.thresholds, probabilities, card.classes)
