"""What becomes of what is dropped on the window, or pasted into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject

from gui.drop import MODEL_SUFFIX, Nothing, Offer, read_offer
from gui.folders.dropped import DroppedFolders
from gui.rail import Place

if TYPE_CHECKING:
    from gui.main_window import MainWindow


class Taking(QObject):
    """Gives it to the place it is for."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._folders = DroppedFolders(
            window.session.pictures, window.notices, lambda folder: window.folders_page.classify(folder), self
        )

    def take(self, mime: QMimeData) -> bool:
        """Take what was dropped or pasted; what cannot be taken is refused in a notice."""
        window, offer = self._window, read_offer(mime)
        match offer:
            case Nothing():
                window.notices.tell(offer.value)
                return False
            case Offer(paths=(file,)) if file.suffix.lower() == MODEL_SUFFIX:
                window.models_page.imports.take(file)
            case Offer(paths=files) if files:
                self._take_files(files)
            case Offer(image=image) if image is not None:
                window.session.add_image(image)
        return True

    def _take_files(self, files: Sequence[Path]) -> None:
        """A folder dropped on *Folders* becomes a job there; everything else becomes photos."""
        window = self._window
        if window.pages.place is Place.FOLDERS:
            self._folders.take(files, window.session.add)
            return
        self._folders.offer(files)  # before all of it is listed, which may take long
        window.session.add(files)
        window.teaching.offer(files)
