"""Routes what is dropped on or pasted into the window to the page that handles it."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QObject

from core.base.i18n import tr
from core.base.text import display_path
from gui.session.session import Session
from gui.shell.folder_drop import FolderDrop
from gui.shell.pages import PageStack
from gui.shell.rail import Page
from gui.training.wizard_controller import WizardController
from gui.widgets.drop import MODEL_SUFFIX, DropContent, Rejection, drop_text, dropped_folder, read_drop
from gui.widgets.notices import Notices


class DropRouter(QObject):
    """Routes dropped and pasted content: models to *Models*, photos to *Photos*, folders by the page."""

    def __init__(
        self, session: Session, notices: Notices, pages: PageStack, wizard: WizardController, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._notices, self._pages = session, notices, pages
        self._folders = FolderDrop(session, lambda folder: pages.folders.open_form(folder), wizard.open, self)

    def describe(self, content: DropContent) -> str:
        """What dropping the content on the page that is shown does."""
        folder, page = dropped_folder(content), self._pages.current_page
        if folder is not None and folder.suffix.lower() != MODEL_SUFFIX:
            if page is Page.FOLDERS:
                return tr("Classify “{name}”", name=display_path(folder.name))
            if page is Page.TRAINING:
                return tr("Train a model on “{name}”", name=display_path(folder.name))
        return drop_text(content)

    def take(self, mime: QMimeData) -> bool:
        """Accept what was dropped or pasted; unsupported content is rejected with a notice.

        A folder dropped on *Folders* starts a job, on *Training* a training; other files and folders are added to
        *Photos*.
        """
        content = read_drop(mime)
        match content:
            case Rejection():
                self._notices.show_warning(tr(content.value))
                return False
            case DropContent(paths=(file,)) if file.suffix.lower() == MODEL_SUFFIX:
                self._pages.models.imports.import_file(file)
            case DropContent() if (folder := dropped_folder(content)) is not None:
                self._folders.take(folder, self._pages.current_page)
            case DropContent(paths=files) if files:
                self._session.photo_list.add(files)
            case DropContent(image=image) if image is not None:
                self._session.pasted.add(image)
        return True
