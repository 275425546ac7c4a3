"""The results of trainings, and what is known before them: light values that any process can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.base.errors import FoveaError
from core.card import ModelCard
from core.datasets.labels import Label
from core.datasets.problems import Problem
from core.evaluation.multi_label_values import ClassSuspect, MultiLabelEvaluation
from core.evaluation.values import BaselineComparison, Evaluation, LabelledPrediction
from core.images.drawing import Picture
from core.prediction import Failure
from core.training.request import Recipe

_MAX_INTERVAL: Final = 0.2
"""The widest interval of an accuracy that is stated."""

# ---- before a training


@dataclass(frozen=True, slots=True)
class PreviewedPhoto:
    """A photo as the network reads it.

    Attributes:
        path: the photo.
        whole: a thumbnail of it.
        crop: the part that the network reads: left, upper, right, lower, as fractions of width and height; below 0 and
            above 1 where it is padded.
        cropped: the exact pixels that the network reads.
    """

    path: Path
    whole: Picture
    crop: tuple[float, float, float, float]
    cropped: Picture


@dataclass(frozen=True, slots=True)
class Previewed:
    """What the network reads.

    Attributes:
        seen: what it reads of each photo, and of which part of it.
        augmented: nine augmentations of the first photo.
        augmentations: descriptions of what augmentation does, one line each.
    """

    seen: tuple[PreviewedPhoto, ...]
    augmented: tuple[Picture, ...]
    augmentations: tuple[str, ...]


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


# ---- results


@dataclass(frozen=True, slots=True)
class DatasetCheck:
    """What is probably wrong with the labelled images of a folder.

    Attributes:
        folder: the folder.
        classes: its labels, in natural order.
        images: the number of usable images.
        checked: the number of them whose label was compared with a cross-validated prediction.
        backbone: the name of the backbone of the features.
        computed: the number of images whose features were computed.
        label_errors: images whose label is probably wrong, the most likely ones first.
        problems: the problems of the folder, near-duplicates, outliers, and classes that might be one.
        failures: images that could no longer be read.
        class_suspects: instead of `label_errors` if images may have several classes, the classes that are probably
            missing or wrong, the most likely ones first.
    """

    folder: Path
    classes: tuple[str, ...]
    images: int
    checked: int
    backbone: str
    computed: int
    label_errors: tuple[LabelledPrediction, ...]
    problems: tuple[Problem, ...]
    failures: tuple[Failure, ...]
    class_suspects: tuple[ClassSuspect, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedGain:
    """The accuracy that more photos would probably give, by the learning curve; accuracies are 0..1.

    Attributes:
        label: the class whose photos they are, and whose accuracy it is; empty for all classes together.
        images: the number of its photos now.
        more: the number of photos more.
        accuracy: on held-out photos now.
        expected: with so many more.
        low: the lower end of the 90% interval of `expected`.
        high: its upper end.
    """

    label: str
    images: int
    more: int
    accuracy: float
    expected: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether the interval is narrow enough to say anything."""
        return self.high - self.low <= _MAX_INTERVAL


@dataclass(frozen=True, slots=True)
class ClassOutlook:
    """What a class lacks.

    Attributes:
        label: the class.
        images: the number of its photos.
        gain: what more photos of it would give; None if there are too few to tell.
        confused_with: the class that its photos are most often taken for; empty if that is rare.
        confused: the share of its photos that are, 0..1.
        is_alike: whether its photos are mostly near-duplicates of each other.
    """

    label: str
    images: int
    gain: ExpectedGain | None
    confused_with: str
    confused: float
    is_alike: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """What more photos would give: of all classes together, and of each."""

    gain: ExpectedGain
    classes: tuple[ClassOutlook, ...]


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The result of a training.

    Attributes:
        card: the card of the model.
        version: 1, 2, ...
        in_use: whether this version is active.
        subsets: the numbers of images for `train`, `validation` and `test`.
        fitted: the number of images the installed head was trained on.
        computed: the number of images whose features were computed.
        evaluation: the evaluation on the test images; None if there are none.
        baseline: compared with another model; None if not requested or not possible.
        start: compared with what fine-tuning started from; None for other recipes.
        suspects: images whose label is probably wrong, by cross-validation, the most likely ones first.
        problems: the problems of the folder.
        failures: images that could no longer be read.
        notes: notes for the user, a sentence or two each.
        seconds: the duration of the training, without the comparison.
        outlook: what more photos would give; None for other recipes than quick, for too few or too many photos, and if
            photos may have several classes.
        multi_label: the evaluation on the test images instead of `evaluation` if photos may have several classes.
        class_suspects: the classes that are probably missing or wrong, instead of `suspects`.
    """

    card: ModelCard
    version: int
    in_use: bool
    subsets: Mapping[str, int]
    fitted: int
    computed: int
    evaluation: Evaluation | None
    baseline: BaselineComparison | None
    start: BaselineComparison | None
    suspects: tuple[LabelledPrediction, ...]
    problems: tuple[Problem, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    seconds: float
    outlook: Outlook | None = None
    multi_label: MultiLabelEvaluation | None = None
    class_suspects: tuple[ClassSuspect, ...] = ()

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.card.name


@dataclass(frozen=True, slots=True)
class CorrectionResult:
    """A correction used for retraining, with the predictions before and after; confidences are 0..1."""

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
class RetrainingResult:
    """The result of retraining with corrections.

    Attributes:
        name: the name of the model.
        version: the new version.
        from_version: the version that was corrected.
        computed: the number of images whose features were computed.
        corrections: the corrections it was trained on.
        tests: compared with the corrected version on the test images of the latter's classes; None if there are none.
        notes: notes for the user, a sentence or two each.
        skipped: corrected photos that could not be used, and earlier images that are missing.
        seconds: the duration.
    """

    name: str
    version: int
    from_version: int
    computed: int
    corrections: tuple[CorrectionResult, ...]
    tests: BaselineComparison | None
    notes: tuple[str, ...]
    skipped: tuple[Failure, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was done to forget training images.

    Attributes:
        name: the name of the model.
        images: the number of images that were forgotten.
        version: the active version, which was not trained on them.
        is_new: whether it was trained for that; otherwise only earlier versions were made with the images.
        removed: the versions that were deleted, as they were made with the images.
        classes: the classes that had no other training images, which the model no longer has.
        others: names of other models that were trained on the images, or extend this one.
        notes: what users should know, a sentence or two each.
        seconds: the duration.
    """

    name: str
    images: int
    version: int
    is_new: bool
    removed: tuple[int, ...]
    classes: tuple[str, ...]
    others: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float
