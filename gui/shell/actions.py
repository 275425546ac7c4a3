"""All actions in one table, from which the menus, the shortcuts and the command palette are built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from core.base.i18n import mark, tr
from core.base.providers import ProviderPreference
from core.base.settings import Theme
from gui.shell.rail import Page


class ActionId(Enum):
    """The actions of the window."""

    OPEN_FILES = auto()
    OPEN_FOLDER = auto()
    CLASSIFY_FOLDER = auto()
    PASTE = auto()
    TRY_SAMPLES = auto()
    CAMERA = auto()
    QUIT = auto()
    UNDO = auto()
    REDO = auto()
    COPY = auto()
    COPY_PATH = auto()
    OPEN_FILE = auto()
    SHOW_IN_FOLDER = auto()
    SELECT_ALL = auto()
    REMOVE = auto()
    CLEAR = auto()
    CORRECT = auto()
    REMOVE_CORRECTION = auto()
    PREFERENCES = auto()
    STOP = auto()
    SHOW_PHOTOS = auto()
    SHOW_FOLDERS = auto()
    SHOW_MODELS = auto()
    SHOW_TRAINING = auto()
    SHOW_INSPECTOR = auto()
    SHOW_MAP = auto()
    LARGER = auto()
    SMALLER = auto()
    FILL_TILES = auto()
    FILE_NAMES = auto()
    NEXT_PHOTO = auto()
    PREVIOUS_PHOTO = auto()
    FULL_SCREEN = auto()
    SHOW_NOTICES = auto()
    THEME_SYSTEM = auto()
    THEME_LIGHT = auto()
    THEME_DARK = auto()
    ALL_JOBS = auto()
    RESUME_JOB = auto()
    STOP_JOB = auto()
    WATCH_FOLDER = auto()
    AS_TABLE = auto()
    AS_GALLERY = auto()
    SHOW_FILTERS = auto()
    FIND_PHOTOS = auto()
    CLEAR_FILTERS = auto()
    REVIEW = auto()
    NEW_CLASS = auto()
    EXPORT_CSV = auto()
    EXPORT_CSV_BOM = auto()
    EXPORT_JSONL = auto()
    EXPORT_EXCEL = auto()
    EXPORT_PARQUET = auto()
    EXPORT_HTML = auto()
    WRITE_KEYWORDS = auto()
    SORT_INTO_FOLDERS = auto()
    CONTINUE_SORTING = auto()
    UNDO_SORTING = auto()
    NEW_MODEL = auto()
    RETRAIN = auto()
    SHOW_CHANGES = auto()
    UNDO_RETRAINING = auto()
    FORGET = auto()
    CHOOSE_MODEL = auto()
    CLASSIFY_AGAIN = auto()
    CLASSIFY_SELECTED = auto()
    CROP = auto()
    COUNT_OBJECTS = auto()
    COMPARE = auto()
    COMPARE_NETWORKS = auto()
    IMPORT_MODEL = auto()
    STATISTICS = auto()
    EXPORT_MODEL = auto()
    ROLL_BACK = auto()
    REMOVE_MODEL = auto()
    PROVIDER_AUTO = auto()
    PROVIDER_CUDA = auto()
    PROVIDER_OPENVINO = auto()
    PROVIDER_CPU = auto()
    EXACT = auto()
    PALETTE = auto()
    USER_GUIDE = auto()
    SHORTCUTS = auto()
    CONVOLUTIONS = auto()
    REPORT_PROBLEM = auto()
    LICENCES = auto()
    ABOUT = auto()


@dataclass(frozen=True, slots=True)
class _Entry:
    id: ActionId
    text: str
    shortcut: str | QKeySequence.StandardKey = ""
    checkable: bool = False
    synonyms: str = ""
    """Other words by which the command palette finds it."""


@dataclass(frozen=True, slots=True)
class _Submenu:
    text: str
    entries: tuple[_Entry, ...] = ()


_SEPARATOR: Final = None
_FOLDERS: Final = mark("F&olders")
RECENT: Final = _Submenu(mark("Open &recent"))
"""The menu of recent files and folders, which its owner fills."""

_MENUS: Final[Mapping[str, tuple[_Entry | _Submenu | None, ...]]] = {
    mark("&File"): (
        _Entry(ActionId.OPEN_FILES, mark("&Open photos…"), QKeySequence.StandardKey.Open, synonyms=mark("add image")),
        _Entry(ActionId.OPEN_FOLDER, mark("Open &folder…"), "Ctrl+Shift+O", synonyms=mark("add directory")),
        RECENT,
        _Entry(ActionId.CLASSIFY_FOLDER, mark("&Classify folder…"), "Ctrl+Shift+F", synonyms=mark("new job batch")),
        _Entry(ActionId.PASTE, mark("&Paste"), QKeySequence.StandardKey.Paste, synonyms=mark("clipboard")),
        _Entry(ActionId.TRY_SAMPLES, mark("&Try sample photos"), "Ctrl+T", synonyms=mark("example demo")),
        _Entry(ActionId.CAMERA, mark("C&amera…"), "Ctrl+L", synonyms=mark("webcam live video record")),
        _SEPARATOR,
        _Entry(ActionId.OPEN_FILE, mark("Open in another progra&m"), "Ctrl+Return", synonyms=mark("view external")),
        _Entry(ActionId.SHOW_IN_FOLDER, mark("Show in fi&le manager"), "Ctrl+Shift+S", synonyms=mark("explorer")),
        _SEPARATOR,
        _Entry(ActionId.PREFERENCES, mark("P&references…"), "Ctrl+,", synonyms=mark("settings options")),
        _SEPARATOR,
        _Entry(ActionId.QUIT, mark("&Quit"), "Ctrl+Q"),
    ),
    mark("&Edit"): (
        _Entry(ActionId.UNDO, mark("&Undo"), QKeySequence.StandardKey.Undo, synonyms=mark("revert")),
        _Entry(ActionId.REDO, mark("&Redo"), "Ctrl+Shift+Z; Ctrl+Y", synonyms=mark("repeat")),
        _SEPARATOR,
        _Entry(ActionId.CORRECT, mark("Corr&ect…"), "F2", synonyms=mark("label class rename")),
        _Entry(ActionId.REMOVE_CORRECTION, mark("Remo&ve label"), "Shift+F2"),
        _SEPARATOR,
        _Entry(ActionId.COPY, mark("&Copy predictions"), QKeySequence.StandardKey.Copy),
        _Entry(ActionId.COPY_PATH, mark("Copy &path"), "Ctrl+Shift+C", synonyms=mark("file name location")),
        _Entry(ActionId.SELECT_ALL, mark("Select &all photos"), QKeySequence.StandardKey.SelectAll),
        _Entry(ActionId.REMOVE, mark("Remove from l&ist"), QKeySequence.StandardKey.Delete),
        _Entry(ActionId.CLEAR, mark("C&lear list"), "Ctrl+Shift+Del", synonyms=mark("remove all")),
    ),
    mark("&View"): (
        _Entry(ActionId.SHOW_PHOTOS, mark("&Photos"), checkable=True, shortcut="Ctrl+1"),
        _Entry(ActionId.SHOW_FOLDERS, mark("&Folders"), checkable=True, shortcut="Ctrl+2"),
        _Entry(ActionId.SHOW_MODELS, mark("&Models"), checkable=True, shortcut="Ctrl+3"),
        _Entry(ActionId.SHOW_TRAINING, mark("&Training"), checkable=True, shortcut="Ctrl+4"),
        _SEPARATOR,
        _Entry(ActionId.SHOW_INSPECTOR, mark("&Inspector"), "F9", checkable=True),
        _Entry(
            ActionId.SHOW_MAP,
            mark("&Where the model looked"),
            "M; F7",
            checkable=True,
            synonyms=mark("why explain heat map attention class activation"),
        ),
        _Entry(ActionId.LARGER, mark("&Larger photos"), QKeySequence.StandardKey.ZoomIn),
        _Entry(ActionId.SMALLER, mark("&Smaller photos"), QKeySequence.StandardKey.ZoomOut),
        _Entry(ActionId.FILL_TILES, mark("F&ill tiles with photos"), "Ctrl+Shift+U", checkable=True),
        _Entry(ActionId.FILE_NAMES, mark("File &names"), "Ctrl+Shift+N", checkable=True),
        _Entry(ActionId.NEXT_PHOTO, mark("&Next photo"), "Alt+Right"),
        _Entry(ActionId.PREVIOUS_PHOTO, mark("Pre&vious photo"), "Alt+Left"),
        _SEPARATOR,
        _Submenu(
            mark("T&heme"),
            (
                _Entry(ActionId.THEME_SYSTEM, mark("&System"), checkable=True, synonyms=mark("appearance colours")),
                _Entry(ActionId.THEME_LIGHT, mark("&Light"), checkable=True, synonyms=mark("appearance bright")),
                _Entry(ActionId.THEME_DARK, mark("&Dark"), checkable=True, synonyms=mark("appearance night")),
            ),
        ),
        _Entry(ActionId.SHOW_NOTICES, mark("&Recent notices"), "Ctrl+Shift+M", synonyms=mark("messages errors")),
        _Entry(ActionId.FULL_SCREEN, mark("F&ull screen"), QKeySequence.StandardKey.FullScreen, checkable=True),
    ),
    _FOLDERS: (
        _Entry(ActionId.ALL_JOBS, mark("&All folders"), "Ctrl+Shift+J"),
        _Entry(ActionId.RESUME_JOB, mark("&Pause or resume"), "Ctrl+Shift+P"),
        _Entry(ActionId.STOP_JOB, mark("S&top job"), "Ctrl+Shift+."),
        _Entry(ActionId.WATCH_FOLDER, mark("&Watch folder"), "Ctrl+Shift+W", checkable=True),
        _SEPARATOR,
        _Entry(ActionId.AS_TABLE, mark("Results as a ta&ble"), "Ctrl+Shift+T", checkable=True),
        _Entry(ActionId.AS_GALLERY, mark("Results as a &gallery"), "Ctrl+Shift+G", checkable=True),
        _Entry(ActionId.SHOW_FILTERS, mark("&Filters"), "F8", checkable=True),
        _Entry(ActionId.FIND_PHOTOS, mark("F&ind photos by text"), QKeySequence.StandardKey.Find),
        _Entry(ActionId.CLEAR_FILTERS, mark("&Clear filters"), "Ctrl+Shift+L"),
        _Entry(ActionId.REVIEW, mark("&Review"), "F6"),
        _Entry(ActionId.NEW_CLASS, mark("&New class from these…"), "Ctrl+Shift+K", synonyms=mark("teach add unknown")),
        _SEPARATOR,
        _Entry(ActionId.EXPORT_CSV, mark("Export as &CSV…"), "Ctrl+E"),
        _Entry(ActionId.EXPORT_CSV_BOM, mark("Export as CSV for E&xcel (byte-order mark)…"), "Ctrl+Shift+E"),
        _Entry(ActionId.EXPORT_EXCEL, mark("Export as Exc&el workbook…")),
        _Entry(ActionId.EXPORT_JSONL, mark("Export as &JSON lines…")),
        _Entry(ActionId.EXPORT_PARQUET, mark("Export as Par&quet…")),
        _Entry(ActionId.EXPORT_HTML, mark("Export as &HTML report…")),
        _SEPARATOR,
        _Entry(ActionId.WRITE_KEYWORDS, mark("Write &keywords…")),
        _Entry(ActionId.SORT_INTO_FOLDERS, mark("&Sort into folders…")),
        _Entry(ActionId.CONTINUE_SORTING, mark("Resu&me interrupted sorting")),
        _Entry(ActionId.UNDO_SORTING, mark("&Undo last sorting")),
    ),
    mark("&Model"): (
        _Entry(ActionId.CHOOSE_MODEL, mark("&Choose model"), "Ctrl+M"),
        _Entry(ActionId.CLASSIFY_AGAIN, mark("Classify all &again"), "F5", synonyms=mark("refresh repeat")),
        _Entry(ActionId.CLASSIFY_SELECTED, mark("Classify se&lected again"), "Shift+F5", synonyms=mark("refresh")),
        _Entry(ActionId.STOP, mark("&Stop classifying"), "Ctrl+."),
        _SEPARATOR,
        _Entry(ActionId.CROP, mark("Cr&op to subject"), checkable=True, synonyms=mark("detect small animal zoom")),
        _Entry(ActionId.COUNT_OBJECTS, mark("Count ob&jects"), checkable=True, synonyms=mark("detect how many things")),
        _SEPARATOR,
        _Entry(ActionId.COMPARE, mark("Co&mpare…"), "Ctrl+D", synonyms=mark("models versions difference")),
        _Entry(ActionId.STATISTICS, mark("S&tatistics"), "Ctrl+Shift+A", synonyms=mark("layers weights parameters")),
        _Entry(
            ActionId.COMPARE_NETWORKS,
            mark("Compare &networks"),
            synonyms=mark("scatter accuracy size speed benchmark plot"),
        ),
        _Entry(ActionId.IMPORT_MODEL, mark("&Import…"), "Ctrl+I"),
        _Entry(ActionId.EXPORT_MODEL, mark("E&xport…"), "Ctrl+Shift+X"),
        _Entry(ActionId.ROLL_BACK, mark("Roll &back to previous version"), "Ctrl+Shift+B", synonyms=mark("revert")),
        _Entry(ActionId.REMOVE_MODEL, mark("&Remove model…"), "Ctrl+Shift+R"),
        _SEPARATOR,
        _Submenu(
            mark("&Provider"),
            (
                _Entry(ActionId.PROVIDER_AUTO, mark("&Fastest available"), checkable=True, synonyms=mark("automatic")),
                _Entry(ActionId.PROVIDER_CUDA, mark("C&UDA"), checkable=True, synonyms=mark("NVIDIA GPU graphics")),
                _Entry(ActionId.PROVIDER_OPENVINO, mark("&OpenVINO"), checkable=True, synonyms=mark("Intel")),
                _Entry(ActionId.PROVIDER_CPU, mark("C&PU"), checkable=True, synonyms=mark("processor")),
                _Entry(ActionId.EXACT, mark("Full &precision (float32)"), checkable=True, synonyms=mark("exact")),
            ),
        ),
    ),
    mark("&Train"): (
        _Entry(ActionId.NEW_MODEL, mark("&New model…"), QKeySequence.StandardKey.New, synonyms=mark("teach wizard")),
        _SEPARATOR,
        _Entry(ActionId.RETRAIN, mark("&Retrain with corrections"), "Ctrl+R", synonyms=mark("learn teach")),
        _Entry(ActionId.SHOW_CHANGES, mark("Show what &changed"), "Ctrl+Shift+D"),
        _Entry(ActionId.UNDO_RETRAINING, mark("&Undo retraining"), synonyms=mark("revert previous version")),
        _SEPARATOR,
        _Entry(ActionId.FORGET, mark("&Forget photos…"), synonyms=mark("unlearn delete privacy training photo")),
    ),
    mark("&Help"): (
        _Entry(ActionId.PALETTE, mark("&Find an action…"), "Ctrl+K"),
        _Entry(ActionId.USER_GUIDE, mark("&User guide"), "F1", synonyms=mark("help manual")),
        _Entry(ActionId.SHORTCUTS, mark("&Keyboard shortcuts"), "?"),
        _Entry(
            ActionId.CONVOLUTIONS,
            mark("&Why Xception is small"),
            synonyms=mark("separable convolution weights network explain learn"),
        ),
        _Entry(ActionId.REPORT_PROBLEM, mark("&Report a problem…"), synonyms=mark("bug crash diagnostics doctor")),
        _Entry(ActionId.LICENCES, mark("&Licences"), "Ctrl+F1"),
        _Entry(ActionId.ABOUT, mark("&About Fovea"), "Shift+F1"),
    ),
}

PAGES: Final = {
    ActionId.SHOW_PHOTOS: Page.PHOTOS,
    ActionId.SHOW_FOLDERS: Page.FOLDERS,
    ActionId.SHOW_MODELS: Page.MODELS,
    ActionId.SHOW_TRAINING: Page.TRAINING,
}
THEMES: Final = {
    ActionId.THEME_SYSTEM: Theme.SYSTEM,
    ActionId.THEME_LIGHT: Theme.LIGHT,
    ActionId.THEME_DARK: Theme.DARK,
}
PROVIDERS: Final = {
    ActionId.PROVIDER_AUTO: ProviderPreference.AUTO,
    ActionId.PROVIDER_CUDA: ProviderPreference.CUDA,
    ActionId.PROVIDER_OPENVINO: ProviderPreference.OPENVINO,
    ActionId.PROVIDER_CPU: ProviderPreference.CPU,
}

JOB_ACTIONS: Final = frozenset(entry.id for entry in _MENUS[_FOLDERS] if isinstance(entry, _Entry))
"""The actions of the *Folders* page."""
NEEDS_JOB: Final = JOB_ACTIONS - {ActionId.ALL_JOBS}
"""Those of them that concern the job that is open."""

PHOTO_MENU: Final = (
    (ActionId.OPEN_FILE, ActionId.SHOW_IN_FOLDER, ActionId.COPY_PATH, ActionId.COPY),
    (ActionId.CORRECT, ActionId.REMOVE_CORRECTION, ActionId.CLASSIFY_SELECTED),
    (ActionId.REMOVE, ActionId.FORGET),
)
"""What can be done with selected photos, in groups."""
JOB_MENU: Final = (
    (ActionId.RESUME_JOB, ActionId.STOP_JOB, ActionId.WATCH_FOLDER),
    (ActionId.SHOW_IN_FOLDER, ActionId.COPY_PATH),
    (ActionId.REMOVE,),
)
"""What can be done with a job in the list, in groups."""


class Action(QAction):
    """An action that can say why it is disabled.

    Attributes:
        menu_path: the titles of the menus in which it is, such as "Model › Provider".
        synonyms: other words by which the command palette finds it.
        reason: why it is disabled; empty if it is enabled.
    """

    def __init__(self, entry: _Entry, menu: str, owner: QWidget) -> None:
        super().__init__(tr(entry.text), owner)
        keys = entry.shortcut
        self.setShortcuts(QKeySequence.listFromString(keys) if isinstance(keys, str) else [QKeySequence(keys)])
        self.setCheckable(entry.checkable)
        self.menu_path, self.synonyms, self.reason = menu, tr(entry.synonyms) if entry.synonyms else "", ""
        self.set_reason(no_job_text() if entry.id in NEEDS_JOB else "")

    @property
    def plain_text(self) -> str:
        """The text without mnemonics and ellipsis."""
        return self.text().replace("&", "").removesuffix("…")

    def set_reason(self, reason: str) -> None:
        """Disable the action for this reason, or enable it if there is none."""
        if reason != self.reason:
            self.reason = reason
            self.setEnabled(not reason)
            self.setToolTip(reason)
            self.setStatusTip(reason)


Actions = Mapping[ActionId, Action]


@dataclass(frozen=True, slots=True, eq=False)
class Menus:
    """The menus of the window: all actions, and the menu of recent files and folders."""

    actions: Actions
    recent: QMenu


def fill_menus(bar: QMenuBar, owner: QWidget) -> Menus:
    """Create every action and add it to its menu; `Commands` carries them out."""
    actions: dict[ActionId, Action] = {}
    submenus: dict[str, QMenu] = {}
    for title, entries in _MENUS.items():
        menu = _menu(bar, tr(title))
        for entry in entries:
            match entry:
                case None:
                    menu.addSeparator()
                case _Submenu(text, inner):
                    submenus[text] = _menu(menu, tr(text))
                    path = tr("{menu} › {submenu}", menu=_plain(title), submenu=_plain(text))
                    _fill(submenus[text], inner, path, owner, actions)
                case _Entry():
                    _fill(menu, (entry,), _plain(title), owner, actions)
    return Menus(actions, submenus[RECENT.text])


def _menu(parent: QMenuBar | QMenu, title: str) -> QMenu:
    result = parent.addMenu(title)
    result.setToolTipsVisible(True)  # why an action is disabled
    return result


def _fill(menu: QMenu, entries: Sequence[_Entry], path: str, owner: QWidget, actions: dict[ActionId, Action]) -> None:
    for entry in entries:
        actions[entry.id] = Action(entry, path, owner)
        menu.addAction(actions[entry.id])


def _plain(title: str) -> str:
    return tr(title).replace("&", "")


def no_job_text() -> str:
    """Why an action that concerns a job is disabled while there is none."""
    return tr("Open a classified folder first.")


def in_groups(actions: Actions, groups: Iterable[Iterable[ActionId]]) -> Sequence[QAction | None]:
    """Actions for a context menu, with a separator between the groups."""
    return [one for group in groups for one in (*(actions[id_] for id_ in group), None)][:-1]
