"""Work in a background thread whose result is delivered on the main thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

from PySide6.QtCore import QObject, QTimerEvent

Value = TypeVar("Value")
_POLL_MS: Final = 10


def in_background(parent: QObject, work: Callable[[], Value], on_done: Callable[[Value], object]) -> None:
    """Call `work()` in a thread and `on_done` with its result on the main thread, if `parent` still exists.

    The thread itself uses no Qt objects, so that it may outlive them; the program exits only after it has ended. An
    error in `work` goes to `threading.excepthook`, and `on_done` is not called.
    """
    results: list[Value] = []
    thread = threading.Thread(target=lambda: results.append(work()), name="background")
    thread.start()
    _Watch(parent, thread, results, on_done)


class _Watch(QObject):
    """Polls whether a thread has ended, as long as its parent exists."""

    def __init__(
        self, parent: QObject, thread: threading.Thread, results: list[Any], on_done: Callable[[Any], object]
    ) -> None:
        super().__init__(parent)
        self._thread, self._results, self._on_done = thread, results, on_done
        self.startTimer(_POLL_MS)

    def timerEvent(self, event: QTimerEvent) -> None:
        if self._thread.is_alive():
            return
        self.killTimer(event.timerId())
        self.deleteLater()
        for result in self._results:
            self._on_done(result)
