"""What becomes of what is dropped on the window, or pasted into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject

from gui.folders.folder_drop import FolderDrop
from gui.session.session import Session
from gui.shell.pages import PageStack
from gui.shell.rail import Page
from gui.training.wizard_controller import WizardController
from gui.widgets.drop import MODEL_SUFFIX, DropContent, Rejection, read_drop
from gui.widgets.notices import Notices


class DropRouter(QObject):
    """Gives it to the place it is for."""

    def __init__(
        self, session: Session, notices: Notices, pages: PageStack, teaching: WizardController, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._notices, self._pages, self._teaching = session, notices, pages, teaching
        self._folders = FolderDrop(session.pictures, notices, lambda folder: pages.folders.classify(folder), self)

    def take(self, mime: QMimeData) -> bool:
        """Take what was dropped or pasted; what cannot be taken is refused in a notice."""
        content = read_drop(mime)
        match content:
            case Rejection():
                self._notices.show_notice(content.value)
                return False
            case DropContent(paths=(file,)) if file.suffix.lower() == MODEL_SUFFIX:
                self._pages.models.imports.import_file(file)
            case DropContent(paths=files) if files:
                self._add_files(files)
            case DropContent(image=image) if image is not None:
                self._session.add_image(image)
        return True

    def _add_files(self, files: Sequence[Path]) -> None:
        """A folder dropped on *Folders* becomes a job there; everything else becomes photos."""
        if self._pages.current_page is Page.FOLDERS:
            self._folders.take(files, self._session.add)
            return
        self._folders.offer(files)  # before all of it is listed, which may take long
        self._session.add(files)
        self._teaching.offer(files)
