"""What accepting predictions without looking at them means: how many are accepted above a minimum confidence, and how
many of those are probably wrong (selective classification, El-Yaniv and Wiener, JMLR 2010).

The errors are estimated from images that the model was not trained on. That says nothing about images unlike them: see
`Drift`. The window imports this module, so it must not import anything heavy.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import Final

from core.base.i18n import tr
from core.base.text import percent
from core.card import ModelCard
from core.card_rules import SCORE_DIGITS
from core.evaluation.intervals import accuracy_of
from core.evaluation.values import Accuracy

MIN_ACCEPTED: Final = 20
"""The fewest images that say anything about errors."""
_LEAST_DRIFT: Final = 0.15
_LEVEL: Final = 0.01
"""The difference from which, and the p value below which, images count as unlike the training images.

Measured on 98 photos kept aside (10 draws; Xception and EfficientNet-Lite0 joined): the photos themselves were never
reported; blurred (86% instead of 94% correct) nine times, upside down (89%) always, with noise (90%) five times, and in
grey or five times darker (92%) twice and never. A limit for the fraction of unknown photos found none of these.
"""


@dataclass(frozen=True, slots=True)
class Drift:
    """How much less images are like the training images than others of the classes, by the distance of their features.

    This is the one-sided Kolmogorov-Smirnov test on their scores as unknown.

    Attributes:
        images: the number of images, at least one.
        fraction: the fraction of them with more than a certain score, 0..1: the one with the largest difference.
        expected: the fraction of images of the classes that have more, 0..1.
        p: the p value.
    """

    images: int
    fraction: float
    expected: float
    p: float

    @property
    def is_significant(self) -> bool:
        """Whether the images are unlike the training images, by a difference that matters and is not chance."""
        return self.fraction - self.expected >= _LEAST_DRIFT and self.p < _LEVEL


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What accepting the predictions above a minimum confidence means.

    Attributes:
        threshold: the minimum confidence, 0..1; unknown images are never accepted.
        images: the number of images; those that the user labelled do not count.
        is_measured: whether the model keeps what it said of images that it was not trained on.
        accuracy: that of accepted predictions for such images; None if not measured, or there are too few.
        drift: of the images; None if the model cannot measure it, or there are none.
        by_classes: whether the model is multi-label, so that the threshold is one of `Prediction.certainty`.
    """

    threshold: float
    accepted: int
    images: int
    is_measured: bool = False
    accuracy: Accuracy | None = None
    drift: Drift | None = None
    by_classes: bool = False


def accuracy_above(card: ModelCard, threshold: float) -> Accuracy | None:
    """The accuracy of the predictions that are accepted, on images that the model was not trained on.

    Accepted are those with at least `threshold` confidence, 0..1, but not unknown images. None if the card does not
    say, or fewer than `MIN_ACCEPTED` images are accepted.
    """
    found = card.out_of_sample
    if found is None:
        return None
    least = threshold if card.unknown else max(threshold, card.unknown_below or 0.0)
    reached = bisect_right(found.confidence, -least, key=lambda confidence: -confidence)
    known = [score <= 0.5 or not card.unknown for score in found.unknown_scores[:reached]]
    wrong = sum(known[place] for place in found.wrong[: bisect_left(found.wrong, reached)])
    return accuracy_of(sum(known) - wrong, sum(known)) if sum(known) >= MIN_ACCEPTED else None


def known_scores(card: ModelCard | None) -> tuple[float, ...]:
    """The scores as unknown of images that a model was not trained on; empty if they do not depend on features."""
    return card.out_of_sample.unknown_scores if card and card.unknown and card.out_of_sample else ()


def find_drift(known: Sequence[float], scores: Sequence[float]) -> Drift | None:
    """Compare images with those that a model was not trained on, by their scores as unknown; None without any."""
    if not known or not scores:
        return None
    ordered, expected = sorted(round(score, SCORE_DIGITS) for score in scores), sorted(known)
    above = [1 - bisect_right(ordered, score) / len(ordered) for score in expected]
    normal = [1 - bisect_right(expected, score) / len(expected) for score in expected]
    excess = [share - usual for share, usual in zip(above, normal, strict=True)]
    at = max(range(len(excess)), key=excess.__getitem__)
    size = len(ordered) * len(expected) / (len(ordered) + len(expected))
    p = exp(-2 * size * max(0.0, excess[at]) ** 2)  # Smirnov's limit
    return Drift(len(ordered), above[at], normal[at], p)


def acceptance_text(found: Acceptance) -> str:
    """What accepting these predictions means, in one to three sentences."""
    return " ".join(text for text in (accepted_text(found), unreliable_text(found)) if text)


def unreliable_text(found: Acceptance) -> str:
    """Why the estimate isn't reliable for these photos; empty if nothing suggests so."""
    if not (found.drift and found.drift.is_significant):
        return ""
    estimated = [tr("The estimate isn't reliable here.")] if found.accepted and found.accuracy else []
    return " ".join((*estimated, drift_text(found.drift)))


def accepted_text(found: Acceptance) -> str:
    """How many predictions are accepted, and how many of them are probably wrong if the photos are as usual."""
    confidence = f"{found.threshold:.0%}"
    if found.by_classes:
        return tr(
            "For {share} of the photos, every class is {distance} or more of the way from its threshold to 0% or 100%.",
            share=percent(found.accepted / found.images),
            distance=confidence,
        )
    if not found.accepted:
        return tr("At {confidence} confidence or more, no photo is accepted.", confidence=confidence)
    share = percent(found.accepted / found.images)
    if found.accuracy:
        low, high = found.accuracy.interval
        return tr(
            "At {confidence} confidence or more, {share} of the photos are accepted, an estimated {wrong} of them "
            "wrong ({low} to {high}).",
            confidence=confidence,
            share=share,
            wrong=percent(1 - found.accuracy.fraction),
            low=percent(1 - high),
            high=percent(1 - low),
        )
    if found.is_measured:
        return tr(
            "At {confidence} confidence or more, {share} of the photos are accepted. The model was tested on too few "
            "such photos to estimate how many are wrong.",
            confidence=confidence,
            share=share,
        )
    return tr(
        "At {confidence} confidence or more, {share} of the photos are accepted. How many of them are wrong isn't "
        "known for this model.",
        confidence=confidence,
        share=share,
    )


def drift_text(drift: Drift) -> str:
    """How much less photos are like the training photos than expected."""
    return tr(
        "These photos are unlike the training photos: {share} of them are unusually far from those; {expected} "
        "would be normal.",
        share=f"{drift.fraction:.0%}",
        expected=f"{drift.expected:.0%}",
    )
