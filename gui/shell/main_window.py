"""The main window: places the pages, routes actions and drops to them, and remembers where it stood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QSettings, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from core.base import paths
from core.base.settings import Settings
from gui.models.compare_controller import Comparing
from gui.photos.page import PhotosPage
from gui.session.session import Session
from gui.shell.actions import Act, fill_menus
from gui.shell.commands import Commands
from gui.shell.drop_router import Taking
from gui.shell.pages import Places
from gui.shell.rail import Place, Rail
from gui.shell.status import StatusBar
from gui.shell.top_bar import TopBar
from gui.training.wizard_controller import Teaching
from gui.widgets import theme
from gui.widgets.drop_window import DropWindow
from gui.widgets.notices import Notices

if TYPE_CHECKING:
    from gui.folders.page import FoldersPage
    from gui.models.page import ModelsPage
    from gui.training.page import TrainingPage

_PLACES = {
    Act.SHOW_PHOTOS: "images",
    Act.SHOW_FOLDERS: "folders",
    Act.SHOW_MODELS: "boxes",
    Act.SHOW_TRAINING: "graduation-cap",
}


class MainWindow(DropWindow):
    """Fovea's window; its session starts after the first paint, so that it is there at once."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Fovea")
        self.resize(1200, 800)
        self.setMinimumSize(720, 480)
        self.session = Session(self)
        theme.apply_colours(_application(), self.session.settings.value.theme)  # before anything looks one up
        self.commands = Commands(self, self.session, self)
        self.actions_by_act = fill_menus(self.menuBar(), self, self.commands.table())
        act = self.actions_by_act
        self.notices = Notices(self)
        self.teaching = Teaching(self.session, self.notices, self)
        self.comparing = Comparing(self.session, self.notices, self)
        self.pages = Places(self.session, self.notices, self.teaching, act, self)
        self.rail = Rail([(act[show], icon) for show, icon in _PLACES.items()], self)
        self.top_bar = TopBar(self.session, [act[choice] for choice in self.commands.provider_acts], self)
        self.status = StatusBar(self.session, self)
        self.taking = Taking(self.session, self.notices, self.pages, self.teaching, self)
        self._place_pages()
        self._is_started = False
        self._connect()
        self._on_settings(self.session.settings.value)
        self.photos_page.empty.setFocus()

    def _place_pages(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.top_bar, self.notices, self.pages):
            column.addWidget(widget)
        column.setStretchFactor(self.pages, 1)
        body = QWidget()
        body.setObjectName("page")
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addWidget(middle, 1)
        self.setCentralWidget(body)
        self.setStatusBar(self.status)

    def _connect(self) -> None:
        self.session.noticed.connect(self.notices.tell)
        self.session.removed.connect(self._on_removed)
        self.session.photos_added.connect(self._on_photos_added)
        self.session.settings.changed.connect(self._on_settings)
        self.session.settings.changed.connect(self.commands.show_settings)
        self.session.models_changed.connect(self.commands.show_settings)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_colour_scheme)
        self.teaching.went_on.connect(self.status.show_training)
        self.status.training_wanted.connect(self.teaching.open)
        self.photos_page.teach_wanted.connect(self.teaching.open_with)
        self.status.folders_wanted.connect(lambda: self.show_place(Place.FOLDERS))
        self.pages.folders_went_on.connect(self.status.show_folders)
        self.pages.state_changed.connect(self.show_state)
        self.pages.wanted.connect(self.show_place)
        self.pages.compare_wanted.connect(self.comparing.open)
        self.pages.model_wanted.connect(self.show_model)
        self.pages.currentChanged.connect(self._show_standing)
        self.commands.show_settings()

    @property
    def photos_page(self) -> PhotosPage:
        """The place *Photos*."""
        return self.pages.photos

    @property
    def folders_page(self) -> FoldersPage:
        """The place *Folders*; like the others made when it is first wanted."""
        return self.pages.folders

    @property
    def models_page(self) -> ModelsPage:
        """The place *Models*."""
        return self.pages.models

    @property
    def training_page(self) -> TrainingPage:
        """The place *Training*."""
        return self.pages.training

    @property
    def browsing(self) -> PhotosPage | FoldersPage:
        """The place whose photos the actions on photos act on."""
        return self.folders_page if self.pages.place is Place.FOLDERS else self.photos_page

    def show_place(self, place: Place) -> None:
        """Go to a place of the rail."""
        self.pages.show_place(place)
        self.rail.show_place(place)

    def show_model(self, name: str) -> None:
        """Go to the models and mark this one."""
        self.show_place(Place.MODELS)
        self.models_page.mark(name)

    def take(self, mime: QMimeData) -> bool:
        return self.taking.take(mime)

    def restore_place(self) -> None:
        """Stand where the window stood last."""
        geometry = self._memory().value("geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._is_started:
            self._is_started = True
            QTimer.singleShot(0, self, self._start)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.teaching.may_close():
            event.ignore()
            return
        self._memory().setValue("geometry", self.saveGeometry())
        self.teaching.close()
        self.comparing.close()
        self.pages.close_down()
        self.session.close()
        super().closeEvent(event)

    def _memory(self) -> QSettings:
        return QSettings(str(paths.window_file()), QSettings.Format.IniFormat)

    def _start(self) -> None:
        self.session.start()
        self.pages.make_ahead()

    def show_state(self) -> None:
        """Show what can be done now, and what is in sight."""
        self.commands.show_settings()
        self._show_standing()

    def _show_standing(self) -> None:
        self.status.show_standing(self.folders_page.standing if self.pages.place is Place.FOLDERS else "")

    def _on_photos_added(self, row: int) -> None:
        self.show_place(Place.PHOTOS)
        self.photos_page.look_at(row)

    def _on_removed(self, count: int) -> None:
        photos = "1 photo was" if count == 1 else f"{count:,} photos were"
        self.notices.tell(
            f"{photos} taken out of the list. The files are untouched.", offer=("Undo", self.session.undo)
        )

    def _on_colour_scheme(self) -> None:
        self._on_settings(self.session.settings.value)

    def _on_settings(self, settings: Settings) -> None:
        theme.apply(_application(), settings.theme)


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application
