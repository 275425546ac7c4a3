"""What becomes of what is dropped on the window, or pasted into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject

from gui.folders.folder_drop import DroppedFolders
from gui.session.session import Session
from gui.shell.pages import Places
from gui.shell.rail import Place
from gui.training.wizard_controller import Teaching
from gui.widgets.drop import MODEL_SUFFIX, Nothing, Offer, read_offer
from gui.widgets.notices import Notices


class Taking(QObject):
    """Gives it to the place it is for."""

    def __init__(self, session: Session, notices: Notices, pages: Places, teaching: Teaching, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._notices, self._pages, self._teaching = session, notices, pages, teaching
        self._folders = DroppedFolders(session.pictures, notices, lambda folder: pages.folders.classify(folder), self)

    def take(self, mime: QMimeData) -> bool:
        """Take what was dropped or pasted; what cannot be taken is refused in a notice."""
        offer = read_offer(mime)
        match offer:
            case Nothing():
                self._notices.tell(offer.value)
                return False
            case Offer(paths=(file,)) if file.suffix.lower() == MODEL_SUFFIX:
                self._pages.models.imports.take(file)
            case Offer(paths=files) if files:
                self._take_files(files)
            case Offer(image=image) if image is not None:
                self._session.add_image(image)
        return True

    def _take_files(self, files: Sequence[Path]) -> None:
        """A folder dropped on *Folders* becomes a job there; everything else becomes photos."""
        if self._pages.place is Place.FOLDERS:
            self._folders.take(files, self._session.add)
            return
        self._folders.offer(files)  # before all of it is listed, which may take long
        self._session.add(files)
        self._teaching.offer(files)
