"""Calls from other threads run in order, and let the window process events."""

from __future__ import annotations

import threading
import time

from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from gui.tasks.main_thread import Dispatcher
from tests.gui.conftest import PATIENCE_MS


def test_calls_run_in_order_on_the_main_thread(qtbot: QtBot) -> None:
    parent = QObject()
    dispatcher, made = Dispatcher(parent), list[tuple[int, threading.Thread]]()
    thread = threading.Thread(target=lambda: [dispatcher.post(note, number) for number in range(500)])

    def note(number: int) -> None:
        made.append((number, threading.current_thread()))

    thread.start()
    qtbot.waitUntil(lambda: len(made) == 500, timeout=PATIENCE_MS)
    thread.join()
    assert made == [(number, threading.main_thread()) for number in range(500)]


def test_many_long_calls_let_other_events_through(qtbot: QtBot) -> None:
    parent = QObject()
    dispatcher, made, seen = Dispatcher(parent), list[int](), set[int]()
    timer = QTimer(parent, interval=0)
    timer.timeout.connect(lambda: seen.add(len(made)))
    timer.start()

    def work(number: int) -> None:
        time.sleep(0.005)
        made.append(number)

    for number in range(30):
        dispatcher.post(work, number)
    qtbot.waitUntil(lambda: len(made) == 30, timeout=PATIENCE_MS)
    assert made == list(range(30))
    assert len(seen & set(range(1, 30))) >= 10


def test_a_failing_call_does_not_stop_the_others(qtbot: QtBot) -> None:
    parent = QObject()
    dispatcher, made = Dispatcher(parent), list[int]()

    def work(number: int) -> None:
        made.append(number)
        if number == 1:
            raise RuntimeError("an unexpected error")

    with qtbot.captureExceptions() as errors:
        for number in range(4):
            dispatcher.post(work, number)
        qtbot.waitUntil(lambda: len(made) == 4, timeout=PATIENCE_MS)
    assert made == [0, 1, 2, 3]
    assert [kind for kind, _, _ in errors] == [RuntimeError]
