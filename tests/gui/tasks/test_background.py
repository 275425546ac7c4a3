"""Work beside the window's thread, and what is told of its end."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gui.tasks.background import in_background


def test_the_window_is_told_on_its_own_thread(qtbot: QtBot) -> None:
    parent, told = QObject(), []
    in_background(parent, lambda: 7, lambda value: told.append((value, threading.current_thread())))
    qtbot.waitUntil(lambda: bool(told))
    assert told == [(7, threading.main_thread())]


def test_who_is_gone_is_not_told(qtbot: QtBot) -> None:
    parent, told = QObject(), []
    in_background(parent, lambda: 7, told.append)
    del parent
    qtbot.wait(100)
    assert not told


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_is_not_told_as_a_success(qtbot: QtBot) -> None:
    parent, told = QObject(), []
    in_background(parent, lambda: 1 // 0, told.append)
    qtbot.wait(100)
    assert not told
