"""Values of jobs: requests, rows, views and summaries. They are light, as they are sent between processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.base.label_sets import classes_of
from core.base.providers import Precision, ProviderPreference
from core.detection import NO_DETECTION, DetectionOptions
from core.prediction import Failure, Outcome, Prediction, Score

# ---- request


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A request to classify a folder.

    The folder, `recursive`, `include` and `exclude` identify the job; another model classifies the images of the same
    job again, and their reviews are kept.

    Attributes:
        folder: the folder.
        recursive: whether to include subfolders.
        include: patterns of which a file must match at least one; empty: every image. See `core.jobs.patterns`.
        exclude: patterns of files and folders to skip.
        model: the model's name, or `name@version`.
        provider: the requested provider.
        precision: the requested precision.
        top_k: the number of classes stored for each image, 1 or more.
        keep_features: whether to store features, so that another head on the same backbone takes seconds.
        detection: what to look for in the images.
        others: further models, named as `model`, whose predictions are computed in the same pass.
    """

    folder: Path
    recursive: bool
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    model: str = ""
    provider: ProviderPreference = ProviderPreference.AUTO
    precision: Precision = Precision.AUTO
    top_k: int = 5
    keep_features: bool = False
    detection: DetectionOptions = NO_DETECTION
    others: tuple[str, ...] = ()


# ---- rows

THRESHOLD: Final = 0.6
"""The default minimum confidence, 0..1, of a prediction to rely on."""


class State(StrEnum):
    """The state of an image."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"


class Verdict(StrEnum):
    """The user's verdict on a prediction."""

    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Review:
    """The user's review of an image.

    Attributes:
        verdict: whether the prediction was accepted, corrected or skipped.
        label: the accepted or corrected label, see `core.base.label_sets`; None if skipped. It stays when a later
            prediction differs.
    """

    verdict: Verdict
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An image in the journal.

    Attributes:
        number: its permanent number in this journal; in the first run also its position in input order.
        path: the file.
        folder: its folder, relative to the job's; `Path()` for the job's folder itself.
        state: its state.
        outcome: the prediction, or why there is none; None while it is waiting.
        review: the user's review.
        finished: when it was classified, in seconds since 1970.
        modified: when the file was last modified, in seconds since 1970.
        model: the name of the model that classified it, or failed to; empty while it is waiting.
        model_version: the version of the model; 0 for a built-in one, None if there is no prediction.
        others: the predictions of the job's further models, in their order; empty if there is none by each of them.
    """

    number: int
    path: Path
    folder: Path
    state: State
    outcome: Outcome | None = None
    review: Review | None = None
    finished: float | None = None
    modified: float = 0.0
    model: str = ""
    model_version: int | None = None
    others: tuple[Prediction, ...] = ()

    @property
    def prediction(self) -> Prediction | None:
        """The prediction; None if it is waiting or failed."""
        return self.outcome if isinstance(self.outcome, Prediction) else None

    @property
    def failure(self) -> Failure | None:
        """Why it has no prediction, if it failed."""
        return self.outcome if isinstance(self.outcome, Failure) else None

    @property
    def scores(self) -> tuple[Score, ...]:
        """The most likely classes, in this order; empty without a prediction."""
        return self.prediction.scores if self.prediction else ()

    @property
    def label(self) -> str | None:
        """The most likely class, or the label of all that a multi-label model found, see `core.base.label_sets`; None
        without a prediction.
        """
        return self.prediction.label if self.prediction else None

    @property
    def confidence(self) -> float | None:
        """The probability of the most likely class, 0..1."""
        return self.prediction.best.probability if self.prediction else None

    @property
    def certainty(self) -> float | None:
        """What rows are filtered and sorted by as their confidence, 0..1, see `Prediction.certainty`."""
        return self.prediction.certainty if self.prediction else None

    @property
    def is_unknown(self) -> bool:
        """Whether it probably belongs to none of the classes."""
        return self.prediction is not None and bool(self.prediction.unknown)

    @property
    def is_guess(self) -> bool:
        """Whether its most likely class is only a guess, see `Prediction.is_guess`."""
        return self.prediction is not None and self.prediction.is_guess

    @property
    def final_label(self) -> str | None:
        """The user's label if there is one, otherwise the predicted label."""
        label = self.review.label if self.review else None
        return label or self.label

    @property
    def final_classes(self) -> tuple[str, ...]:
        """The classes of that label, the most likely first."""
        ranks = {score.label: rank for rank, score in enumerate(self.scores)}
        return tuple(sorted(classes_of(self.final_label), key=lambda name: ranks.get(name, len(ranks))))

    def is_unsure(self, threshold: float) -> bool:
        """Whether the row has no class by the user, and its prediction is unknown or below a threshold.

        Args:
            threshold: the minimum confidence, 0..1; that of a multi-label model is in the model, for each class.
        """
        if self.review is not None and self.review.label is not None:
            return not classes_of(self.review.label)
        if self.prediction is not None and self.prediction.labels is not None:
            return self.is_unknown
        return self.is_unknown or (self.confidence or 0.0) < threshold


# ---- views


