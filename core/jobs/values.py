"""What a job is asked, what it keeps of every image, and how that is looked at: light values that cross pipes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from core.base.providers import Precision, ProviderPreference
from core.prediction import Failure, Outcome, Prediction, Score, Timing

# ---- asked


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One classification of a folder.

    The folder, `recursive`, `include` and `exclude` decide which job it is; another model classifies the same job
    anew, and what a person said about its images stays.

    Attributes:
        folder: the folder.
        recursive: whether subfolders count.
        include: patterns of which a file must match at least one; none: every image. See `core.jobs.walk.matches`.
        exclude: patterns of what is passed over, files and folders.
        model: the model's name, or `name@version`.
        provider: what is to run it.
        precision: how exactly.
        top_k: how many classes are kept for each image, 1 or more.
        keep_features: whether features are kept, so that another head over the same backbone answers in seconds.
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


# ---- kept of every image

THRESHOLD: Final = 0.6
"""The least confidence, 0..1, of an answer that is relied on, where the person names no other."""
_NO_TIME: Final = Timing(0.0, 0.0, 0.0)


class State(StrEnum):
    """How far an image is."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"


class Verdict(StrEnum):
    """What a person said about an answer."""

    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Review:
    """What a person said about an image.

    Attributes:
        verdict: whether the answer was right, was put right, or was looked at and left open.
        label: the person's label: what was accepted, or what is right instead; None if skipped. It stays when another
            model answers otherwise later.
    """

    verdict: Verdict
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What the journal holds of one image.

    Attributes:
        number: its number in this journal, which it keeps for ever; on the first run also its place in input order.
        path: the file.
        folder: the folder it lies in, relative to the job's; `Path()` for that itself.
        state: how far it is.
        label: the model's most likely class; None while it waits and where it failed.
        confidence: that class's probability, 0..1.
        unknown: whether it is likely of none of the classes; None where the model cannot tell.
        scores: from most to least likely.
        failure: why it has no answer, where it failed.
        review: what a person said about it.
        finished: when it was classified, in seconds since 1970.
        modified: when the file was last written, in seconds since 1970.
        model: the name of the model that answered.
        provider: what ran that.
        timing: how long the image took; zeros where kept features answered.
        warnings: what a person should know about the image.
    """

    number: int
    path: Path
    folder: Path
    state: State
    label: str | None = None
    confidence: float | None = None
    unknown: bool | None = None
    scores: tuple[Score, ...] = ()
    failure: Failure | None = None
    review: Review | None = None
    finished: float | None = None
    modified: float = 0.0
    model: str = ""
    provider: str = ""
    timing: Timing = _NO_TIME
    warnings: tuple[str, ...] = ()

    @property
    def final_label(self) -> str | None:
        """The person's label where there is one, else the model's."""
        label = self.review.label if self.review else None
        return label or self.label

    def is_unsure(self, threshold: float) -> bool:
        """Whether nobody can rely on the answer: no person said it, and the model is not sure or knows no such thing.

        Args:
            threshold: the least confidence, 0..1.
        """
        if self.review is not None and self.review.label is not None:
            return False
        return bool(self.unknown) or (self.confidence or 0.0) < threshold

    @property
    def outcome(self) -> Outcome | None:
        """The row as the classifier gave it; None while it waits."""
        if self.failure or not self.scores:
            return self.failure
        return Prediction(self.path, self.scores, self.unknown, self.model, self.provider, self.timing, self.warnings)


# ---- looked at


class Order(StrEnum):
    """By what rows are ordered; where that is the same, by their place in input order."""

    FOUND = "found"
    CONFIDENCE = "confidence"
    LABEL = "label"
    FOLDER = "folder"
    TIME = "time"
    """When the file was last written."""


class Group(StrEnum):
    """By what rows are put together, before they are ordered."""

    NONE = "none"
    CLASS = "class"
    FOLDER = "folder"
    SIMILARITY = "look"
    """Images that look nearly the same; the larger groups come first, and images like no other are left out."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are looked at; all of it must hold. Rows that wait or are gone are never looked at.

    Attributes:
        labels: answers, the person's where there is one; none: all.
        confidence_low: least confidence, 0..1.
        confidence_high: greatest confidence; with both at their ends, failures count too.
        failed: True: failures alone; False: none of them.
        unknown: True: what is likely of none of the classes alone; False: none of that.
        text: a part of the path below the job's folder, or of the answer, in whatever case.
        reviewed: True: what a person said something about alone; False: none of that.
        folder: rows right in this folder, relative to the job's; None: in any.
    """

    labels: tuple[str, ...] = ()
    confidence_low: float = 0.0
    confidence_high: float = 1.0
    failed: bool | None = None
    unknown: bool | None = None
    text: str = ""
    reviewed: bool | None = None
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Rows in an order. Failures come last by confidence and by label, whatever the direction; groups never turn."""

    order: Order = Order.FOUND
    descending: bool = False
    filter: Filter = field(default_factory=Filter)
    group: Group = Group.NONE


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """A group of a view.

    Attributes:
        title: the label, the folder relative to the job's, or a number from 1 for look-alikes; empty for failures
            among classes.
        first: the position of its first row in the view.
        count: how many rows it has.
    """

    title: str
    first: int
    count: int


# ---- told about jobs


class JobState(StrEnum):
    """How far a job is."""

    RUNNING = "running"
    STOPPED = "stopped"
    """It can go on: it was called off, killed, or lost its disk."""
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How many images of a job are how far; `reviewed` counts among the others."""

    waiting: int = 0
    done: int = 0
    failed: int = 0
    gone: int = 0
    reviewed: int = 0

    @property
    def found(self) -> int:
        """How many images are there."""
        return self.waiting + self.done + self.failed


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job as it is listed.

    Attributes:
        id: stable for a folder, `recursive` and patterns; names its folder in `paths.jobs()`.
        folder: the real path.
        recursive: whether subfolders count.
        include: patterns, as in `JobRequest`.
        exclude: patterns, as in `JobRequest`.
        model: the name of the model asked last.
        version: its version; 0 for what came with the program.
        begun: when the job was first begun, in seconds since 1970.
        state: how far it is.
        counts: how many images are how far.
        keep_features: whether the last run kept features.
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


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job under way is.

    Attributes:
        found: images found so far.
        walked: whether these are all there are.
        finished: how many have an outcome, those of earlier runs included.
        fresh: how many got theirs in this run.
        failed: how many of the finished failed.
        per_second: images a second in this run, lately; None while that cannot be told.
        remaining_s: seconds it will probably still take; None while that cannot be told.
    """

    found: int
    walked: bool
    finished: int
    fresh: int
    failed: int
    per_second: float | None
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class UnreadableFolder:
    """A folder that could not be read; what lies in it is neither classified nor counted as gone."""

    folder: Path
    message: str
    hint: str
