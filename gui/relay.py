"""The one way from other threads into the window's thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal, Slot

Value = TypeVar("Value")


class Relay(QObject):
    """Carries calls to the window's thread; it must outlive every thread that posts to it.

    Attributes:
        _posted: one emission for each call that waits in `_inbox`.
    """

    _posted = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._inbox: deque[Callable[[], object]] = deque()
        self._posted.connect(self._deliver_one, Qt.ConnectionType.QueuedConnection)

    def post(self, slot: Callable[[Value], object], value: Value) -> None:
        """Have `slot(value)` called on the window's thread; may be called on any."""
        self._inbox.append(partial(slot, value))
        self._posted.emit()

    @Slot()
    def _deliver_one(self) -> None:
        self._inbox.popleft()()
