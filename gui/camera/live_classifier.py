"""Classification of frames as they arrive: at most one is with the engine, and the newest follows it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from core.prediction import Failure, Prediction
from gui.camera.frames import to_picture
from gui.tasks.engine_client import EngineClient
from gui.tasks.task import Task

_INTERVAL_MS: Final = 100
"""The minimum time between two frames: nobody reads faster, and the processor has other work."""


class LiveClassifier(QObject):
    """Sends frames to the engine.

    Attributes:
        classified: the outcome of a frame.
    """

    classified = Signal(object)

    def __init__(self, engine: EngineClient, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self._task: Task | None = None
        self._newest: QImage | None = None
        self._pause = QTimer(self, interval=_INTERVAL_MS, singleShot=True)
        self._pause.timeout.connect(self._send)

    def classify(self, frame: QImage) -> None:
        """Classify this frame, unless a newer one arrives before the engine is free."""
        self._newest = frame
        self._send()

    def stop(self) -> None:
        """Forget all frames, and ignore the outcome of the one that is with the engine."""
        self._newest = None
        if self._task is not None:
            self._task.abandon()
            self._task = None

    def _send(self) -> None:
        if self._newest is None or self._task is not None or self._pause.isActive():
            return
        task = self._engine.classify_picture(to_picture(self._newest))
        if task is None:  # no model is open yet
            return
        self._task, self._newest = task, None
        self._pause.start()
        task.progressed.connect(self._on_progressed)
        task.ended.connect(self._on_ended)

    def _on_progressed(self, value: object) -> None:
        if isinstance(value, Prediction | Failure):
            self.classified.emit(value)

    def _on_ended(self) -> None:
        self._task = None
        self._send()
