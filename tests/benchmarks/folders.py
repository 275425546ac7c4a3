"""How long the window's event loop stalls with a job of 100,000 rows, and how much memory the window takes.

    uv run --extra intel python tests/benchmarks/folders.py [ROWS] [--memory]

A timer due every few milliseconds notes how late it comes: painting, layout and our own slots happen in between. First
a tree of small images is classified by the tests' tiny model while its rows are looked at, in the table and in the
gallery. The rest happens in the journal of a job whose photos are not there: each thumbnail is a placeholder.
`--memory` opens the results of jobs of 10,000 and of 100,000 rows, walks through both in the table and in the gallery,
and prints the peak memory of the window's process, each measured in a process of its own.
The numbers mean something only on a machine that does nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from rich.console import Console
from rich.table import Table

from core.base import paths, settings
from core.base.settings import Settings
from core.jobs.values import Group, JobState, Order, View
from core.models.library import open_library
from gui.app.application import open_window
from gui.folders.results_page import ResultsPage
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.benchmarks import trees
from tests.benchmarks.window import COLUMNS, StallWatch, rest, spin
from tests.journals import write_journal

STEPS = 200
REVIEWED = 100
LOOKS = 20
"""So often it is looked elsewhere, half a second each, before the rows are shown the other way."""


def show_job(window: MainWindow, job: str, rows: int) -> ResultsPage:
    """Open a job's results and wait until its first rows are here."""
    page = window.pages.folders
    window.actions_by_id[ActionId.SHOW_FOLDERS].trigger()
    spin(lambda: job in page.jobs.all)
    results = page.stack.results
    fresh(results, lambda: page.open_job(job), rows)
    spin(lambda: results.filters.histogram is not None)
    return results


