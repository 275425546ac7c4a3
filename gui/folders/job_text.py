"""What a person reads of a job."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from core.base.text import display_path
from core.jobs.values import JobCounts, JobProgress
from core.services.batch_values import Activity, JobStatus
from gui.widgets.durations import duration

_ACTIVITIES: Final = {
    Activity.RUNNING: "Classifying",
    Activity.PAUSED: "Paused",
    Activity.STOPPED: "Stopped",
    Activity.FINISHED: "Finished",
    Activity.WATCHING: "Watching",
    Activity.EXTERNAL: "Classifying elsewhere",
    Activity.MISSING: "Folder missing",
}


def activity_text(status: JobStatus) -> str:
    """What a job does, in a word."""
    return _ACTIVITIES[status.activity]


def title_text(status: JobStatus) -> str:
    """What a job is called: its folder's name."""
    return display_path(status.summary.folder.name or status.summary.folder)


def photos_text(count: int) -> str:
    """So many photos."""
    return "1 photo" if count == 1 else f"{count:,} photos"


def excluded_text(count: int) -> str:
    """That so many photos look like no other."""
    return f"{photos_text(count)} look{'s' if count == 1 else ''} like no other"


def counts_text(counts: JobCounts) -> str:
    """What came of a job's photos."""
    parts = [photos_text(counts.found)]
    for number, word in (
        (counts.waiting, "waiting"),
        (counts.failed, "not readable"),
        (counts.reviewed, "reviewed"),
        (counts.gone, "gone since"),
    ):
        if number:
            parts.append(f"{number:,} {word}")
    return " · ".join(parts)


def summary_text(status: JobStatus) -> str:
    """How many photos a job is about; how far it is with them is told elsewhere while it runs."""
    return counts_text(status.summary.counts) if status.progress is None else photos_text(status.progress.found)


def progress_text(status: JobStatus) -> str:
    """How far a job is, how fast, how long it will still take, or what to do about it."""
    match status.activity:
        case Activity.MISSING:
            return "Put it back, or plug in its disk, then go on. The results so far are here."
        case Activity.EXTERNAL:
            return f"{counts_text(status.summary.counts)} · by another program, which alone can stop it"
        case Activity.WATCHING if status.message:
            return status.message
        case Activity.WATCHING:
            return f"{counts_text(status.summary.counts)} · new photos are classified as they come"
        case Activity.STOPPED:
            return f"{counts_text(status.summary.counts)} · everything so far is kept"
    return counts_text(status.summary.counts) if status.progress is None else _rate_text(status, status.progress)


def _rate_text(status: JobStatus, progress: JobProgress) -> str:
    if not progress.walked and not progress.finished:
        return f"Looking for photos … {progress.found:,} found so far"
    of = f"{progress.finished:,} of {progress.found:,}{'' if progress.walked else ' found so far'}"
    parts = [of]
    if progress.failed:
        parts.append(f"{progress.failed:,} not readable")
    if progress.per_second and status.activity is Activity.RUNNING:
        parts.append(f"{progress.per_second:.1f} images/s")
    if progress.remaining_s is not None and progress.walked and status.activity is Activity.RUNNING:
        parts.append(f"{duration(progress.remaining_s)} left")
    return " · ".join(parts)


def started_text(status: JobStatus) -> str:
    """When a job was begun, and with which model."""
    return f"{datetime.fromtimestamp(status.summary.begun):%Y-%m-%d %H:%M} · {status.summary.model}"


def pattern_text(status: JobStatus) -> str:
    """Which photos a job leaves out, where it does."""
    facts = status.summary
    parts = [] if facts.recursive else ["without subfolders"]
    if facts.include:
        parts.append(f"only {', '.join(facts.include)}")
    if facts.exclude:
        parts.append(f"without {', '.join(facts.exclude)}")
    return ", ".join(parts)
