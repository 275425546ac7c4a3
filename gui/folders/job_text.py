"""Texts about jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from core.base.i18n import mark, tr, tr_n
from core.base.text import display_path
from core.jobs.values import JobCounts, JobProgress, JobState, JobSummary
from core.services.job_values import JobEnd
from gui.widgets.counts import photo_count, unreadable_count, waiting_count
from gui.widgets.formats import duration

_STATES: Final = {
    JobState.RUNNING: mark("Classifying"),
    JobState.PAUSED: mark("Paused"),
    JobState.STOPPED: mark("Stopped"),
    JobState.FINISHED: mark("Finished"),
    JobState.WATCHING: mark("Watching"),
    JobState.EXTERNAL: mark("Running elsewhere"),
    JobState.MISSING: mark("Folder missing"),
}


def state_text(job: JobSummary) -> str:
    """The state of a job, in a word or two."""
    return tr(_STATES[job.state])


def title_text(job: JobSummary) -> str:
    """The title of a job: the name of its folder."""
    return display_path(job.folder.name or job.folder)


def counts_text(counts: JobCounts) -> str:
    """How many photos of a job are waiting, unreadable, reviewed or missing."""
    parts = [photo_count(counts.found)]
    if counts.waiting:
        parts.append(waiting_count(counts.waiting))
    if counts.failed:
        parts.append(unreadable_count(counts.failed))
    if counts.reviewed:
        parts.append(tr_n("{count:,} reviewed", "{count:,} reviewed", counts.reviewed))
    if counts.gone:
        parts.append(tr_n("{count:,} removed since", "{count:,} removed since", counts.gone))
    return " · ".join(parts)


def summary_text(job: JobSummary) -> str:
    """How many photos a job has. While it runs, its progress is shown elsewhere."""
    return counts_text(job.counts) if job.progress is None else photo_count(job.progress.found)


def progress_text(job: JobSummary) -> str:
    """The progress, speed and remaining time of a job, or what to do about its state."""
    counts = counts_text(job.counts)
    match job.state:
        case JobState.MISSING:
            return tr("Put it back or connect its drive, then resume. The results so far are saved.")
        case JobState.EXTERNAL:
            return tr("{counts} · another program is running this job; stop it there", counts=counts)
        case JobState.WATCHING if job.message:
            return job.message
        case JobState.WATCHING:
            return tr("{counts} · new photos are classified as they arrive", counts=counts)
        case JobState.STOPPED:
            return tr("{counts} · results so far are saved", counts=counts)
    return counts if job.progress is None else _rate_text(job, job.progress)


def _rate_text(job: JobSummary, progress: JobProgress) -> str:
    if not progress.walked and not progress.finished:
        return tr("Looking for photos… {found:,} found so far", found=progress.found)
    if progress.walked:
        parts = [tr("{done:,} of {total:,}", done=progress.finished, total=progress.found)]
    else:
        parts = [tr("{done:,} of {total:,} found so far", done=progress.finished, total=progress.found)]
    if progress.failed:
        parts.append(unreadable_count(progress.failed))
    if progress.per_second and job.state is JobState.RUNNING:
        parts.append(tr("{rate:.1f} photos/s", rate=progress.per_second))
    if progress.remaining_s is not None and progress.walked and job.state is JobState.RUNNING:
        parts.append(tr("{duration} left", duration=duration(progress.remaining_s)))
    return " · ".join(parts)


def end_text(end: JobEnd) -> str:
    """What a finished run of a job did, with the numbers of unknown and unreadable photos."""
    if not end.fresh:
        return tr("No new photos found.")
    took = duration(end.seconds)
    parts = [
        tr_n("{count:,} photo classified in {time}", "{count:,} photos classified in {time}", end.fresh, time=took)
    ]
    if end.unknown:
        parts.append(tr_n("{count:,} unknown", "{count:,} unknown", end.unknown))
    if end.job.counts.failed:
        parts.append(unreadable_count(end.job.counts.failed))
    return " · ".join(parts)


def started_text(job: JobSummary) -> str:
    """When a job was first started."""
    return f"{datetime.fromtimestamp(job.begun):%Y-%m-%d %H:%M}"


def place_text(job: JobSummary) -> str:
    """The folder of a job, and the options that narrow down which of its photos are classified."""
    parts = [] if job.recursive else [tr("no subfolders")]
    if job.include:
        parts.append(tr("only {patterns}", patterns=", ".join(job.include)))
    if job.exclude:
        parts.append(tr("except {patterns}", patterns=", ".join(job.exclude)))
    return f"{display_path(job.folder)}  ({', '.join(parts)})" if parts else display_path(job.folder)
