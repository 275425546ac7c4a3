"""Every action in one table: menus, shortcuts and the command palette are made from it and cannot drift apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenuBar, QWidget


class Act(Enum):
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
    TAKE_BACK = auto()
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
    GO_ON = auto()
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


ON_A_JOB: Final = (
    *(Act.ALL_JOBS, Act.GO_ON, Act.STOP_JOB, Act.WATCH_FOLDER, Act.AS_TABLE, Act.AS_GALLERY, Act.SHOW_FILTERS),
    *(Act.FIND_PHOTOS, Act.CLEAR_FILTERS, Act.REVIEW, Act.EXPORT_CSV, Act.EXPORT_CSV_BOM, Act.EXPORT_JSONL),
    *(Act.EXPORT_EXCEL, Act.EXPORT_PARQUET, Act.EXPORT_HTML, Act.WRITE_KEYWORDS, Act.SORT_INTO_FOLDERS),
    *(Act.CONTINUE_SORTING, Act.UNDO_SORTING),
)
"""What can be done only while a job is in sight."""


@dataclass(frozen=True, slots=True)
class _Entry:
    act: Act
    text: str
    shortcut: str | QKeySequence.StandardKey = ""
    checkable: bool = False


_SEPARATOR: Final = None

_MENUS: Final[Mapping[str, tuple[_Entry | None, ...]]] = {
    "&File": (
        _Entry(Act.OPEN_FILES, "&Open photos…", QKeySequence.StandardKey.Open),
        _Entry(Act.OPEN_FOLDER, "Open &folder…", "Ctrl+Shift+O"),
        _Entry(Act.CLASSIFY_FOLDER, "&Classify folder…", "Ctrl+Shift+F"),
        _Entry(Act.PASTE, "&Paste", QKeySequence.StandardKey.Paste),
        _Entry(Act.TRY_SAMPLES, "&Try the sample photos", "Ctrl+T"),
        _SEPARATOR,
        _Entry(Act.QUIT, "&Quit", "Ctrl+Q"),
    ),
    "&Edit": (
        _Entry(Act.UNDO, "&Undo", QKeySequence.StandardKey.Undo),
        _SEPARATOR,
        _Entry(Act.CORRECT, "Corr&ect…", "F2"),
        _Entry(Act.TAKE_BACK, "&Take the correction back", "Shift+F2"),
        _SEPARATOR,
        _Entry(Act.COPY, "&Copy answers", QKeySequence.StandardKey.Copy),
        _Entry(Act.SELECT_ALL, "Select &all photos", QKeySequence.StandardKey.SelectAll),
        _Entry(Act.REMOVE, "&Remove from the list", QKeySequence.StandardKey.Delete),
        _Entry(Act.CLEAR, "C&lear the list", "Ctrl+Shift+Del"),
    ),
    "&View": (
        _Entry(Act.SHOW_PHOTOS, "&Photos", "Ctrl+1"),
        _Entry(Act.SHOW_FOLDERS, "&Folders", "Ctrl+2"),
        _Entry(Act.SHOW_MODELS, "&Models", "Ctrl+3"),
        _Entry(Act.SHOW_TRAINING, "&Training", "Ctrl+4"),
        _SEPARATOR,
        _Entry(Act.SHOW_INSPECTOR, "&Inspector", "F9", checkable=True),
        _Entry(Act.LARGER, "&Larger photos", QKeySequence.StandardKey.ZoomIn),
        _Entry(Act.SMALLER, "&Smaller photos", QKeySequence.StandardKey.ZoomOut),
        _Entry(Act.NEXT_PHOTO, "&Next photo", "Alt+Right"),
        _Entry(Act.PREVIOUS_PHOTO, "Pre&vious photo", "Alt+Left"),
        _SEPARATOR,
        _Entry(Act.THEME_SYSTEM, "Colours of the s&ystem", "Ctrl+Shift+1", checkable=True),
        _Entry(Act.THEME_LIGHT, "Li&ght colours", "Ctrl+Shift+2", checkable=True),
        _Entry(Act.THEME_DARK, "&Dark colours", "Ctrl+Shift+3", checkable=True),
    ),
    "F&olders": (
        _Entry(Act.ALL_JOBS, "&All folders", "Ctrl+Shift+J"),
        _Entry(Act.GO_ON, "&Pause or go on", "Ctrl+Shift+P"),
        _Entry(Act.STOP_JOB, "S&top this job", "Ctrl+Shift+."),
        _Entry(Act.WATCH_FOLDER, "&Watch this folder", "Ctrl+Alt+W", checkable=True),
        _SEPARATOR,
        _Entry(Act.AS_TABLE, "Results as a ta&ble", "Ctrl+Shift+T", checkable=True),
        _Entry(Act.AS_GALLERY, "Results as a &gallery", "Ctrl+Shift+G", checkable=True),
        _Entry(Act.SHOW_FILTERS, "&Filters", "F8", checkable=True),
        _Entry(Act.FIND_PHOTOS, "F&ind photos by text", QKeySequence.StandardKey.Find),
        _Entry(Act.CLEAR_FILTERS, "&Clear the filters", "Ctrl+Shift+L"),
        _Entry(Act.REVIEW, "&Review, least sure first", "F6"),
        _SEPARATOR,
        _Entry(Act.EXPORT_CSV, "Export as &CSV…", "Ctrl+E"),
        _Entry(Act.EXPORT_CSV_BOM, "Export as CSV for E&xcel (byte-order mark)…", "Ctrl+Shift+E"),
        _Entry(Act.EXPORT_EXCEL, "Export as Exc&el workbook…", "Ctrl+Alt+X"),
        _Entry(Act.EXPORT_JSONL, "Export as &JSON lines…", "Ctrl+Alt+J"),
        _Entry(Act.EXPORT_PARQUET, "Export as Par&quet…", "Ctrl+Alt+P"),
        _Entry(Act.EXPORT_HTML, "Export as &HTML report…", "Ctrl+Alt+H"),
        _SEPARATOR,
        _Entry(Act.WRITE_KEYWORDS, "Write &keywords…", "Ctrl+Alt+K"),
        _Entry(Act.SORT_INTO_FOLDERS, "&Sort into folders…", "Ctrl+Alt+S"),
        _Entry(Act.CONTINUE_SORTING, "&Go on with the interrupted sorting", "Ctrl+Alt+G"),
        _Entry(Act.UNDO_SORTING, "&Undo the last sorting…", "Ctrl+Alt+Z"),
    ),
    "&Model": (
        _Entry(Act.CHOOSE_MODEL, "&Choose a model", "Ctrl+M"),
        _Entry(Act.CLASSIFY_AGAIN, "Classify &again", "F5"),
        _Entry(Act.STOP, "&Stop classifying", "Ctrl+."),
        _SEPARATOR,
        _Entry(Act.COMPARE, "Co&mpare…", "Ctrl+D"),
        _Entry(Act.IMPORT_MODEL, "&Import…", "Ctrl+I"),
        _Entry(Act.EXPORT_MODEL, "E&xport…", "Ctrl+Shift+X"),
        _Entry(Act.ROLL_BACK, "Roll &back to the version before", "Ctrl+Shift+B"),
        _Entry(Act.REMOVE_MODEL, "&Remove the model…", "Ctrl+Shift+R"),
        _SEPARATOR,
        _Entry(Act.PROVIDER_AUTO, "Provider: the &fastest that works", "Ctrl+Alt+1", checkable=True),
        _Entry(Act.PROVIDER_CUDA, "Provider: C&UDA", "Ctrl+Alt+2", checkable=True),
        _Entry(Act.PROVIDER_OPENVINO, "Provider: &OpenVINO", "Ctrl+Alt+3", checkable=True),
        _Entry(Act.PROVIDER_CPU, "Provider: C&PU", "Ctrl+Alt+4", checkable=True),
        _Entry(Act.EXACT, "&Exact arithmetic (float32)", "Ctrl+Alt+E", checkable=True),
    ),
    "&Train": (
        _Entry(Act.NEW_MODEL, "&New model…", QKeySequence.StandardKey.New),
        _SEPARATOR,
        _Entry(Act.RETRAIN, "&Retrain with corrections", "Ctrl+R"),
        _Entry(Act.SHOW_CHANGES, "See what the retraining &changed", "Ctrl+Shift+D"),
        _Entry(Act.UNDO_RETRAINING, "&Undo the retraining", "Ctrl+Alt+R"),
    ),
    "&Help": (
        _Entry(Act.PALETTE, "&Find an action…", "Ctrl+K"),
        _Entry(Act.SHORTCUTS, "&Keyboard shortcuts", "F1"),
        _Entry(Act.LICENCES, "&Licences", "Ctrl+F1"),
        _Entry(Act.ABOUT, "&About Fovea", "Shift+F1"),
    ),
}

Actions = Mapping[Act, QAction]


def fill_menus(bar: QMenuBar, owner: QWidget, does: Mapping[Act, Callable[[], object]]) -> Actions:
    """Make every action and put it into its menu; `does` says what each one does."""
    made: dict[Act, QAction] = {}
    for title, entries in _MENUS.items():
        menu = bar.addMenu(title)
        for entry in entries:
            if entry is None:
                menu.addSeparator()
                continue
            made[entry.act] = _make(entry, owner, does[entry.act])
            menu.addAction(made[entry.act])
    return made


def _make(entry: _Entry, owner: QWidget, does: Callable[[], object]) -> QAction:
    action = QAction(entry.text, owner)
    action.setShortcut(QKeySequence(entry.shortcut))
    action.setCheckable(entry.checkable)
    action.setEnabled(entry.act not in ON_A_JOB)
    action.triggered.connect(lambda: does())
    return action
