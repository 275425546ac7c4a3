"""The pages of the rail's places, each made when it is first wanted, or ahead of that once the window is painted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from gui.photos.page import PhotosPage
from gui.session.session import Session
from gui.shell.actions import Act, Actions
from gui.shell.rail import Place
from gui.tasks import preload
from gui.tasks.idle_steps import in_turns
from gui.training.wizard_controller import Teaching
from gui.widgets.notices import Notices

if TYPE_CHECKING:
    from gui.folders.page import FoldersPage
    from gui.models.page import ModelsPage
    from gui.shell.folder_commands import FolderCommands
    from gui.training.page import TrainingPage

_PAGES: Final = ("gui.shell.folder_commands", "gui.models.page", "gui.training.page")
_REST: Final = (
    "gui.shell.command_palette",
    "gui.training.wizard.window",
    "gui.models.compare",
    "gui.photos.changes_window",
    "gui.shell.licences_dialog",
    "statistics",
)
"""Whatever else the window may need, but for the plots, which take half a second and much memory."""


class Places(QStackedWidget):
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
    wanted = Signal(Place)
    compare_wanted = Signal(str)
    model_wanted = Signal(str)

    def __init__(
        self, session: Session, notices: Notices, teaching: Teaching, actions: Actions, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session, self._notices, self._teaching, self._actions = session, notices, teaching, actions
        shown = [actions[act] for act in (Act.OPEN_FILES, Act.OPEN_FOLDER, Act.PASTE)]
        self.photos = PhotosPage(session, shown, self)
        self.addWidget(self.photos)
        self._empty: dict[Place, QWidget] = {place: QWidget() for place in Place if place is not Place.PHOTOS}
        for widget in self._empty.values():
            self.addWidget(widget)

    @cached_property
    def folder_commands(self) -> FolderCommands:
        """What the actions do in the place *Folders*."""
        from gui.folders.page import FoldersPage
        from gui.shell.folder_commands import FolderCommands

        page = FoldersPage(self._session, self._notices, self._actions[Act.CLASSIFY_FOLDER], self)
        page.went_on.connect(self.folders_went_on)
        page.state_changed.connect(self.state_changed)
        page.wanted.connect(lambda: self.wanted.emit(Place.FOLDERS))
        made = FolderCommands(page, self._actions)
        self._put(Place.FOLDERS, page)
        return made

    @property
    def folders(self) -> FoldersPage:
        """The place *Folders*."""
        return self.folder_commands.page

    @cached_property
    def models(self) -> ModelsPage:
        """The place *Models*."""
        from gui.models.page import ModelsPage

        made = ModelsPage(self._session, self._notices, self)
        made.compare_wanted.connect(self.compare_wanted)
        made.shown.connect(lambda: self.wanted.emit(Place.MODELS))
        self._put(Place.MODELS, made)
        return made

    @cached_property
    def training(self) -> TrainingPage:
        """The place *Training*."""
        from gui.training.page import TrainingPage

        made = TrainingPage(self._session, self._teaching, self._notices, self)
        made.model_wanted.connect(self.model_wanted)
        self._put(Place.TRAINING, made)
        return made

    @property
    def place(self) -> Place:
        """The place in sight."""
        return Place(self.currentIndex())

    def show_place(self, place: Place) -> None:
        """Show the page of a place."""
        match place:
            case Place.FOLDERS:
                self.setCurrentWidget(self.folders)
            case Place.MODELS:
                self.setCurrentWidget(self.models)
            case Place.TRAINING:
                self.setCurrentWidget(self.training)
            case Place.PHOTOS:
                self.setCurrentWidget(self.photos)

    def make_ahead(self) -> None:
        """Import and make the others, a page a turn, and the rest once a model is open: the person waits for that."""
        preload.bring(self, _PAGES, lambda: in_turns(self, self._make_pages()))
        once = Qt.ConnectionType.SingleShotConnection
        self._session.engine.opened.connect(lambda _: preload.bring(self, _REST), once)

    def close_down(self) -> None:
        """End what the pages run beside the window."""
        if "folder_commands" in vars(self):
            self.folders.close_down()

    def _make_pages(self) -> Iterator[QWidget]:
        yield self.folders
        yield self.models
        yield self.training

    def _put(self, place: Place, page: QWidget) -> None:
        empty = self._empty.pop(place)
        self.insertWidget(place, page)
        self.removeWidget(empty)
        empty.deleteLater()
