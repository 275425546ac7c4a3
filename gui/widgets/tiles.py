"""A responsive grid of widgets."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from gui.widgets import theme


class Tiles(QWidget):
    """Arranges widgets in as many columns as fit."""

    def __init__(self, min_width: int) -> None:
        """`min_width` is the minimum width of a column in pixels."""
        super().__init__()
        self._min_width = min_width
        self.setObjectName("inspector")
        self.setMinimumWidth(min_width)  # several columns would otherwise keep the window wide
        self._tiles: list[QWidget] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.GRID)
        self._columns = 0
        self._arrange(1)

    def add_last(self, widget: QWidget) -> None:
        """Append a widget."""
        self._tiles.append(widget)
        self._arrange(self._columns)

    def resizeEvent(self, event: QResizeEvent) -> None:
        columns = max(1, self.width() // self._min_width)
        if columns != self._columns:
            self._arrange(columns)

    def _arrange(self, columns: int) -> None:
        self._columns = columns
        for number, tile in enumerate(self._tiles):
            self._grid.addWidget(tile, number // columns, number % columns)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, int(column < columns))
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 0)
        self._grid.setRowStretch(len(self._tiles) // columns + 1, 1)
