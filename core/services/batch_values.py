"""What the batch process tells of jobs, views and plans; light values, part of `core.services.batch_messages`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.jobs.values import JobCounts, JobFacts, JobProgress
from core.outputs.keywords.values import Place


@dataclass(frozen=True, slots=True)
class KeywordWish:
    """How keywords are to be written; below `threshold` a photo gets none of ours, unless reviewed."""

    place: Place
    threshold: float


class Doing(StrEnum):
    """What a job does now, as the window tells it."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"
    WATCHING = "watching"
    ELSEWHERE = "elsewhere"
    """Another program runs it."""
    MISSING = "missing"
    """Its folder is not there."""


@dataclass(frozen=True, slots=True)
class JobNews:
    """How a job stands.

    Attributes:
        facts: what the journal says of it.
        doing: what it does now.
        progress: how far it is, while it runs or waits.
        sortings: names of the sortings that can be undone, the last one last.
        interrupted: name of the sorting that can go on; empty where none can.
        message: what is wrong while its folder is watched; empty where nothing is.
    """

    facts: JobFacts
    doing: Doing
    progress: JobProgress | None = None
    sortings: tuple[str, ...] = ()
    interrupted: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ViewFacts:
    """What stands beside rows.

    Attributes:
        counts: of the whole job.
        histogram: rows of the view, whatever their confidence, in equal bins of 0..1.
        tallies: each class, or folder as it is seen from the job's, with its rows in the view, whatever class and
            folder that is narrowed to; "" among classes is what could not be read.
        left_out: photos that the filter leaves and the view does not, as they look like no other.
    """

    counts: JobCounts
    histogram: tuple[int, ...] = ()
    tallies: tuple[tuple[str, int], ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan, in words: which file, what is done with it, and where that leads or what comes of it."""

    file: str
    deed: str
    outcome: str
    is_unsure: bool = False
