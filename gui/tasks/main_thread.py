"""Dispatch of calls from other threads to the main thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

Value = TypeVar("Value")


_SLICE_S: Final = 0.008
"""Maximum duration of consecutive calls, after which the window repaints and processes events."""


class Dispatcher(QObject):
    """Runs calls on the main thread.

    Attributes:
        _posted: emitted for each call put into `_inbox`.
        _pauses: whether the waiting calls continue in another turn of the event loop.
    """

    _posted = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._inbox: deque[Callable[[], object]] = deque()
        self._pauses = False
        self._posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)

    def post(self, slot: Callable[[Value], object], value: Value) -> None:
        """Schedule `slot(value)` on the main thread; may be called from any thread, and does nothing once deleted."""
        self._inbox.append(partial(slot, value))
        with suppress(RuntimeError):  # the window is gone, and this thread has not noticed yet
            self._posted.emit()

    @Slot()
    def _on_posted(self) -> None:
        if not self._pauses:
            self._deliver()

    def _deliver(self) -> None:
        """Run waiting calls for one time slice: Qt would otherwise deliver all of them before it repaints."""
        self._pauses = False
        end = time.monotonic() + _SLICE_S
        while self._inbox and not self._pauses:
            self._inbox.popleft()()
            if self._inbox and time.monotonic() > end:
                self._pauses = True
                QTimer.singleShot(0, self, self._deliver)
