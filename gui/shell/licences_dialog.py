"""Help > Licences: the components of Fovea and their full licence texts, with search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from PySide6.QtCore import QSize, QTimer
from PySide6.QtGui import QFontDatabase, QTextCursor
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QSplitter,
    QWidget,
)

from core.app import licences
from core.app.licences import Component
from core.base.errors import FoveaError
from core.base.i18n import tr
from gui.tasks.background import in_background
from gui.widgets.basic import label, search_field, show_text
from gui.widgets.layouts import fill, hbox, vbox

_CHUNK: Final = 64 * 1024
"""Characters inserted into the text view at a time: 3 ms of work, so that long texts do not block the window."""


_Read: TypeAlias = tuple[Sequence[Component], Sequence[str]]
"""The components, and the searchable text of each."""


class LicencesDialog(QDialog):
    """A non-modal window; the licences are read in a thread when it is created."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setWindowTitle(tr("Licences"))
        self.setMinimumSize(560, 400)
        self.resize(1040, 680)
        self.search = search_field(tr("Search names, licences and texts"), tr("Search licences"))
        self.search.textChanged.connect(self._show_found)
        self.choices = QListWidget()
        self.choices.setObjectName("choices")
        self.choices.setAccessibleName(tr("Components"))
        self.choices.currentRowChanged.connect(self._show_chosen)
        self.heading = label(tr("Reading licences…"), "title", wrap=True)
        self.terms = label(kind="muted", wrap=True)
        self.note = label(wrap=True)
        self.text = QPlainTextEdit(readOnly=True, undoRedoEnabled=False)
        self.text.setAccessibleName(tr("Licence text"))
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._components: Sequence[Component] = ()
        self._searched: Sequence[str] = ()
        self._rest = ""
        self._filler = QTimer(self, interval=0)
        self._filler.timeout.connect(self._fill)
        self._lay_out()
        in_background(self, _read_and_index, self._show_read)

    def _lay_out(self) -> None:
        left, right = QWidget(), QWidget()
        vbox(self.search, self.choices, parent=left, margins=(0, 0, 8, 0), spacing=8)
        vbox(self.heading, self.terms, self.note, fill(self.text), parent=right, margins=(8, 0, 0, 0), spacing=8)
        halves = QSplitter()
        halves.addWidget(left)
        halves.addWidget(right)
        halves.setStretchFactor(1, 1)
        halves.setSizes([320, 720])
        hbox(halves, parent=self, margins=16).setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)

    def _show_read(self, read: _Read | FoveaError) -> None:
        if isinstance(read, FoveaError):
            self.heading.setText(str(read))
            return
        self._components, self._searched = read
        narrow = QSize(0, 2 * self.choices.fontMetrics().height() + 16)  # elides long lines without a scroll bar
        for component in self._components:
            QListWidgetItem(f"{_title(component)}\n{_licence(component)}", self.choices).setSizeHint(narrow)
        self._show_found()

    def _show_found(self) -> None:
        """Hide what does not match; keep the current row if it still matches."""
        query = self.search.text().strip().casefold()
        rows = range(self.choices.count())
        found = [row for row in rows if query in self._searched[row]]
        for row in rows:
            self.choices.setRowHidden(row, row not in found)
        if found and self.choices.currentRow() not in found:
            self.choices.setCurrentRow(found[0])
        else:
            self._show_match()

    def _show_chosen(self, row: int) -> None:
        component = self._components[row]
        self.heading.setText(_title(component))
        self.terms.setText("  ·  ".join(filter(None, (_licence(component), component.homepage))))
        show_text(self.note, component.note)
        self._rest = _whole_text(component)
        self.text.clear()
        self._fill()

    def _fill(self) -> None:
        """Insert the next chunk; the rest follows between events."""
        chunk, self._rest = self._rest[:_CHUNK], self._rest[_CHUNK:]
        end = QTextCursor(self.text.document())
        end.movePosition(QTextCursor.MoveOperation.End)
        end.insertText(chunk)
        if self._rest:
            self._filler.start()
        else:
            self._filler.stop()
            self._show_match()

    def _show_match(self) -> None:
        query = self.search.text().strip()
        found = self.text.document().find(query) if query else QTextCursor()
        self.text.setTextCursor(QTextCursor(self.text.document()) if found.isNull() else found)
        self.text.centerCursor()


def _read_and_index() -> _Read | FoveaError:
    try:
        found = licences.components()
    except FoveaError as error:
        return error
    return found, ["\n".join((_title(one), one.licence, one.note, _whole_text(one))).casefold() for one in found]


def _title(component: Component) -> str:
    return f"{component.name} {component.version}".strip()


def _licence(component: Component) -> str:
    return component.licence or tr("see licence text")


def _whole_text(component: Component) -> str:
    if not component.texts:
        return tr("The licence text is not installed here. Every packaged version of Fovea includes it.")
    several = len(component.texts) > 1
    return "\n\n".join(
        f"──── {text.title} ────\n\n{text.content}" if several else text.content for text in component.texts
    )
