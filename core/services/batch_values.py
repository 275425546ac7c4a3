"""What the batch process tells of jobs, views and plans; light values, part of `core.services.batch_messages`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.jobs.values import JobCounts, JobProgress, JobSummary
from core.outputs.keywords.values import KeywordTarget


@dataclass(frozen=True, slots=True)
class KeywordOptions:
    """How keywords are to be written; below `threshold` a photo gets none of ours, unless reviewed."""

    place: KeywordTarget
    threshold: float


class Activity(StrEnum):
    """What a job does now, as the window tells it."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    WATCHING = "watching"
    EXTERNAL = "elsewhere"
    """Another program runs it."""
    MISSING = "missing"
    """Its folder is not there."""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How a job stands.

    Attributes:
        summary: what the journal says of it.
        activity: what it does now.
        progress: how far it is, while it runs or waits.
        sortings: names of the sortings that can be undone, the last one last.
        interrupted: name of the sorting that can go on; empty where none can.
        message: what is wrong while its folder is watched; empty where nothing is.
    """

    summary: JobSummary
    activity: Activity
    progress: JobProgress | None = None
    sortings: tuple[str, ...] = ()
    interrupted: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ViewSummary:
    """What stands beside rows.

    Attributes:
        counts: of the whole job.
        histogram: rows of the view, whatever their confidence, in equal bins of 0..1.
        group_counts: each class, or folder as it is seen from the job's, with its rows in the view, whatever class and
            folder that is narrowed to; "" among classes is what could not be read.
        excluded: photos that the filter leaves and the view does not, as they look like no other.
    """

    counts: JobCounts
    histogram: tuple[int, ...] = ()
    group_counts: tuple[tuple[str, int], ...] = ()
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of a plan, in words: which file, what is done with it, and where that leads or what comes of it."""

    file: str
    action: str
    outcome: str
    is_unsure: bool = False
