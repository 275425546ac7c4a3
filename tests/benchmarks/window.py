"""How long the window's event loop stalls from its first paint on: while the places are made, when each is first shown,
while photos are read, while 100,000 rows come, and while they are scrolled and sorted.

    uv run --extra intel python tests/benchmarks/window.py [ROWS]

A timer due every few milliseconds notes how late it comes: painting, layout and our own slots happen in between.
The photos read are the samples, copied to many files; the rows are files that do not exist, drawn as placeholders.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication
from rich.console import Console
from rich.table import Table

from core.prediction import Prediction, Score, Timing
from gui.app.application import open_window
from gui.photos.empty_state import SAMPLES
from gui.session.photo_view import PhotoView, Sort
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow

BATCH = 500
DUE_MS = 4
PHOTOS = 200
SCROLLS = 200
FIRST = (
    ActionId.SHOW_FOLDERS,
    ActionId.SHOW_MODELS,
    ActionId.SHOW_TRAINING,
    ActionId.PALETTE,
    ActionId.COMPARE,
    ActionId.LICENCES,
)


COLUMNS = ("while", "seconds", "longest stall, ms", "stalls above 50 ms", "longest busy, ms")
"""The last is processor time of the window's thread: where other programs run, it says more than the stalls do."""


class StallWatch:
    """Notes pauses of the event loop, and the processor time of its thread in each, in milliseconds."""

    def __init__(self) -> None:
        self._pauses: list[tuple[float, float]] = []
        self._last, self._busy = time.perf_counter(), time.thread_time()
        self._timer = QTimer(interval=DUE_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def report(self) -> tuple[str, str, str]:
        """The longest pause since the last report, how many were above 50 ms, and the longest busy time."""
        pauses, self._pauses = self._pauses, []
        stalls = [stall for stall, _ in pauses]
        return (
            f"{max(stalls, default=0.0):.0f}",
            str(sum(stall > 50 for stall in stalls)),
            f"{max((busy for _, busy in pauses), default=0.0):.0f}",
        )

    def _tick(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        self._pauses.append(((now - self._last) * 1000 - DUE_MS, (busy - self._busy) * 1000))
        self._last, self._busy = now, busy


def spin(until: Callable[[], bool], limit_s: float = 120) -> None:
    """Let the window live until something is so."""
    end = time.monotonic() + limit_s
    while not until():
        if time.monotonic() > end:
            raise SystemExit(f"not done after {limit_s:.0f} s")
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def rest(seconds: float) -> None:
    end = time.monotonic() + seconds
    spin(lambda: time.monotonic() > end)


def fill(window: MainWindow, rows: int) -> None:
    """Add rows as a folder listing does: in batches, one a turn."""
    for start in range(0, rows, BATCH):
        window.session.photos.add([Path(f"/nowhere/{number}.jpg") for number in range(start, start + BATCH)])
        QApplication.processEvents()


def scroll(window: MainWindow) -> None:
    bar = window.photos_page.gallery.verticalScrollBar()
    for step in range(SCROLLS):
        bar.setValue(bar.maximum() * step // SCROLLS)
        QApplication.processEvents()


def predict(window: MainWindow) -> None:
    """Give every photo a prediction, as if it had been classified."""
    draw, photos, model = random.Random(0), window.session.photos, window.session.models.current
    assert model is not None
    for number, photo in enumerate(photos.photos()):
        scores = (Score(draw.choice(model.card.classes), draw.random()),)
        photo.outcome = Prediction(photo.path, scores, False, model.card.name, "cpu", Timing(1, 1, 1))
        photo.version = photos.version
        if number % BATCH == 0:
            QApplication.processEvents()


def sort(window: MainWindow, order: Sort) -> None:
    """Sort the photos as a user does."""
    sorted_now: list[bool] = []
    connection = window.session.photos.arranged.connect(lambda: sorted_now.append(True))
    window.session.photos.arrange_soon(PhotoView(sort=order))
    spin(lambda: bool(sorted_now))
    window.session.photos.arranged.disconnect(connection)


def copy_samples(folder: Path) -> None:
    folder.mkdir()
    for number in range(PHOTOS):
        shutil.copy(SAMPLES[number % len(SAMPLES)], folder / f"{number}.jpg")


def read_photos(window: MainWindow, folder: Path) -> None:
    """Drop a folder and wait until every photo has its answer."""
    window.session.photo_list.add([folder])
    photos = window.session.photos
    spin(lambda: photos.rowCount() >= PHOTOS and not window.session.engine.waiting_count)


def has_model(window: MainWindow) -> bool:
    return window.session.models.in_use is not None


def has_labels(window: MainWindow, count: int) -> None:
    """Wait until as many labels wait to be learned."""
    spin(lambda: len(window.photos_page.retraining.pending.labels) == count)


def scenes(window: MainWindow, folder: Path, rows: int) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "the model is opened, the places are made", lambda: (spin(lambda: has_model(window)), rest(2))
    for act in FIRST:
        yield f"first: {act.name}", lambda act=act: (window.actions_by_id[act].trigger(), rest(1))  # type: ignore[misc]
    window.actions_by_id[ActionId.SHOW_PHOTOS].trigger()
    yield f"{PHOTOS} photos are read", lambda: read_photos(window, folder)
    yield f"{rows:,} rows come", lambda: fill(window, rows)
    yield f"they are scrolled in {SCROLLS} steps", lambda: scroll(window)
    yield "they get predictions", lambda: predict(window)
    for order in (Sort.CLASS, Sort.CONFIDENCE, Sort.NAME, Sort.ADDED):
        yield f"they are sorted: {order.name}", lambda order=order: sort(window, order)  # type: ignore[misc]
    window.actions_by_id[ActionId.SELECT_ALL].trigger()
    label, everything = window.photos_page.browser.label_selected, rows + PHOTOS
    yield "all are labelled", lambda: (label("fog"), has_labels(window, everything))
    yield "that is undone", lambda: (window.actions_by_id[ActionId.UNDO].trigger(), has_labels(window, 0))
    yield "the window is made narrower", lambda: (window.resize(900, 700), rest(1))
    yield "one photo is removed", lambda: window.session.photo_list.remove([rows // 2])
    yield "the list is cleared", lambda: window.session.photo_list.remove(range(window.session.photos.rowCount()))


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    table = Table(*COLUMNS, title="The window's event loop")
    with tempfile.TemporaryDirectory() as home:
        os.environ["FOVEA_HOME"] = home
        folder = Path(home) / "photos"
        copy_samples(folder)
        _, window = open_window([])
        watch = StallWatch()
        rest(0.1)
        watch.report()  # the first paint
        for name, act in scenes(window, folder, rows):
            started = time.perf_counter()
            act()
            rest(0.3)
            table.add_row(name, f"{time.perf_counter() - started - 0.3:.2f}", *watch.report())
        window.close()
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
