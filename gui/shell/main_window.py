"""The main window: lays out the pages, routes actions and drops to them, and remembers its geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from core.base.i18n import tr, tr_n
from core.base.settings import Settings
from gui.photos.page import PhotosPage
from gui.session.session import Session
from gui.shell.actions import PAGES, PHOTO_MENU, PROVIDERS, ActionId, fill_menus, in_groups
from gui.shell.availability import Availability
from gui.shell.commands import Commands
from gui.shell.drop_router import DropRouter
from gui.shell.pages import PageStack
from gui.shell.rail import Page, Rail
from gui.shell.recent import RecentMenu
from gui.shell.status import StatusBar
from gui.shell.top_bar import TopBar
from gui.training.wizard_controller import WizardController
from gui.widgets import theme
from gui.widgets.context_menu import attach_menu
from gui.widgets.drop_target import DropTarget
from gui.widgets.focus_ring import FocusRings
from gui.widgets.layouts import fill, hbox, vbox
from gui.widgets.notices import Notices
from gui.widgets.second_window import bring_to_front, room_on, window_settings
from gui.widgets.tile_look import TILE_LOOK

if TYPE_CHECKING:
    from gui.shell.help import Help


class MainWindow(QMainWindow):
    """The main window; its session starts after the first paint, so that the window appears immediately."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Fovea")
        self.resize(1200, 800)
        self.setMinimumSize(720, 480)
        self.session = Session(self)
        theme.apply_colours(_application(), self.session.settings.value.theme)  # before any widget looks up a colour
        menus = fill_menus(self.menuBar(), self)
        id_ = self.actions_by_id = menus.actions
        self.notices = Notices(self)
        self.wizard_controller = WizardController(self.session, self.notices, self)
        self.pages = PageStack(self.session, self.notices, self.wizard_controller, id_, self)
        self.rail = Rail([id_[show] for show in PAGES], self)
        self.top_bar = TopBar(self.session.models, [id_[choice] for choice in (*PROVIDERS, ActionId.EXACT)], self)
        self.status = StatusBar(self.session, self.notices, self)
        self._router = DropRouter(self.session, self.notices, self.pages, self.wizard_controller, self)
        self.take = self._router.take
        self.overlay = DropTarget(self, self._router.describe, self.take).overlay
        self.commands = Commands(self.session, self.notices, self.pages, id_, self._own_commands(), self)
        self.recent = RecentMenu(menus.recent, self.session.photo_list.add)
        self.availability = Availability(self.session, self.pages, id_)
        attach_menu(self.photos_page.gallery, lambda: in_groups(id_, PHOTO_MENU))
        self._lay_out()
        FocusRings(_application(), self)
        self._is_started = False
        self._connect()
        self._on_settings(self.session.settings.value)
        self.photos_page.empty.setFocus()

    def _own_commands(self) -> Mapping[ActionId, Callable[[], object]]:
        return {
            ActionId.PASTE: lambda: self.take(QGuiApplication.clipboard().mimeData()),
            ActionId.CAMERA: lambda: self.pages.camera.open(),
            ActionId.QUIT: self.close,
            ActionId.NEW_MODEL: self.wizard_controller.open,
            ActionId.COMPARE: lambda: self.pages.comparison.open(),
            ActionId.COMPARE_NETWORKS: self.pages.open_networks,
            ActionId.SHOW_NOTICES: self.status.bell.open,
            ActionId.USER_GUIDE: lambda: bring_to_front(self.help.guide),
            ActionId.SHORTCUTS: lambda: bring_to_front(self.help.shortcuts),
            ActionId.CONVOLUTIONS: lambda: self.help.convolutions.bring_up(),
            ActionId.CHOOSE_MODEL: self.top_bar.switcher.showPopup,
        }

    def _lay_out(self) -> None:
        middle, body = QWidget(), QWidget()
        vbox(self.top_bar, fill(self.pages), self.notices, parent=middle, spacing=0)
        self.overlay.area = self.pages
        body.setObjectName("page")
        hbox(self.rail, fill(middle), parent=body, spacing=0)
        self.setCentralWidget(body)
        self.setStatusBar(self.status)

    def _connect(self) -> None:
        self.session.noticed.connect(self.notices.show_one)
        self.session.models.resolved.connect(self.notices.remove)
        self.session.photo_list.removed.connect(self._on_removed)
        self.session.photo_list.requested.connect(self.recent.remember)
        self.session.photo_list.added.connect(self._on_photos_added)
        self.session.settings.changed.connect(self._on_settings)
        self.session.settings.changed.connect(self.commands.show_settings)
        self.session.models.changed.connect(self.commands.show_settings)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_colour_scheme)
        self.wizard_controller.status_changed.connect(self.status.show_training)
        self.wizard_controller.close_wanted.connect(self.close)
        self.status.training_wanted.connect(self.wizard_controller.open)
        self.photos_page.training_wanted.connect(self.wizard_controller.open_with)
        self.photos_page.new_model_wanted.connect(lambda: self.wizard_controller.open())
        self.status.folders_wanted.connect(lambda: self.pages.show_page(Page.FOLDERS))
        self.pages.folders_status_changed.connect(self.status.show_folders)
        self.pages.state_changed.connect(self._show_state)
        self.pages.currentChanged.connect(self._on_page)
        self.commands.show_settings()

    @cached_property
    def help(self) -> Help:
        """The guide and the list of shortcuts."""
        from gui.shell.help import Help

        return Help(self)

    @property
    def photos_page(self) -> PhotosPage:
        """The *Photos* page."""
        return self.pages.photos

    def restore_geometry(self) -> None:
        """Restore the position and size of the last session, and fit the window to the screen, which may be another."""
        geometry = window_settings().value("geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)
        if not self.isMaximized() and not self.isFullScreen():
            self.resize(self.size().boundedTo(room_on(self.screen())))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._is_started:
            self._is_started = True
            QTimer.singleShot(0, self, self._start)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.wizard_controller.can_close():
            event.ignore()
            return
        window_settings().setValue("geometry", self.saveGeometry())
        self.wizard_controller.close()
        self.session.close()
        super().closeEvent(event)

    def _start(self) -> None:
        self.session.start()
        self.pages.preload()

    def _on_page(self) -> None:
        self.rail.show_page(self.pages.current_page)
        self._show_summary()

    def _show_state(self) -> None:
        self.commands.show_settings()
        self._show_summary()

    def _show_summary(self) -> None:
        match self.pages.current_page:
            case Page.PHOTOS:
                self.status.show_summary(None)
            case Page.FOLDERS:
                self.status.show_summary(self.pages.folders.summary)
            case _:
                self.status.show_summary("")

    def _on_photos_added(self, row: int) -> None:
        self.pages.show_page(Page.PHOTOS)
        self.photos_page.select_row(row)

    def _on_removed(self, count: int) -> None:
        text = tr_n(
            "Removed {count:,} photo from the list. The file was not deleted.",
            "Removed {count:,} photos from the list. The files were not deleted.",
            count,
        )
        self.notices.show_success(text, action=(tr("Undo"), self.session.photo_list.undo_stack.undo))

    def _on_colour_scheme(self) -> None:
        self._on_settings(self.session.settings.value)

    def _on_settings(self, settings: Settings) -> None:
        theme.apply(_application(), settings.theme)
        TILE_LOOK.show(fills=settings.fill_tiles, has_names=settings.file_names)


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application
