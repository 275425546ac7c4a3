"""Bars on standard error while a person waits."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from core.base.progress import Progress as Stage
from core.base.progress import ProgressCallback
from core.cli.streams import is_terminal
from core.jobs.values import JobProgress


@contextmanager
def bar(images: Iterable[Path]) -> Iterator[Callable[[], None]]:
    """Show a bar and give the function that moves it by one image.

    Args:
        images: all that will come, only counted, beside the work, so that the work need not wait for the number.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task("classifying", total=None)

        def count() -> None:
            progress.update(task, total=sum(1 for _ in images))

        threading.Thread(target=count, name="count images", daemon=True).start()
        yield lambda: progress.advance(task)


@contextmanager
def job_bar() -> Iterator[Callable[[JobProgress], None]]:
    """Show how far jobs are, one after another, and give the function that takes their progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as shown:
        task = shown.add_task("classifying", total=None, left="")

        def report(text: JobProgress) -> None:
            is_looking = not text.walked and not text.finished
            described, total = "looking" if is_looking else "classifying", text.found if text.walked else None
            shown.update(task, description=described, completed=text.finished, total=total, left=_job_text(text))

        yield report


@contextmanager
def stages() -> Iterator[ProgressCallback]:
    """Show long work as one bar for each of its stages, where a person looks at standard error."""
    if not is_terminal(sys.stderr):
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as shown:
        bars: dict[str, TaskID] = {}

        def report(stage: Stage) -> None:
            if stage.stage not in bars:
                bars[stage.stage] = shown.add_task(stage.stage, total=stage.total, left="")
            left = "" if not stage.remaining_s else f"{stage.remaining_s:.0f} s left"
            shown.update(bars[stage.stage], completed=stage.step, total=stage.total, left=left)

        yield report


def _job_text(progress: JobProgress) -> str:
    """What stands beside the bar of a job."""
    parts = [
        "" if progress.walked else f"{progress.found:,} found so far",
        f"{progress.per_second:.1f} images/s" if progress.per_second else "",
        f"{timedelta(seconds=round(progress.remaining_s))} left" if progress.remaining_s else "",
    ]
    return ", ".join(filter(None, parts))
