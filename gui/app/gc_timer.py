"""Garbage collection for a process with a window: on the main thread only, and in short passes.

By default, Python collects in whichever thread happens to allocate. Reference cycles hold Qt objects, which must be
destroyed in their own thread, and a full pass over everything a window keeps takes 100 ms and freezes the window.
"""

from __future__ import annotations

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimerEvent

_EVERY_MS: Final = 250
_FRESH: Final = 4_000
"""So many new objects are worth a pass over them, which takes a millisecond."""
_BULK: Final = 8_000
"""More new objects than this at once are data or modules, which stay: looking through 100,000 of them takes 40 ms."""
_OLD: Final = 12_000
"""So many that have stayed are worth a pass over all of them, after which they count as long-lived."""


class GarbageCollectionTimer(QObject):
    """Replaces Python's automatic garbage collection as long as it lives."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()  # passes skip what exists already, which stays
        self.startTimer(_EVERY_MS)

    def timerEvent(self, event: QTimerEvent) -> None:
        fresh = len(gc.get_objects(0))  # `gc.get_count` leaves out those that replaced others, which a pass visits too
        if fresh > _BULK:
            gc.freeze()  # in constant time; they are still freed when nothing refers to them
        elif fresh > _FRESH:
            gc.collect(0)
            if len(gc.get_objects(1)) > _OLD:
                gc.collect()
                gc.freeze()
