"""A camera that shows plain colours, which the tiny model recognises."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QColor, QImage

SIZE = (160, 120)


class FakeCamera(QObject):
    """A `FrameSource` that emits a frame every 10 ms while it is on.

    Attributes:
        colour: the colour of its frames; empty for none.
        names: the connected cameras.
        used: the number of the camera that is on; None while none is.
    """

    arrived = Signal(object)
    failed = Signal(str)
    cameras_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.colour, self.names = "red", ["Built-in camera"]
        self.used: int | None = None
        self._timer = QTimer(self, interval=10)
        self._timer.timeout.connect(self._emit)

    def cameras(self) -> list[str]:
        return self.names

    def start(self, camera: int) -> None:
        self.used = camera
        self._timer.start()

    def stop(self) -> None:
        self.used = None
        self._timer.stop()

    def _emit(self) -> None:
        if self.colour:
            frame = solid(self.colour)
            self.arrived.emit(lambda: frame)


def solid(colour: str, size: tuple[int, int] = SIZE) -> QImage:
    """A frame of one colour, with a black stripe at its left edge."""
    result = QImage(*size, QImage.Format.Format_RGB32)
    result.fill(QColor(colour))
    for row in range(size[1]):
        result.setPixelColor(0, row, QColor("black"))
    return result
