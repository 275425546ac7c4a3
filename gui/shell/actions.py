"""Every action in one table: menus, shortcuts and the command palette are made from it and cannot drift apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenuBar, QWidget


class ActionId(Enum):
    """What a person can do."""

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
    SHORTCUTS = auto()
    LICENCES = auto()
    ABOUT = auto()


JOB_ACTIONS: Final = (
    *(
        ActionId.ALL_JOBS,
        ActionId.RESUME_JOB,
        ActionId.STOP_JOB,
        ActionId.WATCH_FOLDER,
        ActionId.AS_TABLE,
        ActionId.AS_GALLERY,
        ActionId.SHOW_FILTERS,
    ),
    *(
        ActionId.FIND_PHOTOS,
        ActionId.CLEAR_FILTERS,
        ActionId.REVIEW,
        ActionId.EXPORT_CSV,
        ActionId.EXPORT_CSV_BOM,
        ActionId.EXPORT_JSONL,
    ),
    *(
        ActionId.EXPORT_EXCEL,
        ActionId.EXPORT_PARQUET,
        ActionId.EXPORT_HTML,
        ActionId.WRITE_KEYWORDS,
        ActionId.SORT_INTO_FOLDERS,
    ),
    *(ActionId.CONTINUE_SORTING, ActionId.UNDO_SORTING),
)
"""What can be done only while a job is in sight."""


@dataclass(frozen=True, slots=True)
class _Entry:
    id: ActionId
    text: str
    shortcut: str | QKeySequence.StandardKey = ""
    checkable: bool = False


_SEPARATOR: Final = None

_MENUS: Final[Mapping[str, tuple[_Entry | None, ...]]] = {
    "&File": (
        _Entry(ActionId.OPEN_FILES, "&Open photos…", QKeySequence.StandardKey.Open),
        _Entry(ActionId.OPEN_FOLDER, "Open &folder…", "Ctrl+Shift+O"),
        _Entry(ActionId.CLASSIFY_FOLDER, "&Classify folder…", "Ctrl+Shift+F"),
        _Entry(ActionId.PASTE, "&Paste", QKeySequence.StandardKey.Paste),
        _Entry(ActionId.TRY_SAMPLES, "&Try the sample photos", "Ctrl+T"),
        _SEPARATOR,
        _Entry(ActionId.QUIT, "&Quit", "Ctrl+Q"),
    ),
    "&Edit": (
        _Entry(ActionId.UNDO, "&Undo", QKeySequence.StandardKey.Undo),
        _SEPARATOR,
        _Entry(ActionId.CORRECT, "Corr&ect…", "F2"),
        _Entry(ActionId.REMOVE_CORRECTION, "&Take the correction back", "Shift+F2"),
        _SEPARATOR,
        _Entry(ActionId.COPY, "&Copy answers", QKeySequence.StandardKey.Copy),
        _Entry(ActionId.SELECT_ALL, "Select &all photos", QKeySequence.StandardKey.SelectAll),
        _Entry(ActionId.REMOVE, "&Remove from the list", QKeySequence.StandardKey.Delete),
        _Entry(ActionId.CLEAR, "C&lear the list", "Ctrl+Shift+Del"),
    ),
    "&View": (
        _Entry(ActionId.SHOW_PHOTOS, "&Photos", "Ctrl+1"),
        _Entry(ActionId.SHOW_FOLDERS, "&Folders", "Ctrl+2"),
        _Entry(ActionId.SHOW_MODELS, "&Models", "Ctrl+3"),
        _Entry(ActionId.SHOW_TRAINING, "&Training", "Ctrl+4"),
        _SEPARATOR,
        _Entry(ActionId.SHOW_INSPECTOR, "&Inspector", "F9", checkable=True),
        _Entry(ActionId.LARGER, "&Larger photos", QKeySequence.StandardKey.ZoomIn),
        _Entry(ActionId.SMALLER, "&Smaller photos", QKeySequence.StandardKey.ZoomOut),
        _Entry(ActionId.NEXT_PHOTO, "&Next photo", "Alt+Right"),
        _Entry(ActionId.PREVIOUS_PHOTO, "Pre&vious photo", "Alt+Left"),
        _SEPARATOR,
        _Entry(ActionId.THEME_SYSTEM, "Colours of the s&ystem", "Ctrl+Shift+1", checkable=True),
        _Entry(ActionId.THEME_LIGHT, "Li&ght colours", "Ctrl+Shift+2", checkable=True),
        _Entry(ActionId.THEME_DARK, "&Dark colours", "Ctrl+Shift+3", checkable=True),
    ),
    "F&olders": (
        _Entry(ActionId.ALL_JOBS, "&All folders", "Ctrl+Shift+J"),
        _Entry(ActionId.RESUME_JOB, "&Pause or go on", "Ctrl+Shift+P"),
        _Entry(ActionId.STOP_JOB, "S&top this job", "Ctrl+Shift+."),
        _Entry(ActionId.WATCH_FOLDER, "&Watch this folder", "Ctrl+Alt+W", checkable=True),
        _SEPARATOR,
        _Entry(ActionId.AS_TABLE, "Results as a ta&ble", "Ctrl+Shift+T", checkable=True),
        _Entry(ActionId.AS_GALLERY, "Results as a &gallery", "Ctrl+Shift+G", checkable=True),
        _Entry(ActionId.SHOW_FILTERS, "&Filters", "F8", checkable=True),
        _Entry(ActionId.FIND_PHOTOS, "F&ind photos by text", QKeySequence.StandardKey.Find),
        _Entry(ActionId.CLEAR_FILTERS, "&Clear the filters", "Ctrl+Shift+L"),
        _Entry(ActionId.REVIEW, "&Review, least sure first", "F6"),
        _SEPARATOR,
        _Entry(ActionId.EXPORT_CSV, "Export as &CSV…", "Ctrl+E"),
        _Entry(ActionId.EXPORT_CSV_BOM, "Export as CSV for E&xcel (byte-order mark)…", "Ctrl+Shift+E"),
        _Entry(ActionId.EXPORT_EXCEL, "Export as Exc&el workbook…", "Ctrl+Alt+X"),
        _Entry(ActionId.EXPORT_JSONL, "Export as &JSON lines…", "Ctrl+Alt+J"),
        _Entry(ActionId.EXPORT_PARQUET, "Export as Par&quet…", "Ctrl+Alt+P"),
        _Entry(ActionId.EXPORT_HTML, "Export as &HTML report…", "Ctrl+Alt+H"),
        _SEPARATOR,
        _Entry(ActionId.WRITE_KEYWORDS, "Write &keywords…", "Ctrl+Alt+K"),
        _Entry(ActionId.SORT_INTO_FOLDERS, "&Sort into folders…", "Ctrl+Alt+S"),
        _Entry(ActionId.CONTINUE_SORTING, "&Go on with the interrupted sorting", "Ctrl+Alt+G"),
        _Entry(ActionId.UNDO_SORTING, "&Undo the last sorting…", "Ctrl+Alt+Z"),
    ),
    "&Model": (
        _Entry(ActionId.CHOOSE_MODEL, "&Choose a model", "Ctrl+M"),
        _Entry(ActionId.CLASSIFY_AGAIN, "Classify &again", "F5"),
        _Entry(ActionId.STOP, "&Stop classifying", "Ctrl+."),
        _SEPARATOR,
        _Entry(ActionId.COMPARE, "Co&mpare…", "Ctrl+D"),
        _Entry(ActionId.IMPORT_MODEL, "&Import…", "Ctrl+I"),
        _Entry(ActionId.EXPORT_MODEL, "E&xport…", "Ctrl+Shift+X"),
        _Entry(ActionId.ROLL_BACK, "Roll &back to the version before", "Ctrl+Shift+B"),
        _Entry(ActionId.REMOVE_MODEL, "&Remove the model…", "Ctrl+Shift+R"),
        _SEPARATOR,
        _Entry(ActionId.PROVIDER_AUTO, "Provider: the &fastest that works", "Ctrl+Alt+1", checkable=True),
        _Entry(ActionId.PROVIDER_CUDA, "Provider: C&UDA", "Ctrl+Alt+2", checkable=True),
        _Entry(ActionId.PROVIDER_OPENVINO, "Provider: &OpenVINO", "Ctrl+Alt+3", checkable=True),
        _Entry(ActionId.PROVIDER_CPU, "Provider: C&PU", "Ctrl+Alt+4", checkable=True),
        _Entry(ActionId.EXACT, "&Exact arithmetic (float32)", "Ctrl+Alt+E", checkable=True),
    ),
    "&Train": (
        _Entry(ActionId.NEW_MODEL, "&New model…", QKeySequence.StandardKey.New),
        _SEPARATOR,
        _Entry(ActionId.RETRAIN, "&Retrain with corrections", "Ctrl+R"),
        _Entry(ActionId.SHOW_CHANGES, "See what the retraining &changed", "Ctrl+Shift+D"),
        _Entry(ActionId.UNDO_RETRAINING, "&Undo the retraining", "Ctrl+Alt+R"),
    ),
    "&Help": (
        _Entry(ActionId.PALETTE, "&Find an action…", "Ctrl+K"),
        _Entry(ActionId.SHORTCUTS, "&Keyboard shortcuts", "F1"),
        _Entry(ActionId.LICENCES, "&Licences", "Ctrl+F1"),
        _Entry(ActionId.ABOUT, "&About Fovea", "Shift+F1"),
    ),
}

Actions = Mapping[ActionId, QAction]


def fill_menus(bar: QMenuBar, owner: QWidget, handlers: Mapping[ActionId, Callable[[], object]]) -> Actions:
    """Make every action and put it into its menu; `handlers` says what each one does."""
    actions: dict[ActionId, QAction] = {}
    for title, entries in _MENUS.items():
        menu = bar.addMenu(title)
        for entry in entries:
            if entry is None:
                menu.addSeparator()
                continue
            actions[entry.id] = _make(entry, owner, handlers[entry.id])
            menu.addAction(actions[entry.id])
    return actions


def _make(entry: _Entry, owner: QWidget, handlers: Callable[[], object]) -> QAction:
    action = QAction(entry.text, owner)
    action.setShortcut(QKeySequence(entry.shortcut))
    action.setCheckable(entry.checkable)
    action.setEnabled(entry.id not in JOB_ACTIONS)
    action.triggered.connect(lambda: handlers())
    return action
