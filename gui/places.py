"""The pages of the rail's places, each made when it is first wanted, or ahead of that once the window is painted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QWidget

from gui import ahead
from gui.actions import Act
from gui.photos_page import PhotosPage
from gui.rail import Place
from gui.turns import in_turns

if TYPE_CHECKING:
    from gui.folders.commands import FolderCommands
    from gui.folders.page import FoldersPage
    from gui.main_window import MainWindow
    from gui.models_page import ModelsPage
    from gui.training_page import TrainingPage

_PAGES: Final = ("gui.folders.commands", "gui.models_page", "gui.training_page")
_REST: Final = (
    *("gui.command_palette", "gui.wizard.window", "gui.library.compare", "gui.changes_window", "gui.licences_dialog"),
    "statistics",
)
"""Whatever else the window may need, but for the plots, which take half a second and much memory."""


class Places(QStackedWidget):
    """The pages, *Photos* from the start; an empty widget holds the place of each of the others until it is made."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, act = window, window.actions_by_act
        self.photos = PhotosPage(window.session, [act[Act.OPEN_FILES], act[Act.OPEN_FOLDER], act[Act.PASTE]], self)
        self.addWidget(self.photos)
        self._empty: dict[Place, QWidget] = {place: QWidget() for place in Place if place is not Place.PHOTOS}
        for widget in self._empty.values():
            self.addWidget(widget)

    @cached_property
    def folder_commands(self) -> FolderCommands:
        """What the actions do in the place *Folders*."""
        from gui.folders.commands import FolderCommands
        from gui.folders.page import FoldersPage

        window, act = self._window, self._window.actions_by_act
        page = FoldersPage(window.session, window.notices, act[Act.CLASSIFY_FOLDER], self)
        page.went_on.connect(window.status.show_folders)
        page.state_changed.connect(window.show_state)
        page.wanted.connect(lambda: window.show_place(Place.FOLDERS))
        made = FolderCommands(page, act)
        self._put(Place.FOLDERS, page)
        return made

    @property
    def folders(self) -> FoldersPage:
        """The place *Folders*."""
        return self.folder_commands.page

    @cached_property
    def models(self) -> ModelsPage:
        """The place *Models*."""
        from gui.models_page import ModelsPage

        window = self._window
        made = ModelsPage(window.session, window.notices, self)
        made.compare_wanted.connect(window.comparing.open)
        made.shown.connect(lambda: window.show_place(Place.MODELS))
        self._put(Place.MODELS, made)
        return made

    @cached_property
    def training(self) -> TrainingPage:
        """The place *Training*."""
        from gui.training_page import TrainingPage

        window = self._window
        made = TrainingPage(window.session, window.teaching, window.notices, self)
        made.model_wanted.connect(window.show_model)
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
        ahead.bring(self, _PAGES, lambda: in_turns(self, self._make_pages()))
        once = Qt.ConnectionType.SingleShotConnection
        self._window.session.engine.opened.connect(lambda _: ahead.bring(self, _REST), once)

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
