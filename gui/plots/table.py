"""The table twin of a plot: the same figures as text, for a screen reader, a keyboard or a spreadsheet."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from gui.plots.values import Table

_NOWHERE: Final = QModelIndex()
_ROWS_MEASURED: Final = 8

Index = QModelIndex | QPersistentModelIndex


class _Rows(QAbstractTableModel):
    """The first column of a table becomes the titles of its rows."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.table = Table((), ())

    def show_table(self, table: Table) -> None:
        """Show another table; one that only grew leaves the reader where they are."""
        old, self_rows = self.table, len(self.table.rows)
        if table.columns != old.columns or table.rows[:self_rows] != old.rows:
            self.beginResetModel()
            self.table = table
            self.endResetModel()
        elif len(table.rows) > self_rows:
            self.beginInsertRows(_NOWHERE, self_rows, len(table.rows) - 1)
            self.table = table
            self.endInsertRows()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.table.rows)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else max(0, len(self.table.columns) - 1)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.table.rows[index.row()][index.column() + 1]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            row = self.table.rows[index.row()]
            return (
                f"{self.table.columns[0]} {row[0]}, {self.table.columns[index.column() + 1]}: {row[index.column() + 1]}"
            )
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        is_across = orientation is Qt.Orientation.Horizontal
        if role == Qt.ItemDataRole.DisplayRole:
            return self.table.columns[section + 1] if is_across else self.table.rows[section][0]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if is_across else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None


class DataTable(QTableView):
    """Shows a `Table`; nothing in it can be edited."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("twin")
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.horizontalHeader().setResizeContentsPrecision(_ROWS_MEASURED)
        self.horizontalHeader().setHighlightSections(False)
        self.verticalHeader().setHighlightSections(False)

    @property
    def table(self) -> Table:
        """What is shown."""
        return self._rows.table

    def show_table(self, table: Table) -> None:
        """Show this table."""
        self._rows.show_table(table)
        if self.isVisible():
            self.resizeColumnsToContents()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            event.ignore()  # it is the frame that copies: all of it, not one cell
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Only a table that is seen is measured: it takes longer than drawing the plot."""
        super().showEvent(event)
        self.resizeColumnsToContents()
