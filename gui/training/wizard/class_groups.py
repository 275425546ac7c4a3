"""How the classes of a folder are grouped: by folders inside folders, by a text file, or not."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.base.text import display_path
from core.card_rules import Hierarchy
from core.datasets.values import FolderRead
from gui.widgets.basic import CheckBox, label, link, show_text
from gui.widgets.files import ask_for_file
from gui.widgets.flow import FlowRow
from gui.widgets.layouts import vbox


class ClassGroups(QWidget):
    """Offers what groups there can be, and shows those there are.

    Attributes:
        changed: read the folder so: whether folders inside folders are classes, and the file with the hierarchy.
    """

    changed = Signal(bool, object)

    def __init__(self) -> None:
        super().__init__()
        self.nested = CheckBox(tr("Folders inside folders are classes, and their hierarchy is kept"))
        self.nested.toggled.connect(self._on_nested)
        hint = tr("A text file with a line for each class, such as animal/bird/owl")
        self.choose = link(tr("Group classes by a file…"), self._choose, hint=hint)
        self.remove = link(tr("Without the file"), self._remove)
        self._outline = label(kind="muted", wrap=True)
        vbox(FlowRow(self.nested, self.choose, self.remove), self._outline, parent=self, spacing=0)

    def show_folder(self, read: FolderRead) -> None:
        """Show the groups of a folder as it was read."""
        with QSignalBlocker(self.nested):
            self.nested.setChecked(read.nested)
        file = read.hierarchy
        self.nested.setVisible(read.has_nested and not read.is_custom and file is None)
        self.choose.setVisible(read.error is None and not read.nested and file is None)
        self.remove.setVisible(file is not None)
        if file is not None:
            self.remove.setText(tr("Without “{file}”", file=display_path(file.name)).replace("&", "&&"))
        groups = Hierarchy.of([one.name for one in read.classes], read.paths)
        show_text(self._outline, tr("Groups: {groups}", groups=groups.outline) if groups else "")

    def use_file(self, file: Path) -> None:
        """Group the classes by this file."""
        self.changed.emit(False, file)

    def _choose(self) -> None:
        ask_for_file(self, tr("Choose the file with the groups"), tr("Text (*.txt);;All files (*)"), self.use_file)

    def _remove(self) -> None:
        self.changed.emit(False, None)

    def _on_nested(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        self.changed.emit(is_on, None)
