from __future__ import annotations

from itertools import count

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.tasks import idle_steps
from gui.tasks.idle_steps import run_when_idle
from tests.patience import PATIENCE_MS


@pytest.mark.parametrize(("slice_s", "pause_ms"), [(0.0, 0), (1000.0, 1)])
def test_a_slow_step_or_one_before_a_pause_has_its_own_turn(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, slice_s: float, pause_ms: int
) -> None:
    monkeypatch.setattr(idle_steps, "_SLICE_S", slice_s)
    parent, done = QObject(), list[int]()
    run_when_idle(parent, map(done.append, range(3)), pause_ms)
    assert done == [], "the first step waits for the event loop"
    seen = set[int]()
    while len(done) < 3:
        QApplication.processEvents()
        seen.add(len(done))
    assert {1, 2, 3} <= seen
    qtbot.waitUntil(lambda: not parent.children(), timeout=PATIENCE_MS)


def test_quick_steps_share_a_turn(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_steps, "_SLICE_S", 1000.0)
    parent, done = QObject(), list[int]()
    run_when_idle(parent, map(done.append, range(3)))
    while not done:
        QApplication.processEvents()
    assert done == [0, 1, 2]


def test_it_ends_with_its_parent(qtbot: QtBot) -> None:
    parent, done = QObject(), list[int]()
    run_when_idle(parent, map(done.append, count()))
    qtbot.waitUntil(lambda: bool(done), timeout=PATIENCE_MS)
    parent.deleteLater()
    qtbot.wait(50)
    before = len(done)
    qtbot.wait(50)
    assert len(done) == before