class Order(StrEnum):
    """The order of rows; ties are in input order."""

    FOUND = "found"
    CONFIDENCE = "confidence"
    LABEL = "label"
    FOLDER = "folder"
    TIME = "time"
    """When the file was last modified."""
    USEFULNESS = "usefulness"
    """What a label would teach the model, most first, as last computed (`core.jobs.arrangements`); others are last."""


class Group(StrEnum):
    """The grouping of rows; the order applies within groups."""

    NONE = "none"
    CLASS = "class"
    FOLDER = "folder"
    SIMILARITY = "look"
    """Near-duplicates, the largest group first; images without near-duplicates are left out."""
    LIKENESS = "likeness"
    """What looks alike, the largest group first, as last computed (`core.jobs.arrangements`); others are last."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of rows; all conditions must hold. Rows that are waiting or gone never match.

    Attributes:
        labels: classes of which the final label must have one; empty: all.
        confidence_low: minimum confidence, 0..1.
        confidence_high: maximum confidence, 0..1; the full range includes failures.
        failed: True: failures only; False: no failures.
        unknown: True: only unknown predictions without a label by the user; False: none of them.
        text: a part of the path relative to the job's folder, or of the final label; ignores case.
        reviewed: True: reviewed rows only; False: unreviewed rows only, skipped ones among them.
        folder: only rows directly in this folder, relative to the job's; None: any folder.
        unsure_below: only rows that are not accepted at this minimum confidence, 0..1, see `Row.is_unsure`; None: any.
    """

    labels: tuple[str, ...] = ()
    confidence_low: float = 0.0
    confidence_high: float = 1.0
    failed: bool | None = None
    unknown: bool | None = None
    text: str = ""
    reviewed: bool | None = None
    folder: Path | None = None
    unsure_below: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A filter, order and grouping of rows. By confidence and label, failures are always last; groups never reverse."""

    order: Order = Order.FOUND
    descending: bool = False
    filter: Filter = field(default_factory=Filter)
    group: Group = Group.NONE

    @property
    def arranged_by(self) -> Order | Group | None:
        """What of the view must be computed from the photos themselves before it is shown; None if nothing."""
        if self.group is Group.LIKENESS:
            return self.group
        return self.order if self.order is Order.USEFULNESS else None


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """A group of a view.

    Attributes:
        title: the label on one line, the folder relative to the job's, or a number from 1 for near-duplicates and
            photos that look alike; among classes, failures have an empty title.
        first: the position of its first row in the view.
        count: the number of rows.
    """

    title: str
    first: int
    count: int


# ---- jobs


class JobState(StrEnum):
    """The state of a job. The journal knows only whether it is running, stopped or finished."""

    RUNNING = "running"
    PAUSED = "paused"
    WATCHING = "watching"
    """New images in its folder are classified as they arrive."""
    STOPPED = "stopped"
    """It was cancelled, killed, or lost its disk, and can be resumed."""
    FINISHED = "finished"
    EXTERNAL = "elsewhere"
    """Another program runs it."""
    MISSING = "missing"
    """Its folder does not exist."""


@dataclass(frozen=True, slots=True)
class JobCounts:
    """The number of images of a job in each state; `reviewed`, without skipped ones, overlaps with the others."""

    waiting: int = 0
    done: int = 0
    failed: int = 0
    gone: int = 0
    reviewed: int = 0

    @property
    def found(self) -> int:
        """The number of images that exist."""
        return self.waiting + self.done + self.failed


@dataclass(frozen=True, slots=True)
class JobProgress:
    """The progress of a running job.

    Attributes:
        found: the number of images found so far.
        walked: whether all images were found.
        finished: the number of images with an outcome, including those of earlier runs.
        fresh: the number of images with an outcome of this run.
        failed: the number of failures among the finished images.
        per_second: the recent speed in images per second; None if not known yet.
        remaining_s: the estimated remaining time in seconds; None if not known yet.
    """

    found: int
    walked: bool
    finished: int
    fresh: int
    failed: int
    per_second: float | None
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job and its state.

    Attributes:
        id: determined by the folder, `recursive` and patterns; the name of its folder in `paths.jobs()`.
        folder: the resolved path.
        recursive: whether subfolders are included.
        include: patterns, as in `JobRequest`.
        exclude: patterns, as in `JobRequest`.
        model: the name of the model of the last run.
        version: its version; 0 for a built-in model.
        begun: when the job was first started, in seconds since 1970.
        state: its state.
        counts: the number of images in each state.
        keep_features: whether the last run stored features.
        detection: what the last run looked for.
        others: its further models, as `name@version`, or the name of a built-in one.
        progress: its progress, while it is running or paused; not from the journal, as are the fields below.
        sortings: the ids of the sortings that can be undone, the last one last.
        interrupted: the id of the sorting that can be resumed; empty if there is none.
        message: the problem with watching its folder; empty if there is none.
    """

    id: str
    folder: Path
    recursive: bool
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    model: str
    version: int
    begun: float
    state: JobState
    counts: JobCounts
    keep_features: bool = False
    detection: DetectionOptions = NO_DETECTION
    others: tuple[str, ...] = ()
    progress: JobProgress | None = None
    sortings: tuple[str, ...] = ()
    interrupted: str = ""
    message: str = ""

    @property
    def models(self) -> tuple[str, ...]:
        """The names of its models, that of the first one first."""
        return (self.model, *(other.partition("@")[0] for other in self.others))
