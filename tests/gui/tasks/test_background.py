"""Work in a background thread and the delivery of its result."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gui.tasks.background import in_background


def test_the_result_is_delivered_on_the_main_thread(qtbot: QtBot) -> None:
    parent, results = QObject(), []
    in_background(parent, lambda: 7, lambda value: results.append((value, threading.current_thread())))
    qtbot.waitUntil(lambda: bool(results))
    assert results == [(7, threading.main_thread())]


def test_nothing_is_delivered_to_a_deleted_parent(qtbot: QtBot) -> None:
    parent, results = QObject(), []
    in_background(parent, lambda: 7, results.append)
    del parent
    qtbot.wait(100)
    assert not results


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_is_not_delivered_as_a_result(qtbot: QtBot) -> None:
    parent, results = QObject(), []
    in_background(parent, lambda: 1 // 0, results.append)
    qtbot.wait(100)
    assert not results
