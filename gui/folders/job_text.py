"""What a person reads of a job."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from core.base.text import printable
from core.jobs.values import JobCounts, JobProgress
from core.services.batch_values import Doing, JobNews
from gui.widgets.durations import duration

_DOING: Final = {
    Doing.RUNNING: "Classifying",
    Doing.PAUSED: "Paused",
    Doing.STOPPED: "Stopped",
    Doing.FINISHED: "Finished",
    Doing.WATCHING: "Watching",
    Doing.ELSEWHERE: "Classifying elsewhere",
    Doing.MISSING: "Folder missing",
}


def doing_text(news: JobNews) -> str:
    """What a job does, in a word."""
    return _DOING[news.doing]


def title_text(news: JobNews) -> str:
    """What a job is called: its folder's name."""
    return printable(news.facts.folder.name or news.facts.folder)


def photos_text(count: int) -> str:
    """So many photos."""
    return "1 photo" if count == 1 else f"{count:,} photos"


def unlike_text(count: int) -> str:
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


def standing_text(news: JobNews) -> str:
    """How many photos a job is about; how far it is with them is told elsewhere while it runs."""
    return counts_text(news.facts.counts) if news.progress is None else photos_text(news.progress.found)


def progress_text(news: JobNews) -> str:
    """How far a job is, how fast, how long it will still take, or what to do about it."""
    match news.doing:
        case Doing.MISSING:
            return "Put it back, or plug in its disk, then go on. The results so far are here."
        case Doing.ELSEWHERE:
            return f"{counts_text(news.facts.counts)} · by another program, which alone can stop it"
        case Doing.WATCHING if news.message:
            return news.message
        case Doing.WATCHING:
            return f"{counts_text(news.facts.counts)} · new photos are classified as they come"
        case Doing.STOPPED:
            return f"{counts_text(news.facts.counts)} · everything so far is kept"
    return counts_text(news.facts.counts) if news.progress is None else _pace_text(news, news.progress)


def _pace_text(news: JobNews, progress: JobProgress) -> str:
    if not progress.walked and not progress.finished:
        return f"Looking for photos … {progress.found:,} found so far"
    of = f"{progress.finished:,} of {progress.found:,}{'' if progress.walked else ' found so far'}"
    parts = [of]
    if progress.failed:
        parts.append(f"{progress.failed:,} not readable")
    if progress.per_second and news.doing is Doing.RUNNING:
        parts.append(f"{progress.per_second:.1f} images/s")
    if progress.remaining_s is not None and progress.walked and news.doing is Doing.RUNNING:
        parts.append(f"{duration(progress.remaining_s)} left")
    return " · ".join(parts)


def begun_text(news: JobNews) -> str:
    """When a job was begun, and with which model."""
    return f"{datetime.fromtimestamp(news.facts.begun):%Y-%m-%d %H:%M} · {news.facts.model}"


def pattern_text(news: JobNews) -> str:
    """Which photos a job leaves out, where it does."""
    facts = news.facts
    parts = [] if facts.recursive else ["without subfolders"]
    if facts.include:
        parts.append(f"only {', '.join(facts.include)}")
    if facts.exclude:
        parts.append(f"without {', '.join(facts.exclude)}")
    return ", ".join(parts)
