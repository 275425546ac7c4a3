"""Garbage collection for a process with a window: on the main thread only, and in short passes.

By default, Python collects in whichever thread happens to allocate. Reference cycles hold Qt objects, which must be
destroyed in their own thread, and a full pass over everything a window keeps takes 100 ms and freezes the window.
"""

from __future__ import annotations

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimer, QTimerEvent

_EVERY_MS: Final = 250
_IDLE_MS: Final = 10_000
"""After this time, the long-lived objects have been created."""
_LIMITS: Final = (5_000, 5, 40)
"""As for `gc.set_threshold`: new objects, and passes over each generation before the next older one is collected."""
_BULK: Final = 20_000
"""More new objects than this at once are data or modules, which stay: looking through 100,000 of them takes 40 ms."""


class GarbageCollectionTimer(QObject):
    """Replaces Python's automatic garbage collection as long as it lives."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        QTimer.singleShot(_IDLE_MS, self, gc.freeze)  # later passes skip these objects
        self.startTimer(_EVERY_MS)

    def timerEvent(self, event: QTimerEvent) -> None:
        if gc.get_count()[0] > _BULK:
            gc.freeze()  # in constant time; they are still freed when nothing refers to them
            return
        fresh, middle, old = (count > limit for count, limit in zip(gc.get_count(), _LIMITS, strict=True))
        if fresh:
            gc.collect(2 if middle and old else 1 if middle else 0)
