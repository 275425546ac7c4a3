"""Work beside the window's thread whose end is told on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from PySide6.QtCore import QObject, QTimerEvent

Value = TypeVar("Value")
_POLL_MS: Final = 10


def in_background(parent: QObject, work: Callable[[], Value], on_done: Callable[[Value], object]) -> None:
    """Call `work()` in a thread, and `on_done` with what it gave on the window's thread, if `parent` still lives.

    The thread itself touches no object of Qt's, so that it may outlive all of them; the program ends only after it. An
    error in `work` goes to `threading.excepthook`, and `on_done` is not called.
    """
    results: list[Value] = []
    thread = threading.Thread(target=lambda: results.append(work()), name="background")
    thread.start()
    _Watch(parent, thread, results, on_done)


class _Watch(QObject):
    """Looks now and then whether a thread has ended, as long as its parent lives."""

    def __init__(
        self, parent: QObject, thread: threading.Thread, results: list[Any], then: Callable[[Any], object]
    ) -> None:
        super().__init__(parent)
        self._thread, self._results, self._then = thread, results, then
        self.startTimer(_POLL_MS)

    def timerEvent(self, event: QTimerEvent) -> None:
        if self._thread.is_alive():
            return
        self.killTimer(event.timerId())
        self.deleteLater()
        for result in self._results:
            self._then(result)
