"""The head that a recipe trained, calibrated and evaluated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import floor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.base.providers import ComputePrecision
from core.card_rules import OutOfSample, PredictionSets
from core.datasets.labelled_image import LabelledImage
from core.evaluation.calibration import calibration, fit_temperature
from core.evaluation.metrics import evaluate
from core.evaluation.multi_label import decisions, evaluate_label_sets
from core.evaluation.multi_label_values import ClassSuspect, MultiLabelEvaluation
from core.evaluation.values import Evaluation, LabelledPrediction, OutOfSampleCalibration
from core.models.heads import Head, sigmoid, softmax
from core.models.values import InstalledBackbone
from core.models.variant_agreement import VariantAgreement
from core.training.evidence_rules import (
    MIN_IMAGES,
    REJECT_PERCENTILE,
    FittedRule,
    Known,
    fit_prediction_sets,
    fit_unknown_rule,
    measured_sets,
    summarize,
)
from core.training.multi_label import find_class_suspects, fit_thresholds
from core.training.training_data import LabelledFeatures, concat

MIN_HELD_OUT: Final = 150
"""Validation and test images from which the estimate is as good as by cross-validation, which takes longer."""
_MAX_SUSPECTS: Final = 100
KEPT: Final = "kept_classes"
"""The detail of a card's training that says how many classes were kept, and of which model."""


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Images, their classes [n] or [n, classes], and the logits [n, classes] of heads not trained on them."""

    paths: Sequence[Path]
    labels: NDArray[np.int64]
    logits: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TrainedHead:
    """The result of a recipe.

    Attributes:
        recipe: a description of the recipe, for the model's card.
        evaluated: the head to evaluate: fitted to the training images, independent of the test images.
        head: the head to install, as file content; a different one if it was refitted to all images.
        fitted: the number of images that it was fitted to.
        facts: details of the training, for the model's card.
        backbone: its own backbone, in the run's folder; None if it uses the shared one.
        out_of_fold: cross-validated predictions for the images that `head` was fitted to; None if not done.
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
    """A trained head with its calibration and evaluation.

    Attributes:
        trained: the result of the recipe.
        temperature: see `ModelCard`; 1 if there are no images to fit it to.
        unknown_below: see `ModelCard`; None if there are too few images.
        evaluation: on the test images; None if there are none.
        threshold_images: the number of images that `unknown_below` was estimated from.
        variants: how predictions in the variants of the shared backbone compare with those in float32.
        unknown: the rule for unknown images; None if there are too few images.
        sets: the rule for the classes that an image may have; None if there are too few images.
        out_of_sample: what it said of images that it was not trained on; None if there are none.
        calibration: on these images; None if there are none.
        measured_sets: the coverage of such sets and their mean size, out of sample; None if there are too few images.
        thresholds: see `ModelCard`; empty if every image has exactly one class.
        multi_label: the evaluation on the test images instead of `evaluation` if images may have several classes.
        suspects: images whose cross-validated prediction differs from their label, most likely label errors first.
        class_suspects: the same if images may have several classes, see `find_class_suspects`.
    """

    trained: TrainedHead
    temperature: float
    unknown_below: float | None
    evaluation: Evaluation | None
    threshold_images: int = 0
    suspects: tuple[LabelledPrediction, ...] = ()
    variants: Mapping[ComputePrecision, VariantAgreement] = field(default_factory=dict)
    unknown: FittedRule | None = None
    sets: PredictionSets | None = None
    out_of_sample: OutOfSample | None = None
    calibration: OutOfSampleCalibration | None = None
    measured_sets: tuple[float, float] | None = None
    thresholds: tuple[float, ...] = ()
    multi_label: MultiLabelEvaluation | None = None
    class_suspects: tuple[ClassSuspect, ...] = ()

    @property
    def cutoffs(self) -> NDArray[np.float32] | None:
        """The logits [classes] from which an image has each class; None if every image has exactly one."""
        if not self.thresholds:
            return None
        thresholds = np.array(self.thresholds)
        return np.asarray(self.temperature * np.log(thresholds / (1 - thresholds)), np.float32)

    @property
    def bank_file(self) -> dict[str, bytes]:
        """The file of the training images' features by its name, if there is one."""
        return {self.unknown.rule.file: self.unknown.bank} if self.unknown else {}

    def compared_with(self, images: Sequence[LabelledImage]) -> list[LabelledImage]:
        """Those training images that photos are compared with, to find out whether they are unknown."""
        kept = set(self.unknown.images) if self.unknown else set()
        return [image for image in images if image.sha256 in kept]


