"""The contents of labelled folders and the results of trainings, as light values that cross the pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.base.errors import FoveaError
from core.datasets.labels import Label
from core.images.drawing import Picture
from core.training.request import Recipe


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """A class in a folder.

    Attributes:
        name: its label.
        images: the number of usable images.
        samples: up to twelve of them, evenly spaced; all of them in custom datasets.
    """

    name: str
    images: int
    samples: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class CustomDataset:
    """A dataset that was built in the window: its folder, and the numbers of classes and photos."""

    folder: Path
    classes: int
    photos: int


@dataclass(frozen=True, slots=True)
class PreviewedPhoto:
    """A photo as the network reads it.

    Attributes:
        path: the photo.
        whole: a thumbnail of it.
        crop: the part that the network reads: left, upper, right, lower, as fractions of width and height, 0..1.
        cropped: the exact pixels that the network reads.
    """

    path: Path
    whole: Picture
    crop: tuple[float, float, float, float]
    cropped: Picture


@dataclass(frozen=True, slots=True)
class Forecast:
    """The expected duration of a recipe on this machine.

    Attributes:
        recipe: the recipe.
        seconds: the time until the model is ready; None if the recipe cannot run.
        basis: how that was estimated, in a sentence or two for the user.
        error: why it cannot run, and what to do; None if it can.
    """

    recipe: Recipe
    seconds: float | None
    basis: str = ""
    error: FoveaError | None = None


@dataclass(frozen=True, slots=True)
class FoundProblem:
    """A problem of a folder, see `core.datasets.problems.Problem`.

    Attributes:
        kind: its kind, a stable word.
        message: what was found, and what was done about it.
        hint: what the user can do.
        paths: the first files and folders it concerns.
        count: the total number of these.
        is_fatal: whether no model can be trained because of it.
    """

    kind: str
    message: str
    hint: str
    paths: tuple[Path, ...]
    count: int
    is_fatal: bool


@dataclass(frozen=True, slots=True)
class ClassScore:
    """The metrics of a class, 0..1, None where undefined; see `core.evaluation.metrics.ClassMetrics`."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The test images with a confidence in (low, high]: their mean confidence and accuracy, 0..1."""

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class TestedImage:
    """The new model's prediction for a test image.

    Attributes:
        path: the image.
        label: its class.
        predicted: the predicted class.
        confidence: the calibrated confidence of the prediction, 0..1.
    """

    path: Path
    label: str
    predicted: str
    confidence: float


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """The evaluation of the new model on held-out test images; see `core.evaluation.metrics.Evaluation`.

    Attributes:
        images: the number of test images.
        accuracy: 0..1.
        interval: its Wilson 95% confidence interval.
        per_class: the metrics of each class, in the classes' order.
        confusion: counts with the label in rows and the prediction in columns; empty beyond 200 classes.
        log_loss: the mean log loss in nats, calibrated.
        log_loss_before: the same at temperature 1.
        ece: the expected calibration error, 0..1, calibrated.
        ece_before: the same at temperature 1.
        reliability: the non-empty reliability bins, calibrated.
        reliability_before: the same at temperature 1.
        misclassified: up to fifty misclassified images, most confident first.
        tested: all test images.
    """

    images: int
    accuracy: float
    interval: tuple[float, float]
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    log_loss: float
    log_loss_before: float
    ece: float
    ece_before: float
    reliability: tuple[ReliabilityBin, ...]
    reliability_before: tuple[ReliabilityBin, ...]
    misclassified: tuple[TestedImage, ...]
    tested: tuple[TestedImage, ...]


@dataclass(frozen=True, slots=True)
class ChangedImage:
    """An image with different predictions by two models, with calibrated confidences, 0..1; no label if unknown."""

    path: Path
    label: str | None
    before: str
    confidence_before: float
    now: str
    confidence_now: float


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """The new model compared with another on the test images of the classes they share.

    Attributes:
        name: the other model's name.
        version: the other model's version; 0 for a built-in model, None for what fine-tuning started from.
        images: the number of images compared.
        training_overlap: how many of them the other was trained on, which makes its accuracy optimistic; None if
            unknown.
        accuracy_before: the other model's accuracy, 0..1.
        interval_before: its Wilson 95% confidence interval.
        accuracy_now: the new model's accuracy, 0..1.
        only_before_right: the number of images that only the other classifies correctly: what broke.
        only_now_right: the number of images that only the new model classifies correctly: what was fixed.
        p: the p-value of McNemar's exact test.
        could_be_chance: whether the difference is not significant.
        changed: images with different predictions, at most two hundred, largest margin first.
    """

    name: str
    version: int | None
    images: int
    training_overlap: int | None
    accuracy_before: float
    interval_before: tuple[float, float]
    accuracy_now: float
    only_before_right: int
    only_now_right: int
    p: float
    could_be_chance: bool
    changed: tuple[ChangedImage, ...]


@dataclass(frozen=True, slots=True)
class UnreadImage:
    """An image that could no longer be read when the training needed it."""

    path: Path
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """The result of a training.

    Attributes:
        name: the name of the model.
        version: 1, 2, ...
        in_use: whether this version is active.
        recipe: the recipe.
        summary: the card's sentence about the model.
        classes: in the order of the logits.
        subsets: the numbers of images for `train`, `validation` and `test`.
        fitted: the number of images the installed head was trained on.
        computed: the number of images whose features were computed.
        temperature: the divisor of the logits.
        unknown_below: the confidence below which an image is unknown; None if there is no such threshold.
        training: the training parameters on the card: plain JSON.
        evaluation: the evaluation on the test images; None if there are none.
        baseline: compared with the model in use before; None if not requested or not possible.
        start: compared with what fine-tuning started from; None for other recipes.
        notes: notes for the user, a sentence or two each.
        unread: images that could no longer be read.
        seconds: the duration.
    """

    name: str
    version: int
    in_use: bool
    recipe: Recipe
    summary: str
    classes: tuple[str, ...]
    subsets: Mapping[str, int]
    fitted: int
    computed: int
    temperature: float
    unknown_below: float | None
    training: Mapping[str, Any]
    evaluation: EvaluationSummary | None
    baseline: BaselineComparison | None
    start: BaselineComparison | None
    notes: tuple[str, ...]
    unread: tuple[UnreadImage, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class CorrectionSummary:
    """A correction the model was trained on, with its predictions before and after; confidences are 0..1."""

    correction: Label
    before: str
    confidence_before: float
    now: str
    confidence_now: float

    @property
    def is_correct(self) -> bool:
        """Whether the new version predicts the user's label."""
        return self.now == self.correction.label


@dataclass(frozen=True, slots=True)
class RetrainingSummary:
    """The result of retraining with corrections.

    Attributes:
        name: the name of the model.
        version: the new version.
        from_version: the version that was corrected.
        classes: in the order of the logits.
        corrections: the corrections it was trained on.
        tests: the new version compared with the corrected one on the test images of the latter's classes; None if
            there are none.
        notes: notes for the user, a sentence or two each.
        skipped: photos that could not be used.
        seconds: the duration.
    """

    name: str
    version: int
    from_version: int
    classes: tuple[str, ...]
    corrections: tuple[CorrectionSummary, ...]
    tests: BaselineComparison | None
    notes: tuple[str, ...]
    skipped: tuple[UnreadImage, ...]
    seconds: float
