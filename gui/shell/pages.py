"""The pages of the rail's places, each made when it is first wanted, or ahead of that once the window is painted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from gui.photos.page import PhotosPage
from gui.session.session import Session
from gui.shell.actions import ActionId, Actions
from gui.shell.rail import Page
from gui.tasks import preload
from gui.tasks.idle_steps import run_when_idle
from gui.training.wizard_controller import WizardController
from gui.widgets.notices import Notices

if TYPE_CHECKING:
    from gui.folders.page import FoldersPage
    from gui.models.page import ModelsPage
    from gui.shell.folder_commands import FolderCommands
    from gui.training.page import TrainingPage

_PAGES: Final = ("gui.shell.folder_commands", "gui.models.page", "gui.training.page")
_DELAY_MS: Final = (
    "gui.shell.command_palette",
    "gui.training.wizard.window",
    "gui.models.compare",
    "gui.photos.changes_window",
    "gui.shell.licences_dialog",
    "statistics",
)
"""Whatever else the window may need, but for the plots, which take half a second and much memory."""


class PageStack(QStackedWidget):
    """The pages, *Photos* from the start; an empty widget holds the place of each of the others until it is made.

    Attributes:
        folders_went_on: how far the jobs under way are, as one line; empty when none is.
        state_changed: other things can be done now.
        wanted: the person wants to see this place.
        compare_wanted: the person wants to compare this model with others.
        model_wanted: the person wants to see this model.
    """

    folders_went_on = Signal(str)
    state_changed = Signal()
    wanted = Signal(Page)
    compare_wanted = Signal(str)
    model_wanted = Signal(str)

    def __init__(
        self, session: Session, notices: Notices, teaching: WizardController, actions: Actions, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session, self._notices, self._teaching, self._actions = session, notices, teaching, actions
        shown = [actions[act] for act in (ActionId.OPEN_FILES, ActionId.OPEN_FOLDER, ActionId.PASTE)]
        self.photos = PhotosPage(session, shown, self)
        self.addWidget(self.photos)
        self._placeholders: dict[Page, QWidget] = {place: QWidget() for place in Page if place is not Page.PHOTOS}
        for widget in self._placeholders.values():
            self.addWidget(widget)

    @cached_property
    def folder_commands(self) -> FolderCommands:
        """What the actions do in the place *Folders*."""
        from gui.folders.page import FoldersPage
        from gui.shell.folder_commands import FolderCommands

        page = FoldersPage(self._session, self._notices, self._actions[ActionId.CLASSIFY_FOLDER], self)
        page.resumed.connect(self.folders_went_on)
        page.state_changed.connect(self.state_changed)
        page.wanted.connect(lambda: self.wanted.emit(Page.FOLDERS))
        commands = FolderCommands(page, self._actions)
        self._set_page(Page.FOLDERS, page)
        return commands

    @property
    def folders(self) -> FoldersPage:
        """The place *Folders*."""
        return self.folder_commands.page

    @cached_property
    def models(self) -> ModelsPage:
        """The place *Models*."""
        from gui.models.page import ModelsPage

        result = ModelsPage(self._session, self._notices, self)
        result.compare_wanted.connect(self.compare_wanted)
        result.shown.connect(lambda: self.wanted.emit(Page.MODELS))
        self._set_page(Page.MODELS, result)
        return result

    @cached_property
    def training(self) -> TrainingPage:
        """The place *Training*."""
        from gui.training.page import TrainingPage

        result = TrainingPage(self._session, self._teaching, self._notices, self)
        result.model_wanted.connect(self.model_wanted)
        self._set_page(Page.TRAINING, result)
        return result

    @property
    def current_page(self) -> Page:
        """The place in sight."""
        return Page(self.currentIndex())

    def show_page(self, place: Page) -> None:
        """Show the page of a place."""
        match place:
            case Page.FOLDERS:
                self.setCurrentWidget(self.folders)
            case Page.MODELS:
                self.setCurrentWidget(self.models)
            case Page.TRAINING:
                self.setCurrentWidget(self.training)
            case Page.PHOTOS:
                self.setCurrentWidget(self.photos)

    def preload(self) -> None:
        """Import and make the others, a page a turn, and the rest once a model is open: the person waits for that."""
        preload.preload(self, _PAGES, lambda: run_when_idle(self, self._make_pages()))
        once = Qt.ConnectionType.SingleShotConnection
        self._session.engine.opened.connect(lambda _: preload.preload(self, _DELAY_MS), once)

    def close_down(self) -> None:
        """End what the pages run beside the window."""
        if "folder_commands" in vars(self):
            self.folders.close_down()

    def _make_pages(self) -> Iterator[QWidget]:
        yield self.folders
        yield self.models
        yield self.training

    def _set_page(self, place: Page, page: QWidget) -> None:
        empty = self._placeholders.pop(place)
        self.insertWidget(place, page)
        self.removeWidget(empty)
        empty.deleteLater()
