from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.tasks.idle_steps import run_when_idle
from tests.patience import PATIENCE_MS


def test_each_step_has_its_own_turn(qtbot: QtBot) -> None:
    parent, done = QObject(), list[int]()

    def work() -> Iterator[None]:
        for number in range(3):
            done.append(number)
            yield

    run_when_idle(parent, work())
    assert done == [], "the first step waits for the event loop"
    seen = []
    while len(done) < 3:
        QApplication.processEvents()
        seen.append(len(done))
    assert {1, 2, 3} <= set(seen)
    qtbot.waitUntil(lambda: not parent.children(), timeout=PATIENCE_MS)


def test_it_ends_with_its_parent(qtbot: QtBot) -> None:
    parent, done = QObject(), list[int]()
    run_when_idle(parent, (done.append(number) for number in range(100_000)))
    qtbot.waitUntil(lambda: bool(done), timeout=PATIENCE_MS)
    parent.deleteLater()
    qtbot.wait(50)
    before = len(done)
    qtbot.wait(50)
    assert len(done) == before
