"""Work on the main thread, spread over turns of the event loop so that events are processed in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from PySide6.QtCore import QObject, QTimerEvent

_SLICE_S: Final = 0.004
"""Steps are begun for so long in each turn. Few of them, as other work may have its turn at the same time."""


def run_when_idle(parent: QObject, work: Iterator[object], pause_ms: int = 0) -> None:
    """Advance `work` for a few milliseconds per turn, by one step if there are pauses, as long as `parent` exists."""
    _IdleSteps(parent, work, pause_ms)


class _IdleSteps(QObject):
    """Runs as many steps per timer event as fit into a slice of time, so that a slow machine stalls no longer."""

    def __init__(self, parent: QObject, work: Iterator[object], pause_ms: int) -> None:
        super().__init__(parent)
        self._work, self._pause_ms = work, pause_ms
        self.startTimer(pause_ms)

    def timerEvent(self, event: QTimerEvent) -> None:
        self.killTimer(event.timerId())  # each pause begins when a step ends: long ones would not be apart
        end = time.monotonic() + (0.0 if self._pause_ms else _SLICE_S)
        for _ in self._work:
            if time.monotonic() >= end:
                self.startTimer(self._pause_ms)
                return
        self.deleteLater()
