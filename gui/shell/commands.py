"""The functions behind the actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QFileDialog, QWidget

from core.base.i18n import tr
from core.base.providers import Precision, ProviderPreference
from core.base.settings import Theme
from core.images.listing import IMAGE_SUFFIXES
from gui.models.compare_controller import CompareController
from gui.photos.empty_state import SAMPLES
from gui.photos.page import PhotosPage
from gui.session.session import Session
from gui.shell.actions import JOB_ACTIONS, ActionId, Actions
from gui.shell.pages import PageStack
from gui.shell.rail import Page
from gui.shell.top_bar import TopBar
from gui.training.wizard_controller import WizardController
from gui.widgets.notices import Notices

if TYPE_CHECKING:
    from gui.folders.browser import FolderBrowser
    from gui.models.page import ModelsPage
    from gui.shell.command_palette import CommandPalette
    from gui.shell.licences_dialog import LicencesDialog

_THEMES: Final = {
    ActionId.THEME_SYSTEM: Theme.SYSTEM,
    ActionId.THEME_LIGHT: Theme.LIGHT,
    ActionId.THEME_DARK: Theme.DARK,
}
_PROVIDERS: Final = {
    ActionId.PROVIDER_AUTO: ProviderPreference.AUTO,
    ActionId.PROVIDER_CUDA: ProviderPreference.CUDA,
    ActionId.PROVIDER_OPENVINO: ProviderPreference.OPENVINO,
    ActionId.PROVIDER_CPU: ProviderPreference.CPU,
}


class Window(Protocol):
    """The parts of the window that actions use; all of them exist before the first action can be triggered."""

    actions_by_id: Actions
    notices: Notices
    pages: PageStack
    top_bar: TopBar
    wizard_controller: WizardController
    compare_controller: CompareController

    @property
    def photos_page(self) -> PhotosPage:
        """The *Photos* page."""

    @property
    def models_page(self) -> ModelsPage:
        """The *Models* page."""

    @property
    def photo_browser(self) -> PhotosPage | FolderBrowser:
        """The page that receives the actions on photos."""

    def show_page(self, page: Page) -> None:
        """Show a page of the rail."""

    def take(self, mime: QMimeData) -> bool:
        """Accept what was pasted."""

    def close(self) -> bool:
        """Close the window."""


class Commands(QObject):
    """Implements the actions on a window and its session."""

    provider_actions: Final = (*_PROVIDERS, ActionId.EXACT)

    def __init__(self, window: Window, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._window, self._session, self._parent = window, session, parent
        self._licences: LicencesDialog | None = None

    def table(self) -> Mapping[ActionId, Callable[[], object]]:
        """The function of each action."""
        window, session = self._window, self._session
        return {
            ActionId.OPEN_FILES: self._open_files,
            ActionId.OPEN_FOLDER: self._open_folder,
            ActionId.PASTE: lambda: window.take(QGuiApplication.clipboard().mimeData()),
            ActionId.TRY_SAMPLES: lambda: session.add(SAMPLES),
            ActionId.QUIT: window.close,
            ActionId.UNDO: lambda: window.photo_browser.undo(),
            ActionId.COPY: lambda: window.photo_browser.copy_answers(),
            ActionId.SELECT_ALL: lambda: window.photo_browser.select_all(),
            ActionId.REMOVE: lambda: window.photo_browser.remove_selected(),
            ActionId.CLEAR: lambda: session.remove(range(session.photos.rowCount())),
            ActionId.CORRECT: lambda: window.photo_browser.correct(),
            ActionId.REMOVE_CORRECTION: lambda: window.photo_browser.remove_correction(),
            ActionId.STOP: session.stop,
            ActionId.SHOW_PHOTOS: lambda: window.show_page(Page.PHOTOS),
            ActionId.SHOW_FOLDERS: lambda: window.show_page(Page.FOLDERS),
            ActionId.SHOW_MODELS: lambda: window.show_page(Page.MODELS),
            ActionId.SHOW_TRAINING: lambda: window.show_page(Page.TRAINING),
            ActionId.SHOW_INSPECTOR: self._show_inspector,
            ActionId.LARGER: lambda: window.photo_browser.resize_photos(1),
            ActionId.SMALLER: lambda: window.photo_browser.resize_photos(-1),
            ActionId.NEXT_PHOTO: lambda: window.photo_browser.step(1),
            ActionId.PREVIOUS_PHOTO: lambda: window.photo_browser.step(-1),
            **{action: partial(self._on_folders, action) for action in (ActionId.CLASSIFY_FOLDER, *JOB_ACTIONS)},
            **{action: partial(session.settings.change, theme=theme) for action, theme in _THEMES.items()},
            ActionId.NEW_MODEL: lambda: window.wizard_controller.open(),
            ActionId.RETRAIN: lambda: window.photos_page.retrain(),
            ActionId.SHOW_CHANGES: lambda: window.photos_page.show_changes(),
            ActionId.UNDO_RETRAINING: lambda: window.photos_page.retraining.undo(),
            ActionId.CHOOSE_MODEL: lambda: window.top_bar.switcher.showPopup(),
            ActionId.CLASSIFY_AGAIN: session.classify_again,
            ActionId.COMPARE: lambda: window.compare_controller.open(),
            ActionId.IMPORT_MODEL: lambda: window.models_page.imports.choose_file(),
            ActionId.EXPORT_MODEL: lambda: self._on_models(window.models_page.export),
            ActionId.ROLL_BACK: lambda: self._on_models(window.models_page.roll_back),
            ActionId.REMOVE_MODEL: lambda: self._on_models(window.models_page.remove_model),
            **{action: partial(session.models.open, provider=provider) for action, provider in _PROVIDERS.items()},
            ActionId.EXACT: self._toggle_exact,
            ActionId.PALETTE: lambda: self.palette.open(),
            ActionId.SHORTCUTS: self._show_shortcuts,
            ActionId.LICENCES: self._show_licences,
            ActionId.ABOUT: self._show_about,
        }

    @cached_property
    def palette(self) -> CommandPalette:
        """The command palette, created on first use."""
        from gui.shell.command_palette import CommandPalette

        return CommandPalette(list(self._window.actions_by_id.values()), self._parent)

    def show_settings(self) -> None:
        """Update the check marks of the actions to the current settings."""
        actions, value = self._window.actions_by_id, self._session.settings.value
        for action, theme in _THEMES.items():
            actions[action].setChecked(theme is value.theme)
        for action, provider in _PROVIDERS.items():
            actions[action].setChecked(provider is value.provider)
        actions[ActionId.EXACT].setChecked(value.precision is Precision.EXACT)
        actions[ActionId.SHOW_INSPECTOR].setChecked(self._window.photo_browser.shows_inspector)

    def _on_folders(self, act: ActionId) -> None:
        """Run an action of the *Folders* page, creating the page if necessary."""
        self._window.pages.folder_commands.run(act)

    def _on_models(self, act: Callable[[], object]) -> None:
        """Show the *Models* page and run an action on its selected model."""
        self._window.show_page(Page.MODELS)
        act()

    def _open_files(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        filters = ";;".join((tr("Photos ({patterns})", patterns=patterns), tr("All files (*)")))
        dialog = QFileDialog(self._parent, tr("Open photos"), str(Path.home()), filters)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        self._choose(dialog)

    def _open_folder(self) -> None:
        dialog = QFileDialog(self._parent, tr("Open folder of photos"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._choose(dialog)

    def _choose(self, dialog: QFileDialog) -> None:
        """Show a file dialog without a nested event loop."""
        dialog.filesSelected.connect(lambda names: self._session.add([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _show_inspector(self) -> None:
        self._window.photo_browser.toggle_inspector()
        self.show_settings()

    def _toggle_exact(self) -> None:
        is_exact = self._session.settings.value.precision is Precision.EXACT
        self._session.models.open(precision=Precision.AUTO if is_exact else Precision.EXACT)

    def _show_shortcuts(self) -> None:
        actions = [action for action in self._window.actions_by_id.values() if not action.shortcut().isEmpty()]
        self._window.notices.show_notice("  ·  ".join(_shortcut_text(action) for action in actions))

    def _show_licences(self) -> None:
        from gui.shell.licences_dialog import LicencesDialog

        self._licences = self._licences or LicencesDialog(self._parent)
        self._licences.show()
        self._licences.raise_()
        self._licences.activateWindow()

    def _show_about(self) -> None:
        import platform
        from importlib import metadata

        version = metadata.version("fovea")
        self._window.notices.show_notice(
            tr(
                "Fovea {version} recognises what is in photos. It runs on this computer only and opens no network "
                "connections. Licence: Apache-2.0. Python {python}, Qt {qt}.",
                version=version,
                python=platform.python_version(),
                qt=metadata.version("PySide6-Essentials"),
            )
        )


def _shortcut_text(action: QAction) -> str:
    shortcut = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    return tr("{action}: {shortcut}", action=action.text().replace("&", "").replace("…", ""), shortcut=shortcut)
