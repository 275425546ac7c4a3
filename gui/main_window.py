"""The main window: places the pages, routes actions and drops to them, and remembers where it stood."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QSettings, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from core import paths
from core.settings import Settings
from gui import theme
from gui.actions import Act, fill_menus
from gui.command_palette import CommandPalette
from gui.commands import Commands
from gui.comparing import Comparing
from gui.drop import Nothing, Offer, read_offer
from gui.drop_window import DropWindow
from gui.folders.commands import FolderCommands
from gui.folders.page import FoldersPage
from gui.library.files import MODEL_SUFFIX
from gui.models_page import ModelsPage
from gui.notices import Notices
from gui.photos_page import PhotosPage
from gui.rail import Place, Rail
from gui.session import Session
from gui.status import StatusBar
from gui.teaching import Teaching
from gui.top_bar import TopBar
from gui.training_page import TrainingPage

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
        commands = Commands(self, self.session)
        self.actions_by_act = fill_menus(self.menuBar(), self, commands.table())
        act = self.actions_by_act
        self.notices = Notices(self)
        self.photos_page = PhotosPage(self.session, [act[Act.OPEN_FILES], act[Act.OPEN_FOLDER], act[Act.PASTE]], self)
        self.folders_page = FoldersPage(self.session, self.notices, act[Act.CLASSIFY_FOLDER], self)
        self.models_page = ModelsPage(self.session, self.notices, self)
        self.pages = QStackedWidget(self)
        self.rail = Rail([(act[show], icon) for show, icon in _PLACES.items()], self)
        self.top_bar = TopBar(self.session, [act[choice] for choice in commands.provider_acts], self)
        self.status = StatusBar(self.session, self)
        self.teaching = Teaching(self.session, self.notices, self)
        self.training_page = TrainingPage(self.session, self.teaching, self.notices, self)
        self.comparing = Comparing(self.session, self.notices, self)
        self._place_pages()
        self.palette_box = CommandPalette(list(act.values()), self)
        self._is_started = False
        self._connect(commands)
        self.photos_page.empty.setFocus()

    def _place_pages(self) -> None:
        for page in (self.photos_page, self.folders_page, self.models_page, self.training_page):
            self.pages.addWidget(page)
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

    def _connect(self, commands: Commands) -> None:
        self.session.noticed.connect(self.notices.tell)
        self.session.removed.connect(self._on_removed)
        self.session.photos_added.connect(lambda _: self.show_place(Place.PHOTOS))
        self.session.settings.changed.connect(self._on_settings)
        self.session.settings.changed.connect(commands.show_settings)
        self.session.models_changed.connect(commands.show_settings)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_colour_scheme)
        self.teaching.went_on.connect(self.status.show_training)
        self.status.training_wanted.connect(self.teaching.open)
        self.photos_page.teach_wanted.connect(self.teaching.open_with)
        self.models_page.compare_wanted.connect(self.comparing.open)
        self.models_page.shown.connect(lambda: self.show_place(Place.MODELS))
        self.training_page.model_wanted.connect(self.show_model)
        FolderCommands(self.folders_page, self.actions_by_act)
        self.folders_page.went_on.connect(self.status.show_folders)
        self.folders_page.state_changed.connect(commands.show_settings)
        for changed in (self.folders_page.state_changed, self.pages.currentChanged):
            changed.connect(self._show_standing)
        for wanted in (self.folders_page.wanted, self.status.folders_wanted):
            wanted.connect(lambda: self.show_place(Place.FOLDERS))
        commands.show_settings()

    @property
    def browsing(self) -> PhotosPage | FoldersPage:
        """The place whose photos the actions on photos act on."""
        return self.folders_page if self.pages.currentWidget() is self.folders_page else self.photos_page

    def show_place(self, place: Place) -> None:
        """Go to a place of the rail."""
        self.pages.setCurrentIndex(place)
        self.rail.show_place(place)

    def show_model(self, name: str) -> None:
        """Go to the models and mark this one."""
        self.show_place(Place.MODELS)
        self.models_page.mark(name)

    def take(self, mime: QMimeData) -> bool:
        """Take what was dropped or pasted; what cannot be taken is refused in a notice."""
        offer = read_offer(mime)
        match offer:
            case Nothing():
                self.notices.tell(offer.value)
                return False
            case Offer(paths=(file,)) if file.suffix.lower() == MODEL_SUFFIX:
                self.models_page.imports.take(file)
            case Offer(paths=files) if files:
                self._take_files(files)
            case Offer(image=image) if image is not None:
                self.session.add_image(image)
        return True

    def _take_files(self, files: Sequence[Path]) -> None:
        """A folder dropped on *Folders* becomes a job there; everything else becomes photos."""
        if self.browsing is self.folders_page:
            self.folders_page.dropped.take(files, self.session.add)
            return
        self.session.add(files)
        self.teaching.offer(files)
        self.folders_page.dropped.offer(files)

    def restore_place(self) -> None:
        """Stand where the window stood last."""
        geometry = self._memory().value("geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._is_started:
            self._is_started = True
            QTimer.singleShot(0, self, self.session.start)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.teaching.may_close():
            event.ignore()
            return
        self._memory().setValue("geometry", self.saveGeometry())
        self.teaching.close()
        self.comparing.close()
        self.folders_page.close_down()
        self.session.close()
        super().closeEvent(event)

    def _memory(self) -> QSettings:
        return QSettings(str(paths.window_file()), QSettings.Format.IniFormat)

    def _show_standing(self) -> None:
        self.status.show_standing(self.folders_page.standing if self.browsing is self.folders_page else "")

    def _on_removed(self, count: int) -> None:
        photos = "1 photo was" if count == 1 else f"{count:,} photos were"
        self.notices.tell(
            f"{photos} taken out of the list. The files are untouched.", offer=("Undo", self.session.undo)
        )

    def _on_colour_scheme(self) -> None:
        self._on_settings(self.session.settings.value)

    def _on_settings(self, settings: Settings) -> None:
        application = QApplication.instance()
        if isinstance(application, QApplication):
            theme.apply(application, settings.theme)
        for part in (self.rail, self.top_bar, self.photos_page.empty, self.folders_page):
            part.show_theme()
