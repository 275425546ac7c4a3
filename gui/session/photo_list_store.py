"""The list of photos, kept until the window is opened again: paths only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from core.base import paths
from core.base.errors import StorageError
from core.base.storage import write_atomically
from gui.session.photos_model import PhotosModel
from gui.tasks.main_thread import Dispatcher

MAX_KEPT: Final = 1000
"""The last photos that were added; classifying more again at each start would take minutes."""
_DELAY_MS: Final = 1000


class PhotoListStore(QObject):
    """Writes the list in its own thread soon after a change, and reads it once.

    Attributes:
        found: the photos of the last session that are still there; not emitted if there are none.
        failed: the list could not be written.
    """

    found = Signal(object)
    failed = Signal(StorageError)

    def __init__(self, photos: PhotosModel, parent: QObject) -> None:
        super().__init__(parent)
        self._photos = photos
        self._dispatcher = Dispatcher(self)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="photo-list")
        self._timer = QTimer(self, interval=_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._save)
        photos.listed.connect(self._timer.start)

    def start(self) -> None:
        """Read the list of the last session."""
        self._executor.submit(self._read)

    def close(self) -> None:
        """Wait until everything is written."""
        if self._timer.isActive():
            self._timer.stop()
            self._save()
        self._executor.shutdown(wait=True)

    def _save(self) -> None:
        listed = [str(photo.path) for photo in self._photos.photos()[-MAX_KEPT:]]
        self._executor.submit(self._write, listed)

    def _write(self, listed: Sequence[str]) -> None:  # in its own thread
        try:
            write_atomically(paths.photo_list_file(), json.dumps({"photos": listed}, indent=1).encode())
        except StorageError as error:
            self._dispatcher.post(self.failed.emit, error)

    def _read(self) -> None:  # in its own thread: a file on a network may take long
        try:
            listed = json.loads(paths.photo_list_file().read_bytes())["photos"]
            named = [Path(one) for one in listed if isinstance(one, str)]
            photos = [photo for photo in named if photo.is_absolute() and photo.is_file()]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return  # nothing was lost but the list, which is a convenience
        if photos:
            self._dispatcher.post(self.found.emit, photos[:MAX_KEPT])