def evaluate_head(
    trained: TrainedHead,
    fitted: LabelledFeatures,
    validation: LabelledFeatures,
    test: LabelledFeatures,
    classes: Sequence[str],
) -> EvaluatedHead:
    """Calibrate a head on images that it was not trained on, and evaluate it on the test images.

    The temperature is fitted to the validation images and, if the recipe cross-validated, to all images but the test
    images. Five folds of 196 photos: fitted to a sixth of the others for validation, it left an expected calibration
    error of 0.046 on the fold that was kept aside; fitted to the cross-validation, one of 0.020.

    The rules for unknown images and for prediction sets are fitted to the cross-validation, or else to the validation
    and test images. The evaluation does not depend on them.

    Args:
        trained: the result of the recipe.
        fitted: the images that the head to install was fitted to, with features from the recipe's own backbone, if it
            has one.
        validation: with features from the recipe's own backbone, if it has one.
        test: the same.
        classes: labels, in the order of the logits.
    """
    evaluation, held_out = None, concat(validation, test)
    out_of_sample = trained.out_of_fold or Predictions(
        held_out.paths, held_out.labels, trained.evaluated.logits(held_out.features)
    )
    temperature = _temperature(trained, validation, set(test.paths))
    suspects = find_suspects(trained.out_of_fold, classes, temperature) if trained.out_of_fold else ()
    measured = _calibration(out_of_sample, temperature, is_cross_validated=trained.out_of_fold is not None)
    if len(test):
        logits = trained.evaluated.logits(test.features)
        found = evaluate(logits, test.labels, classes, temperature=temperature, paths=test.paths)
        evaluation = replace(found, out_of_sample=measured)
    known = _known(out_of_sample, temperature, concat(fitted, held_out))
    rule = fit_unknown_rule(fitted, known)
    return EvaluatedHead(
        trained,
        temperature,
        _threshold(out_of_sample, temperature),
        evaluation,
        len(out_of_sample.paths),
        suspects,
        unknown=rule,
        sets=fit_prediction_sets(known),
        out_of_sample=summarize(known, rule),
        calibration=measured,
        measured_sets=measured_sets(known),
    )


def evaluate_multi_label(
    trained: TrainedHead,
    fitted: LabelledFeatures,
    validation: LabelledFeatures,
    test: LabelledFeatures,
    classes: Sequence[str],
) -> EvaluatedHead:
    """Calibrate a head for images with several classes, and evaluate it on the test images.

    The temperature and the thresholds are fitted to the out-of-fold predictions, or else to the validation images; the
    test images have no part in them.

    Args:
        trained: the result of the recipe.
        fitted: the images that the head to install was fitted to.
        validation: images that it was not trained on.
        test: the same.
        classes: labels, in the order of the logits.
    """
    known = trained.out_of_fold or Predictions(
        validation.paths, validation.labels, trained.evaluated.logits(validation.features)
    )
    temperature, thresholds = 1.0, (0.5,) * len(classes)
    if len(known.labels):
        temperature = round(fit_temperature(*decisions(known.logits, known.labels)), 4)
        thresholds = fit_thresholds(known.logits, known.labels, temperature)
    found, suspects = None, tuple[ClassSuspect, ...]()
    if len(test):
        logits = trained.evaluated.logits(test.features)
        found = evaluate_label_sets(logits, test.labels, classes, thresholds, temperature=temperature, paths=test.paths)
    if trained.out_of_fold:
        suspects = find_class_suspects(known.paths, known.logits, known.labels, classes)[:_MAX_SUSPECTS]
    images = _known(known, temperature, concat(fitted, validation), sigmoid)
    return EvaluatedHead(
        trained, temperature, None, None, len(known.paths), thresholds=thresholds, multi_label=found,
        class_suspects=suspects, unknown=fit_unknown_rule(fitted, images),
    )  # fmt: skip


