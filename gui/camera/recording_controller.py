"""Decides which frames are recorded, into which class and folder, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from core.base.errors import FoveaError
from gui.camera.recorder import Recorder
from gui.camera.window import CameraWindow
from gui.session.model_controller import ModelController
from gui.widgets.announcing import announce

_MAX_OFFERED: Final = 50
"""Up to this many classes of the model in use are offered for recording."""


class RecordingController(QObject):
    """Records while the user holds the button."""

    def __init__(
        self,
        recorder: Recorder,
        window: CameraWindow,
        models: ModelController,
        train: Callable[[Path], object],
        parent: QObject,
    ) -> None:
        """`train` opens the wizard with a folder."""
        super().__init__(parent)
        self._recorder, self._window, self._models, self._train = recorder, window, models, train
        self._panel = window.recording
        self._frame: QImage | None = None
        self._counts: Counter[str] = Counter()
        self._panel.began.connect(self._begin)
        self._panel.record.released.connect(self._end)
        self._panel.folder_chosen.connect(self.open)
        self._panel.training_wanted.connect(self._start_training)
        recorder.recorded.connect(window.view.show_recording)
        recorder.counted.connect(self._show_counts)
        recorder.failed.connect(self._on_failed)
        models.changed.connect(self._offer_classes)

    def open(self, folder: Path) -> None:
        """Record into this folder from now on."""
        self._recorder.open(folder)
        self._panel.show_folder(folder)

    def put(self, frame: QImage) -> None:
        """Take a frame of the camera, which is recorded if the user wants it."""
        if self._frame is None:
            self._panel.set_available(available=True)
        self._frame = frame
        self._recorder.add(frame)

    def stop(self) -> None:
        """End what the user holds, and forget the frame, as the camera stops."""
        self._panel.release()
        self._end()
        self._frame = None

    def _begin(self, label: str) -> None:
        self._panel.show_error("")
        self._recorder.begin(label)
        self._window.view.show_recording(0)
        if self._frame is not None:
            self._recorder.add(self._frame)

    def _end(self) -> None:
        self._recorder.end()
        self._window.view.show_recording(None)

    def _show_counts(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._offer_classes()

    def _offer_classes(self) -> None:
        model = self._models.current
        classes = model.card.classes if model is not None and len(model.card.classes) <= _MAX_OFFERED else ()
        self._panel.show_counts(self._counts, classes)

    def _on_failed(self, error: FoveaError) -> None:
        self._end()
        self._panel.release()
        self._panel.show_error(str(error))
        announce(self._window, str(error), is_urgent=True)

    def _start_training(self) -> None:
        """Open the wizard with the folder; the processor is then busy with the training."""
        self._recorder.undo_stack.clear()
        self._window.close()
        self._train(self._recorder.folder)
