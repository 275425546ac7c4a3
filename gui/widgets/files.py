"""Opening files and folders in other programs, asking for them, and saving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from core.base.errors import FoveaError
from core.base.storage import write_atomically
from gui.tasks.background import in_background
from gui.tasks.notice import Notice, NoticeKind


def open_file(path: Path) -> None:
    """Open a file or folder in the program that the system uses for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def show_in_folder(file: Path) -> None:
    """Open the folder that contains a file."""
    open_file(file.parent)


def ask_for_folder(
    parent: QWidget,
    title: str,
    on_chosen: Callable[[Path], object],
    start: Path | None = None,
    on_cancelled: Callable[[], object] = lambda: None,
) -> None:
    """Let the user choose a folder, without blocking the event loop."""
    dialog = QFileDialog(parent, title, str(start or Path.home()))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.rejected.connect(lambda: on_cancelled())
    _open(dialog, on_chosen)


def ask_for_file(
    parent: QWidget, title: str, kinds: str, on_chosen: Callable[[Path], object], start: Path | None = None
) -> None:
    """Let the user choose an existing file of some kinds, such as "Text (*.txt);;All files (*)", without blocking."""
    dialog = QFileDialog(parent, title, str(start or Path.home()), kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    _open(dialog, on_chosen)


def ask_for_files(parent: QWidget, title: str, kinds: Sequence[str], on_chosen: Callable[[list[Path]], object]) -> None:
    """Let the user choose existing files of some kinds, such as "Text (*.txt)", without blocking the event loop."""
    dialog = QFileDialog(parent, title, str(Path.home()))
    dialog.setNameFilters(list(kinds))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.filesSelected.connect(lambda names: on_chosen([Path(name) for name in names]))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def ask_where_to_save(
    parent: QWidget, title: str, file: Path, on_chosen: Callable[[Path], object], kinds: str = ""
) -> None:
    """Let the user choose a file to write, with this one suggested, without blocking the event loop."""
    dialog = QFileDialog(parent, title, str(file), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(file.suffix[1:])
    dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(_suffix_of(kind)))
    _open(dialog, on_chosen)


def _suffix_of(kind: str) -> str:
    """The first suffix of a kind of file such as "PNG picture (*.png)"."""
    return kind.partition("*.")[2].strip(" )").partition(" ")[0]


def save_in_background(
    parent: QObject, file: Path, content: Callable[[], bytes], saved: str, on_done: Callable[[Notice], object]
) -> None:
    """Write a file in a thread; `on_done` gets a notice with the text `saved`, or with the error."""

    def write() -> Notice:
        try:
            write_atomically(file, content())
        except FoveaError as error:
            return Notice.of(error)
        return Notice(saved, NoticeKind.SUCCESS)

    in_background(parent, write, on_done)


def _open(dialog: QFileDialog, on_chosen: Callable[[Path], object]) -> None:
    dialog.fileSelected.connect(lambda name: on_chosen(Path(name)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
