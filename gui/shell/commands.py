"""What each action does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QFileDialog, QWidget

from core.base.providers import Precision, ProviderWish
from core.base.settings import Theme
from core.images.listing import IMAGE_SUFFIXES
from gui.models.compare_controller import Comparing
from gui.photos.empty_state import SAMPLES
from gui.photos.page import PhotosPage
from gui.session.session import Session
from gui.shell.actions import ON_A_JOB, Act, Actions
from gui.shell.pages import Places
from gui.shell.rail import Place
from gui.shell.top_bar import TopBar
from gui.training.wizard_controller import Teaching
from gui.widgets.notices import Notices

if TYPE_CHECKING:
    from gui.folders.page import FoldersPage
    from gui.models.page import ModelsPage
    from gui.shell.command_palette import CommandPalette
    from gui.shell.licences_dialog import LicencesDialog

_THEMES: Final = {
    Act.THEME_SYSTEM: Theme.SYSTEM,
    Act.THEME_LIGHT: Theme.LIGHT,
    Act.THEME_DARK: Theme.DARK,
}
_PROVIDERS: Final = {
    Act.PROVIDER_AUTO: ProviderWish.AUTO,
    Act.PROVIDER_CUDA: ProviderWish.CUDA,
    Act.PROVIDER_OPENVINO: ProviderWish.OPENVINO,
    Act.PROVIDER_CPU: ProviderWish.CPU,
}


class Window(Protocol):
    """What actions act on; all of it is there once the first of them can be carried out."""

    actions_by_act: Actions
    notices: Notices
    pages: Places
    top_bar: TopBar
    teaching: Teaching
    comparing: Comparing

    @property
    def photos_page(self) -> PhotosPage:
        """The place *Photos*."""

    @property
    def models_page(self) -> ModelsPage:
        """The place *Models*."""

    @property
    def browsing(self) -> PhotosPage | FoldersPage:
        """The place whose photos the actions on photos act on."""

    def show_place(self, place: Place) -> None:
        """Go to a place of the rail."""

    def take(self, mime: QMimeData) -> bool:
        """Take what was pasted."""

    def close(self) -> bool:
        """Close the window."""


class Commands(QObject):
    """Carries out actions on a window and its session."""

    provider_acts: Final = (*_PROVIDERS, Act.EXACT)

    def __init__(self, window: Window, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._window, self._session, self._parent = window, session, parent
        self._licences: LicencesDialog | None = None

    def table(self) -> Mapping[Act, Callable[[], object]]:
        """What each action does."""
        window, session = self._window, self._session
        return {
            Act.OPEN_FILES: self._open_files,
            Act.OPEN_FOLDER: self._open_folder,
            Act.PASTE: lambda: window.take(QGuiApplication.clipboard().mimeData()),
            Act.TRY_SAMPLES: lambda: session.add(SAMPLES),
            Act.QUIT: window.close,
            Act.UNDO: lambda: window.browsing.undo(),
            Act.COPY: lambda: window.browsing.copy_answers(),
            Act.SELECT_ALL: lambda: window.browsing.select_all(),
            Act.REMOVE: lambda: window.browsing.remove_selected(),
            Act.CLEAR: lambda: session.remove(range(session.photos.rowCount())),
            Act.CORRECT: lambda: window.browsing.correct(),
            Act.TAKE_BACK: lambda: window.browsing.take_back(),
            Act.STOP: session.stop,
            Act.SHOW_PHOTOS: lambda: window.show_place(Place.PHOTOS),
            Act.SHOW_FOLDERS: lambda: window.show_place(Place.FOLDERS),
            Act.SHOW_MODELS: lambda: window.show_place(Place.MODELS),
            Act.SHOW_TRAINING: lambda: window.show_place(Place.TRAINING),
            Act.SHOW_INSPECTOR: self._show_inspector,
            Act.LARGER: lambda: window.browsing.resize_photos(1),
            Act.SMALLER: lambda: window.browsing.resize_photos(-1),
            Act.NEXT_PHOTO: lambda: window.browsing.step(1),
            Act.PREVIOUS_PHOTO: lambda: window.browsing.step(-1),
            **{act: partial(self._on_folders, act) for act in (Act.CLASSIFY_FOLDER, *ON_A_JOB)},
            **{act: partial(session.settings.change, theme=theme) for act, theme in _THEMES.items()},
            Act.NEW_MODEL: lambda: window.teaching.open(),
            Act.RETRAIN: lambda: window.photos_page.retrain(),
            Act.SHOW_CHANGES: lambda: window.photos_page.show_changes(),
            Act.UNDO_RETRAINING: lambda: window.photos_page.retraining.undo(),
            Act.CHOOSE_MODEL: lambda: window.top_bar.switcher.showPopup(),
            Act.CLASSIFY_AGAIN: session.classify_again,
            Act.COMPARE: lambda: window.comparing.open(),
            Act.IMPORT_MODEL: lambda: window.models_page.imports.ask(),
            Act.EXPORT_MODEL: lambda: self._on_models(window.models_page.export),
            Act.ROLL_BACK: lambda: self._on_models(window.models_page.roll_back),
            Act.REMOVE_MODEL: lambda: self._on_models(window.models_page.remove_model),
            **{act: partial(session.open_model, provider=wish) for act, wish in _PROVIDERS.items()},
            Act.EXACT: self._toggle_exact,
            Act.PALETTE: lambda: self.palette.open(),
            Act.SHORTCUTS: self._tell_shortcuts,
            Act.LICENCES: self._show_licences,
            Act.ABOUT: self._tell_about,
        }

    @cached_property
    def palette(self) -> CommandPalette:
        """Every action, found by typing."""
        from gui.shell.command_palette import CommandPalette

        return CommandPalette(list(self._window.actions_by_act.values()), self._parent)

    def show_settings(self) -> None:
        """Check what is chosen, and dim what cannot be done now."""
        actions, value = self._window.actions_by_act, self._session.settings.value
        for act, theme in _THEMES.items():
            actions[act].setChecked(theme is value.theme)
        for act, wish in _PROVIDERS.items():
            actions[act].setChecked(wish is value.provider)
        actions[Act.EXACT].setChecked(value.precision is Precision.EXACT)
        actions[Act.SHOW_INSPECTOR].setChecked(self._window.browsing.shows_inspector)

    def _on_folders(self, act: Act) -> None:
        """Do something in the place *Folders*, which is made for it where it was not yet."""
        self._window.pages.folder_commands.do(act)

    def _on_models(self, act: Callable[[], object]) -> None:
        """Do something with the model that is marked among the models; show which one that is."""
        self._window.show_place(Place.MODELS)
        act()

    def _open_files(self) -> None:
        suffixes = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        dialog = QFileDialog(self._parent, "Open photos", str(Path.home()), f"Photos ({suffixes});;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        self._choose(dialog)

    def _open_folder(self) -> None:
        dialog = QFileDialog(self._parent, "Open a folder of photos", str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._choose(dialog)

    def _choose(self, dialog: QFileDialog) -> None:
        """Show a file dialog beside the window's own event loop, never inside a loop of its own."""
        dialog.filesSelected.connect(lambda names: self._session.add([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _show_inspector(self) -> None:
        self._window.browsing.toggle_inspector()
        self.show_settings()

    def _toggle_exact(self) -> None:
        is_exact = self._session.settings.value.precision is Precision.EXACT
        self._session.open_model(precision=Precision.AUTO if is_exact else Precision.EXACT)

    def _tell_shortcuts(self) -> None:
        named = [action for action in self._window.actions_by_act.values() if not action.shortcut().isEmpty()]
        native = QKeySequence.SequenceFormat.NativeText
        self._window.notices.tell(
            "  ·  ".join(
                f"{action.text().replace('&', '').replace('…', '')}: {action.shortcut().toString(native)}"
                for action in named
            )
        )

    def _show_licences(self) -> None:
        from gui.shell.licences_dialog import LicencesDialog

        self._licences = self._licences or LicencesDialog(self._parent)
        self._licences.show()
        self._licences.raise_()
        self._licences.activateWindow()

    def _tell_about(self) -> None:
        import platform
        from importlib import metadata

        version = metadata.version("fovea")
        self._window.notices.tell(
            f"Fovea {version} tells what is in a photo, on this computer only: it opens no network connection. "
            f"Apache-2.0. Python {platform.python_version()}, Qt {metadata.version('PySide6-Essentials')}."
        )
