"""Python's collection of reference cycles, for a process with a window: on the window's thread, and never long.

Left alone, Python collects in whatever thread happens to allocate. Cycles hold objects of Qt, which must not be
destroyed in any thread but their own, and a pass over all that a window keeps takes 100 ms, in which nothing moves.
"""

from __future__ import annotations

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimer, QTimerEvent

_EVERY_MS: Final = 250
_IDLE_MS: Final = 10_000
"""Until then whatever stays for good has been made."""
_LIMITS: Final = (5_000, 5, 40)
"""As for `gc.set_threshold`: new objects, and passes over each generation before the next older one is looked at."""


class GarbageCollectionTimer(QObject):
    """Collects as long as it lives, instead of Python."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        QTimer.singleShot(_IDLE_MS, self, gc.freeze)  # from then on it is passed over
        self.startTimer(_EVERY_MS)

    def timerEvent(self, event: QTimerEvent) -> None:
        fresh, middle, old = (count > limit for count, limit in zip(gc.get_count(), _LIMITS, strict=True))
        if fresh:
            gc.collect(2 if middle and old else 1 if middle else 0)
