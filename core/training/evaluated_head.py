"""What a recipe made of its images, calibrated and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.datasets.dataset import Example
from core.evaluation.calibration import fit_temperature
from core.evaluation.metrics import Evaluation, Misclassification, evaluate
from core.models.heads import Head, softmax
from core.models.library import InstalledBackbone
from core.training.training_data import LabelledFeatures, concat

REJECT_PERCENTILE: Final = 5
"""Percentage of images of the classes that may fall below the threshold of "none of my classes"."""
_MIN_THRESHOLD_IMAGES: Final = 20
"""Images from which that percentage can be found."""
MIN_HELD_OUT: Final = 150
"""Validation and test images that find it as well as cross-validation of a sample, which takes longer."""
_MAX_SUSPECTS: Final = 100


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
class TrainedHead:
    """What a recipe made.

    Attributes:
        recipe: what it did, in a sentence, for the model's card.
        evaluated: the head that is judged: fitted to the training images, nothing chosen by the test images.
        head: the head to be installed, as its file; where it was fitted once more to all images, another one.
        fitted: how many images that one was fitted to.
        facts: how it went, for the model's card.
        backbone: one of its own, in the run's folder; None where it stands on the shared one.
        out_of_fold: of the images that `head` was fitted to, by cross-validation; None where that was not done.
    """

    recipe: str
    evaluated: Head
    head: bytes
    fitted: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    backbone: InstalledBackbone | None = None
    out_of_fold: Predictions | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedHead:
    """What was learnt.

    Attributes:
        trained: what the recipe made.
        temperature: see `ModelCard`; 1 where there are no validation images.
        unknown_below: see `ModelCard`; None where there are too few images.
        evaluation: on the test images; None where there are none.
        threshold_images: how many images `unknown_below` was found with.
        suspects: images whose label may be wrong, the most likely first: cross-validation names them otherwise.
    """

    trained: TrainedHead
    temperature: float
    unknown_below: float | None
    evaluation: Evaluation | None
    threshold_images: int = 0
    suspects: tuple[Misclassification, ...] = ()


def evaluate_head(
    trained: TrainedHead, validation: LabelledFeatures, test: LabelledFeatures, classes: Sequence[str]
) -> EvaluatedHead:
    """Calibrate by the validation images and judge by the test images.

    The threshold of "none of my classes" is found with images that the head in question had not learned from: those
    of a cross-validation, or else the validation and test images. The figures do not depend on it.

    Args:
        trained: what the recipe made.
        validation: with features by the attempt's own backbone.
        test: likewise.
        classes: labels, in the order of the logits.
    """
    temperature, evaluation = _temperature(trained.evaluated, validation), None
    held_out = concat(validation, test)
    out_of_sample = trained.out_of_fold or Predictions(held_out.examples, trained.evaluated.logits(held_out.features))
    suspects = _suspects(trained.out_of_fold, classes, temperature) if trained.out_of_fold else ()
    if len(test):
        logits = trained.evaluated.logits(test.features)
        evaluation = evaluate(logits, test.labels, classes, temperature=temperature, paths=test.paths)
    threshold = _threshold(out_of_sample, temperature)
    return EvaluatedHead(trained, temperature, threshold, evaluation, len(out_of_sample.examples), suspects)


def _temperature(head: Head, validation: LabelledFeatures) -> float:
    if not len(validation):
        return 1.0
    return round(fit_temperature(head.logits(validation.features), validation.labels), 4)


def _threshold(out_of_sample: Predictions, temperature: float) -> float | None:
    """The confidence that all but `REJECT_PERCENTILE` percent of the images reach; None where they are too few."""
    if len(out_of_sample.examples) < _MIN_THRESHOLD_IMAGES:
        return None
    return round(float(np.percentile(softmax(out_of_sample.logits, temperature).max(axis=1), REJECT_PERCENTILE)), 4)


def _suspects(out_of_sample: Predictions, classes: Sequence[str], temperature: float) -> tuple[Misclassification, ...]:
    """The images that are named otherwise than their label, by how much more likely the other class is.

    That is the ranking by margin of Northcutt, Jiang and Chuang ("Confident Learning", 2021, section 3.2).
    """
    probabilities, labels = softmax(out_of_sample.logits, temperature), out_of_sample.labels
    rows = np.arange(len(labels))
    confidence, given = probabilities.max(axis=1), probabilities[rows, labels]
    wrong = rows[probabilities.argmax(axis=1) != labels]
    first = wrong[np.argsort(given[wrong] - confidence[wrong], kind="stable")][:_MAX_SUSPECTS]
    return tuple(
        Misclassification(
            path=out_of_sample.examples[row].path,
            label=classes[labels[row]],
            predicted=classes[int(probabilities[row].argmax())],
            confidence=float(confidence[row]),
            probability=float(given[row]),
        )
        for row in first.tolist()
    )
