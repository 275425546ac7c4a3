"""The pages of the window, each created on first use or in the background after the first paint."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from gui.camera.support import missing_reason
from gui.photos.page import PhotosPage
from gui.plots import warm
from gui.session.session import Session
from gui.shell.actions import ActionId, Actions
from gui.shell.rail import Page
from gui.tasks import preload
from gui.tasks.idle_steps import run_when_idle
from gui.training.wizard_controller import WizardController
from gui.widgets.lazy import Lazy
from gui.widgets.notices import Notices

if TYPE_CHECKING:
    from core.models.values import InstalledModel
    from gui.camera.controller import CameraController
    from gui.folders.browser import FolderBrowser
    from gui.folders.page import FoldersPage
    from gui.models.compare import CompareWindow
    from gui.models.evaluation_window import EvaluationWindow
    from gui.models.networks_window import NetworksWindow
    from gui.models.page import ModelsPage
    from gui.photos.browser import PhotosBrowser
    from gui.shell.folder_commands import FolderCommands
    from gui.training.page import TrainingPage

_PAGES: Final = ("gui.shell.folder_commands", "gui.models.page", "gui.training.page")
_LATER: Final = (
    "gui.shell.command_palette",
    "gui.training.wizard.window",
    "gui.models.compare",
    "gui.models.evaluation_view",
    "gui.photos.changes_window",
    "gui.camera.controller",
    "gui.shell.licences_dialog",
    "gui.convolutions.window",
    "gui.shell.preferences",
    "statistics",
)
"""The other modules the window may need, except the plots, which take half a second and much memory."""
_PAUSE_MS: Final = 20
"""The time between the creation of two pages, in which events that came meanwhile are handled."""


class PageStack(QStackedWidget):
    """The stack of pages: *Photos*, and each other page once it is created.

    Attributes:
        folders_status_changed: the progress of the running jobs as one line; empty when none is running.
        state_changed: the set of enabled actions changed.
    """

    folders_status_changed = Signal(str)
    state_changed = Signal()

    def __init__(
        self, session: Session, notices: Notices, wizard: WizardController, actions: Actions, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session, self._notices, self._wizard, self._actions = session, notices, wizard, actions
        camera = () if missing_reason() else (ActionId.CAMERA,)
        offered = (ActionId.OPEN_FILES, ActionId.OPEN_FOLDER, ActionId.PASTE, *camera)
        invitations = [actions[id_] for id_ in offered]
        self._places: list[Page] = []
        self._models, self._folders = Lazy(self._make_models), Lazy(self._make_folders)
        self.photos = PhotosPage(session, invitations, self)
        self._add(self.photos, Page.PHOTOS)

    @property
    def folder_commands(self) -> FolderCommands:
        """The actions of the *Folders* page, which is created with them."""
        return self._folders.get()

    @property
    def made_folders(self) -> FoldersPage | None:
        """The *Folders* page; None until it is created."""
        return None if self._folders.made is None else self._folders.made.page

    def _make_folders(self) -> FolderCommands:
        from gui.folders.page import FoldersPage
        from gui.shell.class_teaching import ClassTeaching
        from gui.shell.folder_commands import FolderCommands

        page = FoldersPage(self._session, self._notices, self._actions[ActionId.CLASSIFY_FOLDER], self)
        page.state_changed.connect(self.state_changed)
        page.reviewer.undo_stack.indexChanged.connect(self.state_changed)
        page.stack.results_created.connect(lambda it: it.selection.current_changed.connect(self.state_changed))
        page.wanted.connect(lambda: self.show_page(Page.FOLDERS))
        self._session.closing.connect(page.tasks.close)
        self._session.closing.connect(page.reviewer.undo_stack.clear)  # else it signals while it is deleted
        teaching = ClassTeaching(self._session, self.photos, page, self._wizard)
        teaching.photos_wanted.connect(lambda: self.show_page(Page.PHOTOS))
        commands = FolderCommands(page, self._notices, self._actions)
        commands.jobs.status_changed.connect(self.folders_status_changed)
        self._add(page, Page.FOLDERS)
        return commands

    @property
    def folders(self) -> FoldersPage:
        """The *Folders* page."""
        return self.folder_commands.page

    @cached_property
    def evaluations(self) -> EvaluationWindow:
        """Shows the evaluations of versions."""
        from gui.models.evaluation_window import EvaluationWindow

        return EvaluationWindow(self._session, self)

    def _show_evaluation(self, model: InstalledModel) -> None:
        self.evaluations.open(model)

    @cached_property
    def comparison(self) -> CompareWindow:
        """Compares two models."""
        from gui.models.compare import CompareWindow

        return CompareWindow(self._session, self)

    @cached_property
    def networks(self) -> NetworksWindow:
        """Compares networks by accuracy and cost; its module draws plots, see `gui.plots`."""
        from gui.models.networks_window import NetworksWindow

        result = NetworksWindow(self._session.library.tasks, self)
        result.plot.noticed.connect(self._session.noticed)
        self._session.library.changed.connect(result.refresh)
        self._session.closing.connect(result.close)
        return result

    def open_networks(self) -> None:
        """Compare networks, once plots can be drawn."""
        warm(self, lambda: self.networks.open())

    @cached_property
    def camera(self) -> CameraController:
        """The camera."""
        from gui.camera.controller import CameraController

        return CameraController(self._session, self._wizard.open, self)

    @property
    def models(self) -> ModelsPage:
        """The *Models* page."""
        return self._models.get()

    @property
    def made_models(self) -> ModelsPage | None:
        """The *Models* page; None until it is created."""
        return self._models.made

    def _make_models(self) -> ModelsPage:
        from gui.models.page import ModelsPage

        result = ModelsPage(self._session, self._notices, self._show_evaluation, self)
        result.choices.currentItemChanged.connect(self.state_changed)
        self._session.library.listed.connect(self.state_changed)
        result.compare_wanted.connect(lambda reference: self.comparison.open(reference))
        result.networks_wanted.connect(self.open_networks)
        result.shown.connect(lambda: self.show_page(Page.MODELS))
        self._add(result, Page.MODELS)
        return result

    @cached_property
    def training(self) -> TrainingPage:
        """The *Training* page."""
        from gui.training.page import TrainingPage

        result = TrainingPage(self._session, self._wizard, self._notices, self._show_evaluation, self)
        result.model_wanted.connect(self._show_model)
        self._add(result, Page.TRAINING)
        return result

    @property
    def current_page(self) -> Page:
        """The visible page."""
        return self._places[self.currentIndex()]

    @property
    def photo_browser(self) -> PhotosBrowser | FolderBrowser:
        """What receives the actions on photos."""
        return self.folder_commands.browser if self.current_page is Page.FOLDERS else self.photos.browser

    def show_page(self, page: Page) -> None:
        """Show a page."""
        match page:
            case Page.FOLDERS:
                self.setCurrentWidget(self.folders)
            case Page.MODELS:
                self.setCurrentWidget(self.models)
            case Page.TRAINING:
                self.setCurrentWidget(self.training)
            case Page.PHOTOS:
                self.setCurrentWidget(self.photos)

    def _show_model(self, name: str, number: int) -> None:
        self.show_page(Page.MODELS)
        self.models.show_version(name, number)

    def preload(self) -> None:
        """Create the other pages, one per turn of the event loop; the rest, with the wizard, once a model is open."""
        preload.preload(self, _PAGES, lambda: run_when_idle(self, self._make_pages(), _PAUSE_MS))
        once = Qt.ConnectionType.SingleShotConnection
        self._session.models.opened.connect(lambda _: preload.preload(self, _LATER, self._wizard.prepare), once)

    def _make_pages(self) -> Iterator[QWidget]:
        yield self.folders
        yield self.models
        yield self.training

    def _add(self, widget: QWidget, place: Page) -> None:
        self._places.append(place)
        self.addWidget(widget)
