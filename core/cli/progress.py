"""A bar on standard error while images are classified, where a person looks at it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


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
