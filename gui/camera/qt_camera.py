"""Cameras through Qt Multimedia; the only module that imports it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QCameraPermission, QCoreApplication, QObject, Qt, Signal
from PySide6.QtMultimedia import (
    QCamera,
    QCameraDevice,
    QCameraFormat,
    QMediaCaptureSession,
    QMediaDevices,
    QVideoFrame,
    QVideoSink,
)

from core.base.i18n import tr

_SIDE: Final = 480
"""The shorter side that a camera is asked for, in pixels, at least; more only takes time."""
_RATE: Final = 15.0
"""The frames per second that are enough."""


class QtCamera(QObject):
    """The cameras of this computer; a `FrameSource`."""

    arrived = Signal(object)
    failed = Signal(str)
    cameras_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        # Otherwise OpenGL converts frames on Linux, which takes 100 times as long where no graphics card does it.
        QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ForceRasterWidgets)
        self._devices = QMediaDevices(self)
        self._devices.videoInputsChanged.connect(self._on_changed)
        self._session, self.sink = QMediaCaptureSession(self), QVideoSink(self)
        self._session.setVideoSink(self.sink)
        self.sink.videoFrameChanged.connect(self._on_frame)
        self._camera: QCamera | None = None

    def cameras(self) -> list[str]:
        return [device.description() for device in _connected()]

    def start(self, camera: int) -> None:
        """Ask for permission where the system demands it, then start."""
        application = QCoreApplication.instance()
        assert application is not None
        application.requestPermission(
            QCameraPermission(), self, lambda asked: self._on_answered(camera, asked.status())
        )

    def stop(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.stop()
            self._session.setCamera(None)  # type: ignore[arg-type] # releases it
            camera.deleteLater()

    def _on_answered(self, number: int, answer: Qt.PermissionStatus) -> None:
        devices = _connected()
        if answer is not Qt.PermissionStatus.Granted:
            self.failed.emit(tr("Fovea may not use the camera. Allow it in the privacy settings of your system."))
        elif number < len(devices):
            self._use(devices[number])

    def _use(self, device: QCameraDevice) -> None:
        self.stop()
        self._camera = camera = QCamera(device, self)
        formats = device.videoFormats()
        if formats:
            camera.setCameraFormat(min(formats, key=_cost))
        camera.errorOccurred.connect(self._on_error)
        self._session.setCamera(camera)
        camera.start()

    def _on_frame(self, frame: QVideoFrame) -> None:
        if frame.isValid():
            self.arrived.emit(frame.toImage)

    def _on_error(self, error: QCamera.Error, reason: str) -> None:
        if error is not QCamera.Error.NoError:
            self.stop()
            text = tr("The camera can't be used: {reason}. Another program may be using it.", reason=reason.rstrip("."))
            self.failed.emit(text)

    def _on_changed(self) -> None:
        if self._camera is not None and self._camera.cameraDevice() not in _connected():
            self.stop()
            self.failed.emit(tr("The camera was disconnected."))
        self.cameras_changed.emit()


def _connected() -> list[QCameraDevice]:
    default = QMediaDevices.defaultVideoInput()
    return sorted(QMediaDevices.videoInputs(), key=lambda device: device != default)


def _cost(offered: QCameraFormat) -> tuple[bool, bool, int, float]:
    """Sort formats that are large and fast enough first, then the smallest and slowest of those."""
    width, height = offered.resolution().toTuple()
    rate = offered.maxFrameRate()
    return min(width, height) < _SIDE, rate < _RATE, width * height, rate
