"""Pasted images without a file: each is saved to one first, so that nothing pasted is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from core.base import paths
from core.base.errors import StorageError
from core.base.i18n import tr
from core.base.text import display_path
from gui.tasks.main_thread import Dispatcher


class PastedImages(QObject):
    """Saves images in its own thread.

    Attributes:
        saved: an image was saved to this file.
        failed: an image could not be saved.
    """

    saved = Signal(Path)
    failed = Signal(StorageError)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._dispatcher = Dispatcher(self)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="paste")
        self._number = count(1)

    def add(self, image: QImage) -> None:
        """Save an image without waiting for it."""
        name = f"pasted {datetime.now():%Y-%m-%d %H.%M.%S} {next(self._number)}.png"
        self._executor.submit(self._save, image, paths.pasted_images() / name)

    def close(self) -> None:
        """Wait until everything is saved."""
        self._executor.shutdown(wait=True)

    def _save(self, image: QImage, file: Path) -> None:  # in its own thread
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            is_saved = image.save(str(file), "PNG")  # type: ignore[call-overload]
        except OSError:
            is_saved = False
        if is_saved:
            self._dispatcher.post(self.saved.emit, file)
            return
        what = tr("Couldn't save the pasted image in “{folder}”.", folder=display_path(file.parent))
        hint = tr("Check free space and permissions, or choose another folder with FOVEA_HOME.")
        self._dispatcher.post(self.failed.emit, StorageError(what, hint=hint))
