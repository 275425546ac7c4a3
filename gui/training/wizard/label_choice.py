"""Whether each photo has one class or several, and where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import mark, tr
from core.base.text import display_path
from core.datasets.label_source import LabelSource
from core.datasets.values import FolderRead
from gui.widgets.basic import Choice, caption, label
from gui.widgets.files import ask_for_file
from gui.widgets.layouts import fill, hbox

_TEXTS: Final = {
    LabelSource.FOLDER: mark("One: the folder it is in"),
    LabelSource.FOLDERS: mark("Several: all folders with a copy of it"),
    LabelSource.FILE: mark("Several: from a table…"),
    LabelSource.KEYWORDS: mark("Several: its keywords"),
}


class LabelChoice(QWidget):
    """Asks where the classes of photos come from.

    Attributes:
        changed: read the folder again with labels from this `LabelSource`, and from this file, None for none.
    """

    changed = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.source = Choice(tr("Classes per photo"), _TEXTS)
        self._about = label(kind="muted", wrap=True)
        self.source.activated.connect(lambda _: self._choose())
        self._shown = LabelSource.FOLDER
        hbox(caption(tr("Classes per photo"), self.source, "plain"), self.source, fill(self._about), parent=self)

    def show_folder(self, read: FolderRead) -> None:
        """Show where the classes in this folder come from; those of a dataset that was built here are its folders."""
        self.setVisible(not read.is_custom)
        self._shown = read.labels
        self._show_choice()
        name = display_path(read.labels_file.name) if read.labels_file else ""
        self._about.setText(tr("From “{file}”", file=name) if name else "")

    def _show_choice(self) -> None:
        with QSignalBlocker(self.source):
            self.source.setCurrentIndex(list(_TEXTS).index(self._shown))

    def _choose(self) -> None:
        source = LabelSource(self.source.currentData())  # Qt keeps the values as plain texts
        if source is not LabelSource.FILE:
            self.changed.emit(source, None)
            return
        self._show_choice()  # until a file is chosen
        kinds = tr("Tables (*.csv *.tsv *.txt);;All files (*)")
        ask_for_file(self, tr("Choose a table with the classes of each photo"), kinds, self._on_file)

    def _on_file(self, file: Path) -> None:
        self.changed.emit(LabelSource.FILE, file)
