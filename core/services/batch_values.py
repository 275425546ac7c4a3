"""Values about jobs, views and plans in the messages of the batch process; part of `core.services.batch_messages`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.jobs.values import JobProgress, JobSummary
from core.outputs.keywords.values import KeywordTarget


@dataclass(frozen=True, slots=True)
class KeywordOptions:
    """Options for writing keywords; an unreviewed photo below `threshold`, 0..1, gets none."""

    place: KeywordTarget
    threshold: float


class Activity(StrEnum):
    """What a job is doing now."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    WATCHING = "watching"
    EXTERNAL = "elsewhere"
    """Another program runs it."""
    MISSING = "missing"
    """Its folder does not exist."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """The status of a job.

    Attributes:
        summary: the summary from its journal.
        activity: what it is doing now.
        progress: its progress, while it is running or paused.
        sortings: the ids of the sortings that can be undone, the last one last.
        interrupted: the id of the sorting that can be resumed; empty if there is none.
        message: the problem with watching its folder; empty if there is none.
    """

    summary: JobSummary
    activity: Activity
    progress: JobProgress | None = None
    sortings: tuple[str, ...] = ()
    interrupted: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ViewSummary:
    """Counts shown beside the rows of a view.

    Attributes:
        histogram: counts of rows in equal bins of confidence 0..1, ignoring the view's range of confidence.
        group_counts: each class, or folder relative to the job's, with its count of rows, ignoring the view's class
            and folder; "" among classes stands for unreadable photos.
        excluded: the number of photos that match the filter but are left out, as they have no near-duplicate.
    """

    histogram: tuple[int, ...]
    group_counts: tuple[tuple[str, int], ...]
    excluded: int


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of a plan as texts: the file, the action, and the target or result."""

    file: str
    action: str
    outcome: str
    is_unsure: bool = False
