"""Progress bars on standard error."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from core.base.i18n import tr
from core.base.progress import Progress as Stage
from core.base.progress import ProgressCallback
from core.cli.streams import is_terminal
from core.jobs.values import JobProgress


@contextmanager
def bar(images: Iterable[Path]) -> Iterator[Callable[[object], None]]:
    """Show a progress bar and yield the function that advances it by an image, whatever it is called with.

    The images to come are counted in a thread, so that the work does not wait for the total.
    """
    with _bars(TimeRemainingColumn()) as progress:
        task = progress.add_task(tr("classifying"), total=None)

        def count() -> None:
            progress.update(task, total=sum(1 for _ in images))

        threading.Thread(target=count, name="count images", daemon=True).start()
        yield lambda _: progress.advance(task)


@contextmanager
def job_bar() -> Iterator[Callable[[object], None]]:
    """Show the progress of jobs, if standard error is a terminal, and yield the function that takes it."""
    if not is_terminal(sys.stderr):
        yield lambda _: None
        return
    with _bars(TextColumn("{task.fields[left]}")) as shown:
        task = shown.add_task(tr("classifying"), total=None, left="")

        def report(progress: object) -> None:
            if not isinstance(progress, JobProgress):  # an outcome, which the next progress will include
                return
            is_searching = not progress.walked and not progress.finished
            activity = tr("searching") if is_searching else tr("classifying")
            total = progress.found if progress.walked else None
            shown.update(task, description=activity, completed=progress.finished, total=total, left=_job_text(progress))

        yield report


@contextmanager
def stages() -> Iterator[ProgressCallback]:
    """Show one progress bar for each stage of the work, if standard error is a terminal."""
    if not is_terminal(sys.stderr):
        yield lambda _: None
        return
    with _bars(TextColumn("{task.fields[left]}")) as shown:
        bars: dict[str, TaskID] = {}

        def report(stage: Stage) -> None:
            if stage.stage not in bars:
                bars[stage.stage] = shown.add_task(stage.stage, total=stage.total, left="")
            left = "" if not stage.remaining_s else tr("{seconds:.0f} s left", seconds=stage.remaining_s)
            shown.update(bars[stage.stage], completed=stage.step, total=stage.total, left=left)

        yield report


def _bars(last: ProgressColumn) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), last
    return Progress(*columns, console=Console(file=sys.stderr), transient=True)


def _job_text(progress: JobProgress) -> str:
    left = timedelta(seconds=round(progress.remaining_s or 0))
    parts = [
        "" if progress.walked else tr("{count:,} found so far", count=progress.found),
        tr("{rate:.1f} images/s", rate=progress.per_second) if progress.per_second else "",
        tr("{time} left", time=left) if progress.remaining_s else "",
    ]
    return ", ".join(filter(None, parts))
