"""Frames: where they come from, and their conversion outside the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance
from PySide6.QtGui import QImage

from core.images.drawing import Picture
from gui.tasks.main_thread import Dispatcher

_MAX_SIDE: Final = 720
"""The shorter side of a frame, in pixels; larger ones are reduced: every backbone reads less."""

Frame = Callable[[], QImage]
"""A frame as it arrived: converts it to an upright image, in any thread; the image is null if that fails."""


class FrameSource(Protocol):
    """A camera, or what stands in for one.

    Attributes:
        arrived: a `Frame`; emitted on the main thread.
        failed: why no frames arrive any more, as one or two sentences.
        cameras_changed: a camera was connected or disconnected.
    """

    arrived: SignalInstance
    failed: SignalInstance
    cameras_changed: SignalInstance

    def cameras(self) -> Sequence[str]:
        """The names of the connected cameras, the system's default one first."""

    def start(self, camera: int) -> None:
        """Use the camera of this number, which then emits `arrived` or `failed`; another one that is in use stops."""

    def stop(self) -> None:
        """Release the camera."""


class FrameReader(QObject):
    """Converts frames in a thread, one at a time; a frame that waits is superseded by the next one.

    Attributes:
        read: a frame as a `QImage`.
    """

    read = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._dispatcher = Dispatcher(self)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="frames")
        self._waiting: Frame | None = None
        self._is_busy = False

    def put(self, frame: Frame) -> None:
        """Convert this frame next."""
        self._waiting = frame
        self._convert_next()

    def clear(self) -> None:
        """Forget the frame that waits."""
        self._waiting = None

    def close(self) -> None:
        """End the thread."""
        self.clear()
        self._executor.shutdown(wait=True)

    def _convert_next(self) -> None:
        if self._waiting is not None and not self._is_busy:
            frame, self._waiting, self._is_busy = self._waiting, None, True
            self._executor.submit(self._convert, frame)

    def _convert(self, frame: Frame) -> None:  # in its own thread
        self._dispatcher.post(self._on_converted, _reduced(frame()))

    def _on_converted(self, image: QImage) -> None:
        self._is_busy = False
        if not image.isNull():
            self.read.emit(image)
        self._convert_next()


def to_picture(image: QImage) -> Picture:
    """The pixels of an image without the padding of its lines."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    width, height, line = plain.width(), plain.height(), plain.bytesPerLine()
    data = bytes(plain.constBits())
    if line == 3 * width:
        return Picture(width, height, data)
    return Picture(width, height, b"".join(data[row * line : row * line + 3 * width] for row in range(height)))


def _reduced(image: QImage) -> QImage:
    side = min(image.width(), image.height())
    if side <= _MAX_SIDE:
        return image
    size = image.size() * (_MAX_SIDE / side)
    return image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
