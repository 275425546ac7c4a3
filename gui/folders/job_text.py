"""Texts about jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from core.base.i18n import mark, tr, tr_n
from core.base.text import display_path
from core.jobs.values import JobCounts, JobProgress
from core.services.batch_values import Activity, JobStatus
from gui.widgets.durations import duration

_ACTIVITIES: Final = {
    Activity.RUNNING: mark("Classifying"),
    Activity.PAUSED: mark("Paused"),
    Activity.STOPPED: mark("Stopped"),
    Activity.FINISHED: mark("Finished"),
    Activity.WATCHING: mark("Watching"),
    Activity.EXTERNAL: mark("Running elsewhere"),
    Activity.MISSING: mark("Folder missing"),
}


def activity_text(status: JobStatus) -> str:
    """The state of a job, in a word or two."""
    return tr(_ACTIVITIES[status.activity])


def title_text(status: JobStatus) -> str:
    """The title of a job: the name of its folder."""
    return display_path(status.summary.folder.name or status.summary.folder)


def photos_text(count: int) -> str:
    """A number of photos."""
    return tr_n("{count:,} photo", "{count:,} photos", count)


def counts_text(counts: JobCounts) -> str:
    """How many photos of a job are waiting, unreadable, reviewed or missing."""
    parts = [photos_text(counts.found)]
    if counts.waiting:
        parts.append(tr_n("{count:,} waiting", "{count:,} waiting", counts.waiting))
    if counts.failed:
        parts.append(_unreadable_text(counts.failed))
    if counts.reviewed:
        parts.append(tr_n("{count:,} reviewed", "{count:,} reviewed", counts.reviewed))
    if counts.gone:
        parts.append(tr_n("{count:,} removed since", "{count:,} removed since", counts.gone))
    return " · ".join(parts)


def _unreadable_text(count: int) -> str:
    return tr_n("{count:,} unreadable", "{count:,} unreadable", count)


def summary_text(status: JobStatus) -> str:
    """How many photos a job has. While it runs, its progress is shown elsewhere."""
    return counts_text(status.summary.counts) if status.progress is None else photos_text(status.progress.found)


def progress_text(status: JobStatus) -> str:
    """The progress, speed and remaining time of a job, or what to do about its state."""
    counts = counts_text(status.summary.counts)
    match status.activity:
        case Activity.MISSING:
            return tr("Put it back or connect its drive, then resume. The results so far are saved.")
        case Activity.EXTERNAL:
            return tr("{counts} · another program is running this job; stop it there", counts=counts)
        case Activity.WATCHING if status.message:
            return status.message
        case Activity.WATCHING:
            return tr("{counts} · new photos are classified as they arrive", counts=counts)
        case Activity.STOPPED:
            return tr("{counts} · results so far are saved", counts=counts)
    return counts if status.progress is None else _rate_text(status, status.progress)


def _rate_text(status: JobStatus, progress: JobProgress) -> str:
    if not progress.walked and not progress.finished:
        return tr("Looking for photos… {found:,} found so far", found=progress.found)
    if progress.walked:
        parts = [tr("{done:,} of {total:,}", done=progress.finished, total=progress.found)]
    else:
        parts = [tr("{done:,} of {total:,} found so far", done=progress.finished, total=progress.found)]
    if progress.failed:
        parts.append(_unreadable_text(progress.failed))
    if progress.per_second and status.activity is Activity.RUNNING:
        parts.append(tr("{rate:.1f} photos/s", rate=progress.per_second))
    if progress.remaining_s is not None and progress.walked and status.activity is Activity.RUNNING:
        parts.append(tr("{duration} left", duration=duration(progress.remaining_s)))
    return " · ".join(parts)


def started_text(status: JobStatus) -> str:
    """When a job was first started, and with which model."""
    return f"{datetime.fromtimestamp(status.summary.begun):%Y-%m-%d %H:%M} · {status.summary.model}"


def pattern_text(status: JobStatus) -> str:
    """The options that narrow down which photos a job classifies; empty if none."""
    summary = status.summary
    parts = [] if summary.recursive else [tr("no subfolders")]
    if summary.include:
        parts.append(tr("only {patterns}", patterns=", ".join(summary.include)))
    if summary.exclude:
        parts.append(tr("except {patterns}", patterns=", ".join(summary.exclude)))
    return ", ".join(parts)
