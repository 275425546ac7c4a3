"""What a recipe made of its images, calibrated and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.datasets.dataset import Example
from core.evaluation.calibration import fit_temperature
from core.evaluation.metrics import Evaluation, Mistake, evaluate
from core.models.heads import Head, softmax
from core.models.library import InstalledBackbone
from core.training.training_data import LabelledFeatures, together

KNOWN_SHARE: Final = 5
"""Percentage of images of the classes that may fall below the threshold of "none of my classes"."""
_ENOUGH_KNOWN: Final = 20
"""Images from which that percentage can be found."""
ENOUGH_HELD_OUT: Final = 150
"""Validation and test images that find it as well as cross-validation of a sample, which takes longer."""
_MOST_SUSPECTS: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Images, and the logits [n, classes] of heads that had not learned from them."""

    examples: tuple[Example, ...]
    logits: NDArray[np.float32]

    @property
    def labels(self) -> NDArray[np.int64]:
        """Their classes [n]."""
        return np.array([example.label for example in self.examples], np.int64)


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
        out_of_fold: of the images that `head` was fitted to, by cross-validation; None where that was not done.
    """

    recipe: str
    judged: Head
    head: bytes
    fitted: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    backbone: InstalledBackbone | None = None
    out_of_fold: Predictions | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What was learnt.

    Attributes:
        attempt: what the recipe made.
        temperature: see `ModelCard`; 1 where there are no validation images.
        unknown_below: see `ModelCard`; None where there are too few images.
        evaluation: on the test images; None where there are none.
        known: how many images `unknown_below` was found with.
        suspects: images whose label may be wrong, the most likely first: cross-validation names them otherwise.
    """

    attempt: Attempt
    temperature: float
    unknown_below: float | None
    evaluation: Evaluation | None
    known: int = 0
    suspects: tuple[Mistake, ...] = ()


def judge_attempt(
    attempt: Attempt, validation: LabelledFeatures, test: LabelledFeatures, classes: Sequence[str]
) -> Lesson:
    """Calibrate by the validation images and judge by the test images.

    The threshold of "none of my classes" is found with images that the head in question had not learned from: those
    of a cross-validation, or else the validation and test images. The figures do not depend on it.

    Args:
        attempt: what the recipe made.
        validation: with features by the attempt's own backbone.
        test: likewise.
        classes: labels, in the order of the logits.
    """
    temperature, evaluation = _temperature(attempt.judged, validation), None
    held_out = together(validation, test)
    unseen = attempt.out_of_fold or Predictions(held_out.examples, attempt.judged.logits(held_out.features))
    suspects = _suspects(attempt.out_of_fold, classes, temperature) if attempt.out_of_fold else ()
    if len(test):
        logits = attempt.judged.logits(test.features)
        evaluation = evaluate(logits, test.labels, classes, temperature=temperature, paths=test.paths)
    threshold = _threshold(unseen, temperature)
    return Lesson(attempt, temperature, threshold, evaluation, len(unseen.examples), suspects)


def _temperature(head: Head, validation: LabelledFeatures) -> float:
    if not len(validation):
        return 1.0
    return round(fit_temperature(head.logits(validation.features), validation.labels), 4)


def _threshold(unseen: Predictions, temperature: float) -> float | None:
    """The confidence that all but `KNOWN_SHARE` percent of the images reach; None where they are too few."""
    if len(unseen.examples) < _ENOUGH_KNOWN:
        return None
    return round(float(np.percentile(softmax(unseen.logits, temperature).max(axis=1), KNOWN_SHARE)), 4)


def _suspects(unseen: Predictions, classes: Sequence[str], temperature: float) -> tuple[Mistake, ...]:
    """The images that are named otherwise than their label, by how much more likely the other class is.

    That is the ranking by margin of Northcutt, Jiang and Chuang ("Confident Learning", 2021, section 3.2).
    """
    probabilities, labels = softmax(unseen.logits, temperature), unseen.labels
    rows = np.arange(len(labels))
    confidence, given = probabilities.max(axis=1), probabilities[rows, labels]
    wrong = rows[probabilities.argmax(axis=1) != labels]
    first = wrong[np.argsort(given[wrong] - confidence[wrong], kind="stable")][:_MOST_SUSPECTS]
    return tuple(
        Mistake(
            path=unseen.examples[row].path,
            label=classes[labels[row]],
            predicted=classes[int(probabilities[row].argmax())],
            confidence=float(confidence[row]),
            probability=float(given[row]),
        )
        for row in first.tolist()
    )
