"""All actions in one table, from which the menus, the shortcuts and the command palette are built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenuBar, QWidget

from core.base.i18n import mark, tr


class ActionId(Enum):
    """The actions of the window."""

    OPEN_FILES = auto()
    OPEN_FOLDER = auto()
    CLASSIFY_FOLDER = auto()
    PASTE = auto()
    TRY_SAMPLES = auto()
    QUIT = auto()
    UNDO = auto()
    COPY = auto()
    SELECT_ALL = auto()
    REMOVE = auto()
    CLEAR = auto()
    CORRECT = auto()
    REMOVE_CORRECTION = auto()
    STOP = auto()
    SHOW_PHOTOS = auto()
    SHOW_FOLDERS = auto()
    SHOW_MODELS = auto()
    SHOW_TRAINING = auto()
    SHOW_INSPECTOR = auto()
    LARGER = auto()
    SMALLER = auto()
    FILL_TILES = auto()
    FILE_NAMES = auto()
    NEXT_PHOTO = auto()
    PREVIOUS_PHOTO = auto()
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
    CHOOSE_MODEL = auto()
    CLASSIFY_AGAIN = auto()
    COMPARE = auto()
    IMPORT_MODEL = auto()
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
    LICENCES = auto()
    ABOUT = auto()


@dataclass(frozen=True, slots=True)
class _Entry:
    id: ActionId
    text: str
    shortcut: str | QKeySequence.StandardKey = ""
    checkable: bool = False


_SEPARATOR: Final = None
_FOLDERS: Final = mark("F&olders")

_MENUS: Final[Mapping[str, tuple[_Entry | None, ...]]] = {
    mark("&File"): (
        _Entry(ActionId.OPEN_FILES, mark("&Open photos…"), QKeySequence.StandardKey.Open),
        _Entry(ActionId.OPEN_FOLDER, mark("Open &folder…"), "Ctrl+Shift+O"),
        _Entry(ActionId.CLASSIFY_FOLDER, mark("&Classify folder…"), "Ctrl+Shift+F"),
        _Entry(ActionId.PASTE, mark("&Paste"), QKeySequence.StandardKey.Paste),
        _Entry(ActionId.TRY_SAMPLES, mark("&Try sample photos"), "Ctrl+T"),
        _SEPARATOR,
        _Entry(ActionId.QUIT, mark("&Quit"), "Ctrl+Q"),
    ),
    mark("&Edit"): (
        _Entry(ActionId.UNDO, mark("&Undo"), QKeySequence.StandardKey.Undo),
        _SEPARATOR,
        _Entry(ActionId.CORRECT, mark("Corr&ect…"), "F2"),
        _Entry(ActionId.REMOVE_CORRECTION, mark("Remo&ve label"), "Shift+F2"),
        _SEPARATOR,
        _Entry(ActionId.COPY, mark("&Copy predictions"), QKeySequence.StandardKey.Copy),
        _Entry(ActionId.SELECT_ALL, mark("Select &all photos"), QKeySequence.StandardKey.SelectAll),
        _Entry(ActionId.REMOVE, mark("&Remove from list"), QKeySequence.StandardKey.Delete),
        _Entry(ActionId.CLEAR, mark("C&lear list"), "Ctrl+Shift+Del"),
    ),
    mark("&View"): (
        _Entry(ActionId.SHOW_PHOTOS, mark("&Photos"), "Ctrl+1"),
        _Entry(ActionId.SHOW_FOLDERS, mark("&Folders"), "Ctrl+2"),
        _Entry(ActionId.SHOW_MODELS, mark("&Models"), "Ctrl+3"),
        _Entry(ActionId.SHOW_TRAINING, mark("&Training"), "Ctrl+4"),
        _SEPARATOR,
        _Entry(ActionId.SHOW_INSPECTOR, mark("&Inspector"), "F9", checkable=True),
        _Entry(ActionId.LARGER, mark("&Larger photos"), QKeySequence.StandardKey.ZoomIn),
        _Entry(ActionId.SMALLER, mark("&Smaller photos"), QKeySequence.StandardKey.ZoomOut),
        _Entry(ActionId.FILL_TILES, mark("F&ill tiles with photos"), "Ctrl+Shift+U", checkable=True),
        _Entry(ActionId.FILE_NAMES, mark("File &names"), "Ctrl+Shift+N", checkable=True),
        _Entry(ActionId.NEXT_PHOTO, mark("&Next photo"), "Alt+Right"),
        _Entry(ActionId.PREVIOUS_PHOTO, mark("Pre&vious photo"), "Alt+Left"),
        _SEPARATOR,
        _Entry(ActionId.THEME_SYSTEM, mark("Use s&ystem theme"), "Ctrl+Shift+1", checkable=True),
        _Entry(ActionId.THEME_LIGHT, mark("Li&ght theme"), "Ctrl+Shift+2", checkable=True),
        _Entry(ActionId.THEME_DARK, mark("&Dark theme"), "Ctrl+Shift+3", checkable=True),
    ),
    _FOLDERS: (
        _Entry(ActionId.ALL_JOBS, mark("&All folders"), "Ctrl+Shift+J"),
        _Entry(ActionId.RESUME_JOB, mark("&Pause or resume"), "Ctrl+Shift+P"),
        _Entry(ActionId.STOP_JOB, mark("S&top job"), "Ctrl+Shift+."),
        _Entry(ActionId.WATCH_FOLDER, mark("&Watch folder"), "Ctrl+Alt+W", checkable=True),
        _SEPARATOR,
        _Entry(ActionId.AS_TABLE, mark("Results as a ta&ble"), "Ctrl+Shift+T", checkable=True),
        _Entry(ActionId.AS_GALLERY, mark("Results as a &gallery"), "Ctrl+Shift+G", checkable=True),
        _Entry(ActionId.SHOW_FILTERS, mark("&Filters"), "F8", checkable=True),
        _Entry(ActionId.FIND_PHOTOS, mark("F&ind photos by text"), QKeySequence.StandardKey.Find),
        _Entry(ActionId.CLEAR_FILTERS, mark("&Clear filters"), "Ctrl+Shift+L"),
        _Entry(ActionId.REVIEW, mark("&Review, least confident first"), "F6"),
        _SEPARATOR,
        _Entry(ActionId.EXPORT_CSV, mark("Export as &CSV…"), "Ctrl+E"),
        _Entry(ActionId.EXPORT_CSV_BOM, mark("Export as CSV for E&xcel (byte-order mark)…"), "Ctrl+Shift+E"),
        _Entry(ActionId.EXPORT_EXCEL, mark("Export as Exc&el workbook…"), "Ctrl+Alt+X"),
        _Entry(ActionId.EXPORT_JSONL, mark("Export as &JSON lines…"), "Ctrl+Alt+J"),
        _Entry(ActionId.EXPORT_PARQUET, mark("Export as Par&quet…"), "Ctrl+Alt+P"),
        _Entry(ActionId.EXPORT_HTML, mark("Export as &HTML report…"), "Ctrl+Alt+H"),
        _SEPARATOR,
        _Entry(ActionId.WRITE_KEYWORDS, mark("Write &keywords…"), "Ctrl+Alt+K"),
        _Entry(ActionId.SORT_INTO_FOLDERS, mark("&Sort into folders…"), "Ctrl+Alt+S"),
        _Entry(ActionId.CONTINUE_SORTING, mark("Resu&me interrupted sorting"), "Ctrl+Alt+G"),
        _Entry(ActionId.UNDO_SORTING, mark("&Undo last sorting"), "Ctrl+Alt+Z"),
    ),
    mark("&Model"): (
        _Entry(ActionId.CHOOSE_MODEL, mark("&Choose model"), "Ctrl+M"),
        _Entry(ActionId.CLASSIFY_AGAIN, mark("Classify &again"), "F5"),
        _Entry(ActionId.STOP, mark("&Stop classifying"), "Ctrl+."),
        _SEPARATOR,
        _Entry(ActionId.COMPARE, mark("Co&mpare…"), "Ctrl+D"),
        _Entry(ActionId.IMPORT_MODEL, mark("&Import…"), "Ctrl+I"),
        _Entry(ActionId.EXPORT_MODEL, mark("E&xport…"), "Ctrl+Shift+X"),
        _Entry(ActionId.ROLL_BACK, mark("Roll &back to previous version"), "Ctrl+Shift+B"),
        _Entry(ActionId.REMOVE_MODEL, mark("&Remove model…"), "Ctrl+Shift+R"),
        _SEPARATOR,
        _Entry(ActionId.PROVIDER_AUTO, mark("Provider: automatic (&fastest)"), "Ctrl+Alt+1", checkable=True),
        _Entry(ActionId.PROVIDER_CUDA, mark("Provider: C&UDA"), "Ctrl+Alt+2", checkable=True),
        _Entry(ActionId.PROVIDER_OPENVINO, mark("Provider: &OpenVINO"), "Ctrl+Alt+3", checkable=True),
        _Entry(ActionId.PROVIDER_CPU, mark("Provider: C&PU"), "Ctrl+Alt+4", checkable=True),
        _Entry(ActionId.EXACT, mark("&Exact precision (float32)"), "Ctrl+Alt+E", checkable=True),
    ),
    mark("&Train"): (
        _Entry(ActionId.NEW_MODEL, mark("&New model…"), QKeySequence.StandardKey.New),
        _SEPARATOR,
        _Entry(ActionId.RETRAIN, mark("&Retrain with corrections"), "Ctrl+R"),
        _Entry(ActionId.SHOW_CHANGES, mark("Show what &changed"), "Ctrl+Shift+D"),
        _Entry(ActionId.UNDO_RETRAINING, mark("&Undo retraining"), "Ctrl+Alt+R"),
    ),
    mark("&Help"): (
        _Entry(ActionId.PALETTE, mark("&Find an action…"), "Ctrl+K"),
        _Entry(ActionId.USER_GUIDE, mark("&User guide"), "F1"),
        _Entry(ActionId.SHORTCUTS, mark("&Keyboard shortcuts"), "?"),
        _Entry(ActionId.LICENCES, mark("&Licences"), "Ctrl+F1"),
        _Entry(ActionId.ABOUT, mark("&About Fovea"), "Shift+F1"),
    ),
}

JOB_ACTIONS: Final = frozenset(entry.id for entry in _MENUS[_FOLDERS] if entry)
"""Actions that are enabled only while a job is open."""

Actions = Mapping[ActionId, QAction]


def fill_menus(bar: QMenuBar, owner: QWidget) -> Actions:
    """Create every action and add it to its menu; `Commands` carries them out."""
    actions: dict[ActionId, QAction] = {}
    for title, entries in _MENUS.items():
        menu = bar.addMenu(tr(title))
        for entry in entries:
            if entry is None:
                menu.addSeparator()
                continue
            actions[entry.id] = _make(entry, owner)
            menu.addAction(actions[entry.id])
    return actions


def _make(entry: _Entry, owner: QWidget) -> QAction:
    action = QAction(tr(entry.text), owner)
    action.setShortcut(QKeySequence(entry.shortcut))
    action.setCheckable(entry.checkable)
    action.setEnabled(entry.id not in JOB_ACTIONS)
    return action