def run_job(window: MainWindow, tree: Path) -> None:
    """Classify a tree as a person does, and look around in its rows as they come until the last is there."""
    page = window.pages.folders
    page.open_form(tree)
    spin(page.stack.form.begin.isEnabled)
    page.stack.form.begin.click()
    spin(lambda: page.stack.shows_results)
    results = page.stack.results
    for turn in count():
        if page.job is not None and page.job.state is JobState.FINISHED:
            break
        if turn % LOOKS == LOOKS - 1:
            results.show_as(gallery=not results.shows_gallery)
        bar = results.view_in_use.verticalScrollBar()
        bar.setValue(bar.maximum() * (turn % LOOKS) // LOOKS)
        rest(0.5)
    results.show_as(gallery=False)


def write(folder: Path, rows: int) -> str:
    """Have another process write the journal of a job, for the memory that takes is not the window's; the job's id."""
    folder.mkdir()
    words = [sys.executable, __file__, "--write", str(folder), str(rows)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def scroll(results: ResultsPage) -> None:
    """Through all rows in steps, waiting for what is in sight at the end."""
    bar = results.view_in_use.verticalScrollBar()
    for step in range(STEPS + 1):
        bar.setValue(bar.maximum() * step // STEPS)
        rest(0.005)
    last = results.rows.rowCount() - 1
    spin(lambda: results.rows.row(last) is not None)


def fresh(results: ResultsPage, act: Callable[[], object], rows: int | None = None) -> None:
    """Ask for another view, and wait for it."""
    told: list[object] = []
    connection = results.rows.modelReset.connect(lambda: told.append(None))
    act()
    spin(lambda: bool(told) and (rows is None or results.rows.rowCount() == rows))
    results.rows.modelReset.disconnect(connection)
    spin(lambda: not results.rows.rowCount() or results.rows.row(0) is not None)


def brush(results: ResultsPage) -> None:
    """Twenty ranges one after the other, as a hand that drags does."""
    assert results.filters.histogram is not None
    for low in range(20):
        results.filters.histogram.brushed.emit((low / 20, (low + 1) / 20))
        rest(0.05)
    fresh(results, results.filters.reset)


def review(window: MainWindow) -> None:
    """A hundred answers accepted."""
    page = window.pages.folders
    page.open_review()
    spin(lambda: page.stack.review.rows.rowCount() > 0 and page.stack.review.rows.row(0) is not None)
    for _ in range(REVIEWED):
        page.stack.review.accept()
        rest(0.02)
    page.stack.review.leave()
    rest(1)


def gallery(results: ResultsPage) -> None:
    """Shown for the first time, and laid out."""
    results.show_as(gallery=True)
    rest(1)


def scenes(window: MainWindow, tree: Path, job: str, rows: int) -> Iterator[tuple[str, Callable[[], object]]]:
    yield f"a job of {rows:,} photos is run", lambda: run_job(window, tree)
    yield "the results of another are opened", lambda: show_job(window, job, rows)
    shown = window.pages.folders.stack.results
    yield f"the table is scrolled in {STEPS} steps", lambda: scroll(shown)
    for order in Order:
        yield f"sorted by {order}", lambda order=order: fresh(shown, lambda: shown.sort(View(order)))  # type: ignore[misc]
    yield "look-alikes together", lambda: fresh(shown, lambda: shown.sort(View(Order.FOUND, group=Group.SIMILARITY)))
    yield "back to their order", lambda: fresh(shown, lambda: shown.sort(View(Order.FOUND)), rows)
    yield "filtered by text", lambda: fresh(shown, lambda: shown.filters.text.setText("day 07"))
    yield "all again", lambda: fresh(shown, shown.filters.reset, rows)
    yield "brushed twenty times", lambda: brush(shown)
    yield "counted by folder", lambda: fresh(shown, lambda: shown.filters.count_by(Group.FOLDER))
    yield "the gallery", lambda: gallery(shown)
    yield "the gallery is scrolled", lambda: scroll(shown)
    yield "all rows are marked", lambda: (window.pages.photo_browser.select_all(), rest(0.5))
    yield f"{REVIEWED} answers are reviewed", lambda: review(window)
    yield "the window is made narrower", lambda: (window.resize(900, 700), rest(1))


def measure_stalls(rows: int) -> None:
    table = Table(*COLUMNS, title="The window's event loop")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["FOVEA_HOME"] = home
        card, files = tiny.packaged_model("colours")
        settings.save(Settings(model=open_library().install(card, files).card.name), paths.settings_file())
        tree, job = trees.small(Path(home) / "photos", rows), write(Path(home) / "drawn", rows)
        _, window = open_window([])
        spin(lambda: window.session.models.in_use is not None)
        rest(1)
        watch = StallWatch()
        rest(0.1)
        watch.report()
        for name, act in scenes(window, tree, job, rows):
            started = time.perf_counter()
            act()
            rest(0.3)
            table.add_row(name, f"{time.perf_counter() - started - 0.3:.2f}", *watch.report())
        window.close()
    Console(width=110).print(table)


def peak(rows: int) -> None:
    """Print the peak memory of this process, in MiB, after a walk through so many rows."""
    import resource

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["FOVEA_HOME"] = home
        job = write(Path(home) / "drawn", rows)
        _, window = open_window([])
        spin(lambda: window.session.models.in_use is not None)
        results = show_job(window, job, rows)
        scroll(results)
        gallery(results)
        scroll(results)
        window.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def measure_memory() -> None:
    table = Table("rows", "peak memory of the window's process, MiB", title="Memory")
    for rows in (10_000, 100_000):
        done = subprocess.run(
            [sys.executable, __file__, "--peak", str(rows)], check=True, capture_output=True, text=True
        )
        table.add_row(f"{rows:,}", done.stdout.strip().splitlines()[-1])
    Console(width=110).print(table)


def main() -> None:
    match sys.argv[1:]:
        case ["--peak", rows]:
            peak(int(rows))
        case ["--write", folder, rows]:
            print(write_journal(Path(folder), int(rows)))
        case ["--memory"]:
            measure_memory()
        case [rows]:
            measure_stalls(int(rows))
        case _:
            measure_stalls(100_000)
            measure_memory()


if __name__ == "__main__":
    main()
