"""Decides when the camera is on, what becomes of its frames, and what is shown when there are none."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from core.base import paths
from core.base.i18n import tr
from core.prediction import Outcome
from gui.camera import support
from gui.camera.frames import Frame, FrameReader, FrameSource
from gui.camera.live_classifier import LiveClassifier
from gui.camera.recorder import Recorder
from gui.camera.recording_controller import RecordingController
from gui.camera.window import CameraWindow
from gui.session.session import Session
from gui.widgets.announcing import announce

_PATIENCE_MS: Final = 5000
"""How long a camera may take until its first frame, and between two."""
_SPOKEN_MS: Final = 2000
"""How long a prediction stays the same before a screen reader reads it out."""


class CameraController(QObject):
    """The camera is on while its window can be seen, and never otherwise; nothing is kept but what is recorded.

    Attributes:
        window: the window.
        recorder: writes the photos.
    """

    def __init__(self, session: Session, train: Callable[[Path], object], parent: QWidget) -> None:
        """`train` opens the wizard with a folder; the window stays above the window of `parent`."""
        super().__init__(parent)
        self._session = session
        self._source: FrameSource | None = None
        self._camera, self._is_loading = 0, False
        self._has_picture = False
        self._reader, self._live = FrameReader(self), LiveClassifier(session.engine, self)
        self.recorder = Recorder(paths.custom_datasets() / tr("Camera"), self)
        self.window = CameraWindow(self.recorder.undo_stack, parent)
        self._silence = QTimer(self, interval=_PATIENCE_MS, singleShot=True)
        self._speech = QTimer(self, interval=_SPOKEN_MS, singleShot=True)
        self._recording = RecordingController(self.recorder, self.window, session.models, train, self)
        self._connect()

    def _connect(self) -> None:
        window = self.window
        window.shown.connect(self._start)
        window.hid.connect(self._stop)
        window.retry_wanted.connect(self._start)
        window.cameras.activated.connect(self._choose_camera)
        window.mirrored.toggled.connect(lambda mirrored: window.view.set_mirrored(mirrored=mirrored))
        self._reader.read.connect(self._on_read)
        self._live.classified.connect(self._on_classified)
        self._silence.timeout.connect(self._on_silence)
        self._speech.timeout.connect(self._speak)
        self._session.closing.connect(self._close)

    def open(self) -> None:
        """Show the window, which starts the camera."""
        self.window.bring_up()
        self.window.recording.name.setFocus()

    # ---- the camera

    def _start(self) -> None:
        self.window.show_failure("")
        self._recording.open(self.recorder.folder)
        if self._source is not None:
            self._start_camera()
        elif not self._is_loading:
            self._is_loading = True
            support.load_camera(self, self._on_loaded, self._on_load_failed)

    def _on_loaded(self, source: FrameSource) -> None:
        self._is_loading, self._source = False, source
        source.arrived.connect(self._on_arrived)
        source.failed.connect(self._on_failed)
        source.cameras_changed.connect(self._on_cameras_changed)
        if self.window.isVisible():
            self._start_camera()

    def _on_load_failed(self, reason: str) -> None:
        self._is_loading = False
        self._on_failed(reason)

    def _start_camera(self) -> None:
        assert self._source is not None
        names = self._source.cameras()
        self._camera = min(self._camera, max(0, len(names) - 1))
        self.window.show_cameras(names, self._camera)
        if names:
            self.window.show_failure("")
            self._silence.start()
            self._source.start(self._camera)
        else:
            self._on_failed(_no_camera_text())

    def _stop(self) -> None:
        """Release the camera and forget its frames."""
        self._silence.stop()
        self._speech.stop()
        self._recording.stop()
        if self._source is not None:
            self._source.stop()
        self._reader.clear()
        self._live.stop()
        self._has_picture = False

    def _on_failed(self, reason: str) -> None:
        self._stop()
        self.window.show_failure(reason)
        announce(self.window, reason, is_urgent=True)

    def _on_silence(self) -> None:
        self._on_failed(tr("The camera sends no picture. Another program may be using it."))

    def _on_cameras_changed(self) -> None:
        """List the cameras, and start one if there was none."""
        if not self.window.isVisible() or self._source is None:
            return
        if self._silence.isActive():
            self.window.show_cameras(self._source.cameras(), self._camera)
        else:
            self._start_camera()

    def _choose_camera(self, number: int) -> None:
        self._camera = number
        self._stop()
        self._start_camera()

    def _close(self) -> None:
        self.window.close()
        self._stop()
        self._reader.close()
        self.recorder.close()

    # ---- frames

    def _on_arrived(self, frame: Frame) -> None:
        if self._silence.isActive():  # otherwise the camera has been stopped, and this was on its way
            self._silence.start()
            self._reader.put(frame)

    def _on_read(self, frame: QImage) -> None:
        if not self._silence.isActive():  # converted while the camera stopped
            return
        if not self._has_picture:
            self._has_picture = True
            self.window.show_outcome(None, self._waiting_text())
        self.window.view.show_frame(frame)
        self._recording.put(frame)
        self._live.classify(frame)

    def _waiting_text(self) -> str:
        models = self._session.models
        if models.opening or models.in_use is not None:
            return tr("Loading…")
        return tr("No model open. Choose one in the main window.")

    def _on_classified(self, outcome: Outcome) -> None:
        if not self._has_picture:
            return
        before = self.window.headline.text()
        self.window.show_outcome(outcome)
        if self.window.headline.text() != before:
            self._speech.start()

    def _speak(self) -> None:
        announce(self.window, self.window.headline.text())


def _no_camera_text() -> str:
    text = tr("No camera found. Connect one, and it appears here.")
    if platform.system() == "Linux":
        return f"{text} {tr('If one is connected, your user may have to be in the group “video”.')}"
    return text
