"""Work on the main thread, spread over turns of the event loop so that events are processed in between."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimerEvent


def run_when_idle(parent: QObject, work: Iterator[object], pause_ms: int = 0) -> None:
    """Advance `work` by one step per turn, with pauses in between, as long as `parent` exists."""
    _IdleSteps(parent, work, pause_ms)


class _IdleSteps(QObject):
    """Runs one step per timer event."""

    def __init__(self, parent: QObject, work: Iterator[object], pause_ms: int) -> None:
        super().__init__(parent)
        self._work = work
        self.startTimer(pause_ms)

    def timerEvent(self, event: QTimerEvent) -> None:
        try:
            next(self._work)
        except StopIteration:
            self.killTimer(event.timerId())
            self.deleteLater()
