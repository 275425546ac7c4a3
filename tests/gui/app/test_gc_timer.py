"""Reference cycles are collected on the main thread only."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gui.app.gc_timer import GarbageCollectionTimer
from tests.gui.conftest import PATIENCE_MS


@pytest.fixture
def collector() -> Iterator[GarbageCollectionTimer]:
    parent = QObject()
    gc.collect()
    yield GarbageCollectionTimer(parent)
    gc.unfreeze()
    gc.enable()


class Cyclic(QObject):
    """References itself, so that only a garbage collection deletes it."""

    def __init__(self) -> None:
        super().__init__()
        self.itself = self


def test_allocations_in_other_threads_collect_nothing_there(collector: GarbageCollectionTimer, qtbot: QtBot) -> None:
    ended_in: list[threading.Thread] = []
    weakref.finalize(Cyclic(), lambda: ended_in.append(threading.current_thread()))
    keeps: list[list[int]] = []
    thread = threading.Thread(target=lambda: keeps.extend([number] for number in range(6_000)))
    thread.start()
    thread.join()
    assert not ended_in
    qtbot.waitUntil(lambda: bool(ended_in), timeout=PATIENCE_MS)
    assert ended_in == [threading.main_thread()]


def test_nothing_is_collected_below_the_limits(collector: GarbageCollectionTimer, qtbot: QtBot) -> None:
    gc.collect()
    passes = [generation["collections"] for generation in gc.get_stats()]
    qtbot.wait(600)
    assert [generation["collections"] for generation in gc.get_stats()] == passes


def test_bulk_data_is_not_looked_through(collector: GarbageCollectionTimer, qtbot: QtBot) -> None:
    passes = [generation["collections"] for generation in gc.get_stats()]
    data = [[number] for number in range(100_000)]
    qtbot.waitUntil(lambda: gc.get_freeze_count() >= len(data), timeout=PATIENCE_MS)
    assert [generation["collections"] for generation in gc.get_stats()] == passes


def test_objects_that_replace_others_are_bulk_data_too(collector: GarbageCollectionTimer, qtbot: QtBot) -> None:
    """They do not count for Python, but a pass over all of them would take as long."""
    data = [[number] for number in range(100_000)]
    qtbot.waitUntil(lambda: gc.get_freeze_count() >= len(data), timeout=PATIENCE_MS)
    frozen = gc.get_freeze_count()
    passes = [generation["collections"] for generation in gc.get_stats()]
    for number in range(len(data)):
        data[number] = [number]
    qtbot.waitUntil(lambda: not gc.get_objects(0) or gc.get_freeze_count() != frozen, timeout=PATIENCE_MS)
    assert [generation["collections"] for generation in gc.get_stats()] == passes


def test_cycles_among_objects_that_stayed_for_a_while_are_collected(
    collector: GarbageCollectionTimer, qtbot: QtBot
) -> None:
    ended: list[bool] = []
    cycle = Cyclic()
    weakref.finalize(cycle, lambda: ended.append(True))
    data = []
    for turn in range(4):
        before = gc.get_stats()[0]["collections"]
        data.append([[number] for number in range(5_000)])
        qtbot.waitUntil(lambda before=before: gc.get_stats()[0]["collections"] > before, timeout=PATIENCE_MS)  # type: ignore[misc]
        if turn == 1:
            del cycle
            assert not ended
    assert ended
