"""What a labelled folder holds and what came of a training, as light values that cross the pipe to the window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.base.errors import FoveaError
from core.datasets.corrections import Correction
from core.images.drawing import Picture
from core.training.request import Recipe


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """A class in a folder.

    Attributes:
        name: its label.
        images: how many can be learnt from.
        samples: up to twelve of them, spread evenly; of a set built here, all of them.
    """

    name: str
    images: int
    samples: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class CustomDataset:
    """A set of photos that was built in the window: where it lies, and how much is in it."""

    folder: Path
    classes: int
    photos: int


@dataclass(frozen=True, slots=True)
class PreviewedPhoto:
    """What the network reads of a photo.

    Attributes:
        path: the photo.
        whole: all of it, small.
        crop: what of it the network reads: left, upper, right, lower, as shares of width and height, 0..1.
        cropped: exactly the pixels that the network reads.
    """

    path: Path
    whole: Picture
    crop: tuple[float, float, float, float]
    cropped: Picture


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long a recipe would take here.

    Attributes:
        recipe: which.
        seconds: from now to the model; None where it cannot run.
        basis: what that is based on, in a sentence or two for the user.
        error: why it cannot run, and what helps; None where it can.
    """

    recipe: Recipe
    seconds: float | None
    basis: str = ""
    error: FoveaError | None = None


@dataclass(frozen=True, slots=True)
class FoundProblem:
    """Something that is wrong with a folder, see `core.datasets.problems.Problem`.

    Attributes:
        kind: what is wrong, a stable word.
        message: what was found, and what was done about it.
        hint: what the person can do.
        paths: the first files and folders it is about.
        count: how many these are altogether.
        is_fatal: whether nothing can be learnt because of it.
    """

    kind: str
    message: str
    hint: str
    paths: tuple[Path, ...]
    count: int
    is_fatal: bool


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How a class fares; see `core.evaluation.metrics.ClassMetrics`. Shares are 0..1, None where undefined."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The test images whose confidence lies in (low, high]: their mean confidence and the share named rightly, 0..1."""

    low: float
    high: float
    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class TestedImage:
    """What the new model says of a test image.

    Attributes:
        path: the image.
        label: its class.
        predicted: the class it was named.
        confidence: how sure the model was of that, 0..1, calibrated.
    """

    path: Path
    label: str
    predicted: str
    confidence: float


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """How good the new model is on the test images, which it had not seen; see `core.evaluation.metrics.Evaluation`.

    Attributes:
        images: how many they are.
        accuracy: the share named rightly, 0..1.
        interval: Wilson's 95 % interval of it.
        per_class: in the classes' order.
        confusion: how many images of the class of a row were named as that of a column; empty beyond 200 classes.
        log_loss: mean, in nats, calibrated.
        log_loss_before: the same at temperature 1.
        ece: expected calibration error, 0..1, calibrated.
        ece_before: the same at temperature 1.
        reliability: the bins that hold images, calibrated.
        reliability_before: the same at temperature 1.
        misclassified: the surest fifty, surest first.
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
    """An image that two models name differently; confidences are 0..1, calibrated; no label where nobody knows it."""

    path: Path
    label: str | None
    before: str
    confidence_before: float
    now: str
    confidence_now: float


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """The new model beside another on the same test images, those of a class of both.

    Attributes:
        name: the other's name.
        version: the other's; 0 for one that came with Fovea, None for what fine-tuning began with.
        images: how many images they are compared by.
        training_overlap: how many of them the other has learnt from, which flatters it; None where nobody knows.
        accuracy_before: the other's, 0..1.
        interval_before: Wilson's 95 % interval of it.
        accuracy_now: the new model's, 0..1.
        only_before_right: how many images only the other named rightly: what broke.
        only_now_right: how many images only the new model named rightly: what was fixed.
        p: of McNemar's exact test; small where the difference is hardly chance.
        could_be_chance: whether it is not small.
        changed: images named differently, at most two hundred, those with the largest margin first.
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
    """An image that could not be read any more when it was to be learnt from."""

    path: Path
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """What came of a training.

    Attributes:
        name: the model's.
        version: 1, 2, ...
        in_use: whether the name means this version now.
        recipe: how it was trained.
        summary: the card's sentence about the model.
        classes: in the order of the logits.
        subsets: how many images were for `train`, `validation` and `test`.
        fitted: how many images the installed head was fitted to.
        computed: of how many images the engine had to compute the features.
        temperature: what logits are divided by.
        unknown_below: the confidence under which an image is of none of the classes; None where that cannot be told.
        training: how it was made, as the card has it: plain JSON.
        evaluation: on the test images; None where there are none.
        baseline: compared with the model in use before; None where that was not asked for or cannot be.
        start: compared with what fine-tuning began with; None for other recipes.
        notes: what the person should know, a sentence or two each.
        unread: images that could not be read any more.
        seconds: how long it took.
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
    """A correction that was learnt, and what the model names the photo before and after; confidences are 0..1."""

    correction: Correction
    before: str
    confidence_before: float
    now: str
    confidence_now: float

    @property
    def is_correct(self) -> bool:
        """Whether the new version says what the person says."""
        return self.now == self.correction.label


@dataclass(frozen=True, slots=True)
class RetrainingSummary:
    """What came of learning from corrections.

    Attributes:
        name: the model's.
        version: the new one.
        from_version: the one that was corrected.
        classes: in the order of the logits.
        corrections: the corrections that were learnt.
        tests: the new version beside the corrected one on the test images of the latter's classes; None where there
            are none.
        notes: what the person should know, a sentence or two each.
        skipped: photos that could not be learnt from.
        seconds: how long it took.
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
