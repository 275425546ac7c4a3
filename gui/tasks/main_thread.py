"""The one way from other threads into the window's thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

Value = TypeVar("Value")


_SLICE_S: Final = 0.008
"""So long calls are made one after the other; then the window paints, and listens, before the next."""


class Dispatcher(QObject):
    """Carries calls to the window's thread; it must outlive every thread that posts to it.

    Attributes:
        _posted: one emission for each call that is put into `_inbox`.
        _pauses: whether the calls that wait there go on in another turn of the event loop.
    """

    _posted = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._inbox: deque[Callable[[], object]] = deque()
        self._pauses = False
        self._posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)

    def post(self, slot: Callable[[Value], object], value: Value) -> None:
        """Have `slot(value)` called on the window's thread; may be called on any."""
        self._inbox.append(partial(slot, value))
        self._posted.emit()

    @Slot()
    def _on_posted(self) -> None:
        if not self._pauses:
            self._deliver()

    def _deliver(self) -> None:
        """Make the calls that wait, as many as fit into a turn: Qt hands over all of them before it paints anything."""
        self._pauses = False
        end = time.monotonic() + _SLICE_S
        while self._inbox and not self._pauses:
            self._inbox.popleft()()
            if self._inbox and time.monotonic() > end:
                self._pauses = True
                QTimer.singleShot(0, self, self._deliver)
