"""Opening files and folders in other programs, and asking for folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget


def open_file(path: Path) -> None:
    """Open a file or folder in the program that the system uses for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def show_in_folder(file: Path) -> None:
    """Open the folder that contains a file."""
    open_file(file.parent)


def ask_for_folder(parent: QWidget, title: str, on_chosen: Callable[[Path], object], start: Path | None = None) -> None:
    """Show a folder dialog without blocking the event loop; it starts in the user's home unless told otherwise."""
    dialog = QFileDialog(parent, title, str(start or Path.home()))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.filesSelected.connect(lambda names: on_chosen(Path(names[0])))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
