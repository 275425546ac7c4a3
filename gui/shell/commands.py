"""The functions behind the actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget

from core.base.i18n import tr
from core.base.providers import Precision
from core.images.listing import IMAGE_SUFFIXES
from gui.photos.empty_state import SAMPLES
from gui.session.session import Session
from gui.shell.actions import JOB_ACTIONS, PAGES, PROVIDERS, THEMES, ActionId, Actions
from gui.shell.pages import PageStack
from gui.shell.rail import Page
from gui.widgets.files import ask_for_files, ask_for_folder, open_file, show_in_folder
from gui.widgets.notices import Notices
from gui.widgets.second_window import bring_to_front

if TYPE_CHECKING:
    from gui.models.page import ModelsPage
    from gui.shell.command_palette import CommandPalette
    from gui.shell.licences_dialog import LicencesDialog
    from gui.shell.preferences import PreferencesDialog
    from gui.shell.report_window import ReportWindow


MODEL_BUTTONS: Final[Mapping[ActionId, Callable[[ModelsPage], QPushButton]]] = {
    ActionId.STATISTICS: lambda page: page.buttons.statistics,
    ActionId.EXPORT_MODEL: lambda page: page.buttons.export,
    ActionId.ROLL_BACK: lambda page: page.versions.back,
    ActionId.REMOVE_MODEL: lambda page: page.buttons.remove,
}
_MAX_OPENED: Final = 10
"""How many files are opened in another program at once."""


class Commands(QObject):
    """Carries out the actions on the pages and the session."""

    def __init__(
        self,
        session: Session,
        notices: Notices,
        pages: PageStack,
        actions: Actions,
        own: Mapping[ActionId, Callable[[], object]],
        parent: QWidget,
    ) -> None:
        """`own` are the functions of the actions that only the window can carry out."""
        super().__init__(parent)
        self._session, self._notices, self._pages, self._actions = session, notices, pages, actions
        self._parent = parent
        self.report: ReportWindow | None = None
        table = {**self._table(), **own}
        for id_, action in actions.items():
            _connect(action, table[id_])

    def _table(self) -> Mapping[ActionId, Callable[[], object]]:
        photos = self._pages.photos
        return {
            **self._selection_table(),
            **self._view_table(),
            **self._model_table(),
            **{action: partial(self._on_folders, action) for action in (ActionId.CLASSIFY_FOLDER, *JOB_ACTIONS)},
            ActionId.ALL_JOBS: self._show_jobs,
            ActionId.OPEN_FILES: self._open_files,
            ActionId.OPEN_FOLDER: self._open_folder,
            ActionId.TRY_SAMPLES: lambda: self._session.photo_list.add(SAMPLES),
            ActionId.RETRAIN: photos.retraining.start,
            ActionId.SHOW_CHANGES: photos.show_changes,
            ActionId.UNDO_RETRAINING: photos.retraining.undo,
            ActionId.PALETTE: lambda: self.palette.open(),
            ActionId.PREFERENCES: lambda: bring_to_front(self.preferences),
            ActionId.REPORT_PROBLEM: self._report_problem,
            ActionId.LICENCES: lambda: bring_to_front(self.licences),
            ActionId.ABOUT: self._show_about,
        }

    def _selection_table(self) -> Mapping[ActionId, Callable[[], object]]:
        """What concerns the photos that are selected, on the page that is shown."""
        pages, session = self._pages, self._session
        return {
            ActionId.OPEN_FILE: self._open_selected,
            ActionId.SHOW_IN_FOLDER: self._show_selected,
            ActionId.COPY_PATH: self._copy_paths,
            ActionId.UNDO: lambda: pages.photo_browser.undo_stack.undo(),
            ActionId.REDO: lambda: pages.photo_browser.undo_stack.redo(),
            ActionId.COPY: lambda: pages.photo_browser.copy_answers(),
            ActionId.SELECT_ALL: lambda: pages.photo_browser.select_all(),
            ActionId.REMOVE: lambda: pages.photo_browser.remove_selected(),
            ActionId.CLEAR: session.photo_list.clear,
            ActionId.CORRECT: lambda: pages.photo_browser.correct(),
            ActionId.REMOVE_CORRECTION: lambda: pages.photo_browser.remove_correction(),
            ActionId.FORGET: lambda: session.forgetting.ask(pages.photo_browser.selected_paths()),
            ActionId.CLASSIFY_AGAIN: session.photo_list.classify_again,
            ActionId.CLASSIFY_SELECTED: pages.photos.browser.classify_selected,
            ActionId.STOP: session.engine.forget_all,
        }

    def _view_table(self) -> Mapping[ActionId, Callable[[], object]]:
        pages, settings = self._pages, self._session.settings
        return {
            **{action: partial(pages.show_page, page) for action, page in PAGES.items()},
            **{action: partial(settings.change, theme=theme) for action, theme in THEMES.items()},
            ActionId.SHOW_INSPECTOR: self._show_inspector,
            ActionId.SHOW_MAP: self._show_map,
            ActionId.FULL_SCREEN: self._toggle_full_screen,
            ActionId.LARGER: lambda: pages.photo_browser.resize_photos(1),
            ActionId.SMALLER: lambda: pages.photo_browser.resize_photos(-1),
            ActionId.FILL_TILES: partial(self._toggle, settings.change, "fill_tiles"),
            ActionId.FILE_NAMES: partial(self._toggle, settings.change, "file_names"),
            ActionId.NEXT_PHOTO: lambda: pages.photo_browser.step(1),
            ActionId.PREVIOUS_PHOTO: lambda: pages.photo_browser.step(-1),
        }

    def _model_table(self) -> Mapping[ActionId, Callable[[], object]]:
        models = self._session.models
        return {
            **{action: partial(models.open, provider=provider) for action, provider in PROVIDERS.items()},
            ActionId.EXACT: self._toggle_exact,
            ActionId.CROP: partial(self._toggle, models.open, "crop"),
            ActionId.COUNT_OBJECTS: partial(self._toggle, models.open, "count_objects"),
            ActionId.IMPORT_MODEL: lambda: self._pages.models.imports.choose_file(),
            **{action: partial(self._press_on_models, button) for action, button in MODEL_BUTTONS.items()},
        }

    @cached_property
    def palette(self) -> CommandPalette:
        """The command palette, created on first use."""
        from gui.shell.command_palette import CommandPalette
        from gui.shell.palette_entries import PaletteEntries

        entries = PaletteEntries(self._session, self._pages, self._actions)
        return CommandPalette(entries.all, self._parent)

    def show_settings(self) -> None:
        """Update the check marks of the actions to the current settings."""
        actions, value = self._actions, self._session.settings.value
        for action, theme in THEMES.items():
            actions[action].setChecked(theme is value.theme)
        for action, provider in PROVIDERS.items():
            actions[action].setChecked(provider is value.provider)
        actions[ActionId.FILL_TILES].setChecked(value.fill_tiles)
        actions[ActionId.FILE_NAMES].setChecked(value.file_names)
        actions[ActionId.EXACT].setChecked(value.precision is Precision.EXACT)
        actions[ActionId.CROP].setChecked(value.crop)
        actions[ActionId.COUNT_OBJECTS].setChecked(value.count_objects)
        actions[ActionId.SHOW_MAP].setChecked(self._session.explaining.is_on)
        actions[ActionId.SHOW_INSPECTOR].setChecked(self._pages.photo_browser.shows_inspector)

    def _on_folders(self, act: ActionId) -> None:
        """Run an action of the *Folders* page, creating the page if necessary."""
        self._pages.folder_commands.run(act)

    def _show_jobs(self) -> None:
        self._pages.show_page(Page.FOLDERS)
        self._on_folders(ActionId.ALL_JOBS)

    def _press_on_models(self, button: Callable[[ModelsPage], QPushButton]) -> None:
        """Show the *Models* page and press the button for its selected model."""
        self._pages.show_page(Page.MODELS)
        button(self._pages.models).click()

    def _open_files(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        kinds = tr("Photos ({patterns})", patterns=patterns), tr("All files (*)")
        ask_for_files(self._parent, tr("Open photos"), kinds, self._session.photo_list.add)

    def _open_folder(self) -> None:
        ask_for_folder(self._parent, tr("Open folder of photos"), lambda folder: self._session.photo_list.add([folder]))

    def _open_selected(self) -> None:
        for path in self._pages.photo_browser.selected_paths()[:_MAX_OPENED]:
            open_file(path)

    def _show_selected(self) -> None:
        paths = self._pages.photo_browser.selected_paths()
        is_job = self._pages.current_page is Page.FOLDERS and self._pages.folders.listed_job is not None
        if paths:
            (open_file if is_job else show_in_folder)(paths[0])

    def _copy_paths(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(str(path) for path in self._pages.photo_browser.selected_paths()))

    def _toggle_full_screen(self) -> None:
        window = self._parent.window()
        window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _show_inspector(self) -> None:
        self._pages.photo_browser.toggle_inspector()
        self.show_settings()

    def _show_map(self) -> None:
        self._session.explaining.toggle()
        self.show_settings()

    def _toggle(self, change: Callable[..., None], setting: str) -> None:
        change(**{setting: not getattr(self._session.settings.value, setting)})

    def _toggle_exact(self) -> None:
        is_exact = self._session.settings.value.precision is Precision.EXACT
        self._session.models.open(precision=Precision.AUTO if is_exact else Precision.EXACT)

    @cached_property
    def licences(self) -> LicencesDialog:
        """The licences, created on first use."""
        from gui.shell.licences_dialog import LicencesDialog

        return LicencesDialog(self._parent)

    @cached_property
    def preferences(self) -> PreferencesDialog:
        """The preferences, created on first use."""
        from gui.shell.preferences import PreferencesDialog

        return PreferencesDialog(self._session, self._actions, self._parent)

    def _report_problem(self) -> None:
        from gui.shell.problem_report import open_report

        self.report = open_report(self._session.library.tasks, self._parent)

    def _show_about(self) -> None:
        import platform
        from importlib import metadata

        version = metadata.version("fovea")
        self._notices.show_notice(
            tr(
                "Fovea {version} recognises what is in photos. It runs on this computer only and opens no network "
                "connections. Licence: Apache-2.0. Python {python}, Qt {qt}.",
                version=version,
                python=platform.python_version(),
                qt=metadata.version("PySide6-Essentials"),
            )
        )


def _connect(action: QAction, handler: Callable[[], object]) -> None:
    action.triggered.connect(lambda: handler())
