"""What a recipe made of its images, calibrated and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from core.judging.calibration import fit_temperature
from core.judging.evaluation import Evaluation, evaluate
from core.learning.material import LabelledFeatures
from core.library.heads import Head, softmax
from core.library.library import InstalledBackbone

KNOWN_SHARE: Final = 5
"""Percentage of rightly named images that may fall under the threshold of "none of my classes"."""
_ENOUGH_KNOWN: Final = 20
"""Rightly named images from which that percentage can be told."""


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """What a recipe made.

    Attributes:
        recipe: what it did, in a sentence, for the model's card.
        judged: the head that is judged: fitted to the training images, nothing chosen by the test images.
        head: the head to be installed, as its file; where it was fitted once more to all images, another one.
        fitted: how many images that one was fitted to.
        facts: how it went, for the model's card.
        backbone: one of its own, in the run's folder; None where it stands on the shared one.
    """

    recipe: str
    judged: Head
    head: bytes
    fitted: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    backbone: InstalledBackbone | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What was learnt.

    Attributes:
        attempt: what the recipe made.
        temperature: see `ModelCard`; 1 where there are no validation images.
        unknown_below: see `ModelCard`; None where there are too few validation images.
        evaluation: on the test images; None where there are none.
    """

    attempt: Attempt
    temperature: float
    unknown_below: float | None
    evaluation: Evaluation | None


def judge_attempt(
    attempt: Attempt, validation: LabelledFeatures, test: LabelledFeatures, classes: Sequence[str]
) -> Lesson:
    """Calibrate by the validation images and judge by the test images, which are looked at here and nowhere else.

    Args:
        attempt: what the recipe made.
        validation: with features by the attempt's own backbone.
        test: likewise.
        classes: labels, in the order of the logits.
    """
    temperature, unknown_below = _calibrate(attempt.judged, validation)
    evaluation = None
    if len(test):
        logits = attempt.judged.logits(test.features)
        evaluation = evaluate(logits, test.labels, classes, temperature=temperature, paths=test.paths)
    return Lesson(attempt, temperature, unknown_below, evaluation)


def _calibrate(head: Head, validation: LabelledFeatures) -> tuple[float, float | None]:
    """The temperature and the threshold of "none of my classes", see `Lesson`."""
    if not len(validation):
        return 1.0, None
    logits = head.logits(validation.features)
    temperature = round(fit_temperature(logits, validation.labels), 4)
    probabilities = softmax(logits, temperature)
    known = probabilities.max(axis=1)[probabilities.argmax(axis=1) == validation.labels]
    enough = len(known) >= _ENOUGH_KNOWN
    return temperature, round(float(np.percentile(known, KNOWN_SHARE)), 4) if enough else None
