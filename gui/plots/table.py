"""The table of a plot: the same data as text, for screen readers, the keyboard, and spreadsheets."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QAbstractTableModel, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from core.base.i18n import tr
from gui.plots.values import Table
from gui.widgets.indexes import NOWHERE, Index

_ROWS_MEASURED: Final = 8


class _Rows(QAbstractTableModel):
    """The model of a table, whose first column becomes the row headers."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.table = Table((), ())

    def show_table(self, table: Table) -> None:
        """Show another table; if rows were only appended, the current cell is kept."""
        old, self_rows = self.table, len(self.table.rows)
        if table.columns != old.columns or table.rows[:self_rows] != old.rows:
            self.beginResetModel()
            self.table = table
            self.endResetModel()
        elif len(table.rows) > self_rows:
            self.beginInsertRows(NOWHERE, self_rows, len(table.rows) - 1)
            self.table = table
            self.endInsertRows()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.table.rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else max(0, len(self.table.columns) - 1)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.table.rows[index.row()][index.column() + 1]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            row, column = self.table.rows[index.row()], index.column() + 1
            return tr(
                "{row_title} {row}, {column}: {value}",
                row_title=self.table.columns[0],
                row=row[0],
                column=self.table.columns[column],
                value=row[column],
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
    """Shows a `Table` read-only."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("data")
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
        return self._rows.table

    def show_table(self, table: Table) -> None:
        self._rows.show_table(table)
        if self.isVisible():
            self.resizeColumnsToContents()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            event.ignore()  # the frame copies the whole table instead of one cell
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Fit the columns only when shown, as measuring takes longer than drawing the plot."""
        super().showEvent(event)
        self.resizeColumnsToContents()