def _calibration(
    out_of_sample: Predictions, temperature: float, *, is_cross_validated: bool
) -> OutOfSampleCalibration | None:
    if not len(out_of_sample.labels):
        return None
    raw, calibrated = (calibration(out_of_sample.logits, out_of_sample.labels, one) for one in (1.0, temperature))
    return OutOfSampleCalibration(raw, calibrated, is_cross_validated)


def _known(
    out_of_sample: Predictions,
    temperature: float,
    images: LabelledFeatures,
    probabilities: Callable[..., Any] = softmax,
) -> Known:
    row_of = {path: row for row, path in enumerate(images.paths)}
    features = images.features[[row_of[path] for path in out_of_sample.paths]]
    return Known(features, out_of_sample.labels, probabilities(out_of_sample.logits, temperature))


def _temperature(trained: TrainedHead, validation: LabelledFeatures, tested: Collection[Path]) -> float:
    logits = trained.evaluated.logits(validation.features)
    labels = validation.labels
    if trained.out_of_fold:
        among = set(trained.out_of_fold.paths)
        rest = [path not in among for path in validation.paths]
        kept = [path not in tested for path in trained.out_of_fold.paths]
        logits = np.concatenate([trained.out_of_fold.logits[kept], logits[rest]])
        labels = np.concatenate([trained.out_of_fold.labels[kept], labels[rest]])
    return round(fit_temperature(logits, labels), 4) if len(labels) else 1.0


def _threshold(out_of_sample: Predictions, temperature: float) -> float | None:
    """The confidence that all but `REJECT_PERCENTILE` percent of the images reach; None if there are too few.

    It is at most what n images can vouch for, (n + 1) / (n + 2) (Laplace's rule of succession): images that look nearly
    the same, such as a camera's, reach 0.9999, and nothing else ever would.
    """
    count = len(out_of_sample.paths)
    if count < MIN_IMAGES:
        return None
    reached = float(np.percentile(softmax(out_of_sample.logits, temperature).max(axis=1), REJECT_PERCENTILE))
    return floor(min(reached, (count + 1) / (count + 2)) * 10_000) / 10_000


def undecided(suspects: Sequence[LabelledPrediction], decided: Collection[Path]) -> tuple[LabelledPrediction, ...]:
    """The suspects without those whose label the user gave or confirmed."""
    return tuple(one for one in suspects if one.path not in decided)


def find_suspects(
    out_of_sample: Predictions, classes: Sequence[str], temperature: float, most: int | None = _MAX_SUSPECTS
) -> tuple[LabelledPrediction, ...]:
    """The images whose prediction differs from their label, those with the least probability of their label first.

    This is the ranking by self-confidence of Northcutt, Jiang and Chuang ("Confident Learning", 2021, section 3.2).
    `tests/benchmarks/label_errors.py` compares it with others: its average precision is the highest, if 5% of the
    labels of 196 photos are wrong (0.993; by normalized margin 0.984, by the ten nearest photos 0.977) and if 20% are.

    Args:
        out_of_sample: predictions of heads that were not trained on the images.
        classes: the labels of the classes.
        temperature: of the logits.
        most: the most images that are returned; None for all.
    """
    probabilities, labels = softmax(out_of_sample.logits, temperature), out_of_sample.labels
    rows = np.arange(len(labels))
    confidence, given = probabilities.max(axis=1), probabilities[rows, labels]
    wrong = rows[probabilities.argmax(axis=1) != labels]
    first = wrong[np.argsort(given[wrong], kind="stable")][:most]
    return tuple(
        LabelledPrediction(
            path=out_of_sample.paths[row],
            label=classes[labels[row]],
            predicted=classes[int(probabilities[row].argmax())],
            confidence=float(confidence[row]),
            probability=float(given[row]),
        )
        for row in first.tolist()
    )
