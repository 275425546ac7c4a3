"""A table that is sorted by a click on a column's title, and copied or saved as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from PySide6.QtCore import QAbstractTableModel, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QFrame, QTableView, QWidget

from core.base.i18n import tr
from core.base.text import display_path
from gui.widgets import theme
from gui.widgets.basic import label, link
from gui.widgets.context_menu import attach_menu
from gui.widgets.files import ask_where_to_save, save_in_background
from gui.widgets.indexes import NOWHERE, Index
from gui.widgets.layouts import fill, hbox, vbox

_ROWS_EXAMINED: Final = 64
_MAX_WIDTH: Final = 320
_PADDING: Final = 18


class Cell(NamedTuple):
    """A cell: its text, and the number that it is sorted by; without one, by its place in the original order."""

    text: str
    number: float | None = None


class _Model(QAbstractTableModel):
    """The rows, in the order that the user chose."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.columns: Sequence[str] = ()
        self.rows: list[tuple[Cell, ...]] = []
        self._original: list[tuple[Cell, ...]] = []
        self._sorted: tuple[int, Qt.SortOrder] = (-1, Qt.SortOrder.AscendingOrder)

    def show_rows(self, columns: Sequence[str], rows: Sequence[tuple[Cell, ...]]) -> None:
        """Show other rows, in their order."""
        self.beginResetModel()
        self.columns, self._original, self.rows = columns, list(rows), list(rows)
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; a negative one restores the original order."""
        self.layoutAboutToBeChanged.emit()
        self._sorted = column, order
        self.rows = list(self._original)
        if column >= 0:
            descending = order is Qt.SortOrder.DescendingOrder
            if any(row[column].number is not None for row in self.rows):
                self.rows.sort(key=lambda row: row[column].number or 0.0, reverse=descending)
            elif descending:
                self.rows.reverse()
        self.layoutChanged.emit()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        cell = self.rows[index.row()][index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return cell.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return tr("{column}: {value}", column=self.columns[index.column()], value=cell.text)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(index.column())
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation is Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._title(section)
        return self._alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _title(self, column: int) -> str:
        """The title, with an arrow if the table is sorted by this column: Qt would draw it over the text."""
        title, (chosen, order) = self.columns[column], self._sorted
        if column != chosen:
            return title
        arrow = "↑" if order is Qt.SortOrder.AscendingOrder else "↓"
        return f"{arrow} {title}" if self._is_number(column) else f"{title} {arrow}"

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if self._is_number(column) else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter

    def _is_number(self, column: int) -> bool:
        return any(row[column].number is not None for row in self.rows[:_ROWS_EXAMINED])


class SortedTable(QFrame):
    """A panel with a title and a sortable table.

    Attributes:
        noticed: a notice about the result of saving the table.
    """

    noticed = Signal(object)

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._title = title
        self._model = _Model(self)
        self.view = _View(self._model)
        self.view.setAccessibleName(title)
        self.view.copy_wanted.connect(self.copy)
        name = tr("Copy “{title}” as text", title=title)
        self.copy_button = link(tr("Copy"), self.copy, name=name)
        self.save_button = link(tr("Save…"), self._ask_where_to_save, name=tr("Save “{title}”", title=title))
        head = hbox(fill(label(title, "heading")), self.copy_button, self.save_button, spacing=0)
        vbox(head, fill(self.view), parent=self, margins=(16, 8, 16, 16), spacing=theme.GRID)
        attach_menu(self.view, lambda: (self.copy_button, self.save_button))

    def show_rows(self, columns: Sequence[str], rows: Sequence[tuple[Cell, ...]]) -> None:
        """Show these rows; the order that the user chose is kept."""
        header, is_same = self.view.horizontalHeader(), list(self._model.columns) == list(columns)
        self._model.show_rows(columns, rows)
        if is_same:
            self._model.sort(header.sortIndicatorSection(), header.sortIndicatorOrder())
        else:
            header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._fit_columns()

    def _fit_columns(self) -> None:
        """Fit the columns to their longest texts; Qt would measure all of them, or only the first rows."""
        metrics = self.view.fontMetrics()
        for column, title in enumerate(self._model.columns):
            longest = max((row[column].text for row in self._model.rows), key=len, default="")
            width = max(map(metrics.horizontalAdvance, (longest, f"{title} ↓")))
            self.view.setColumnWidth(column, min(width, _MAX_WIDTH) + _PADDING)

    def texts(self) -> list[list[str]]:
        """The columns' titles, and the rows in the shown order."""
        return [list(self._model.columns), *([cell.text for cell in row] for row in self._model.rows)]

    def copy(self) -> None:
        """Copy the table as tab-separated text."""
        QGuiApplication.clipboard().setText(self._as_tsv())

    def save(self, file: Path) -> None:
        """Save the table as tab-separated text; `noticed` reports the result."""
        content, name, folder = self._as_tsv().encode(), display_path(file.name), display_path(file.parent)
        saved = tr("Saved the table as “{file}” in {folder}.", file=name, folder=folder)
        save_in_background(self, file, lambda: content, saved, self.noticed.emit)

    def _as_tsv(self) -> str:
        return "".join("\t".join(" ".join(text.split()) for text in row) + "\n" for row in self.texts())

    def _ask_where_to_save(self) -> None:
        title, kinds = tr("Save “{title}”", title=self._title), tr("Tab-separated values (*.tsv)")
        ask_where_to_save(self, title, Path.home() / f"{self._title}.tsv", self.save, kinds)


class _View(QTableView):
    """The table.

    Attributes:
        copy_wanted: the user pressed the keys for Copy.
    """

    copy_wanted = Signal()

    def __init__(self, model: _Model) -> None:
        super().__init__()
        self.setObjectName("data")
        self.setModel(model)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_wanted.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.ignore()
        else:
            super().keyPressEvent(event)
