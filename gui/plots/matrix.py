"""A confusion matrix for mouse and keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QScrollArea, QToolTip, QWidget

from core.base.i18n import tr
from gui.plots.canvas import Canvas
from gui.plots.cells import Cell, Cells, ColumnLabels, Corner, Grid, RowLabels, arrange
from gui.plots.confusion import Confusion, read_counts
from gui.plots.frame import PlotFrame
from gui.plots.values import NOTHING, Table

_RING: Final = 3
_STEPS: Final = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}
_SELECT_KEYS: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class ConfusionMatrix(PlotFrame):
    """Photos by label (row) and prediction (column).

    Attributes:
        cell_chosen: the row and column, as given to `show_counts`, of a cell chosen by mouse or keyboard.
    """

    cell_chosen = Signal(int, int)

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        title: str = "",
        rows: str = "",
        columns: str = "",
    ) -> None:
        """`rows` and `columns` name the two sides; label and prediction by default."""
        self._cells = _CellCanvas(rows or tr("Label"), columns or tr("Prediction"))
        super().__init__(title or tr("Confusion matrix"), self._cells, _Scroll(self._cells), parent)
        self._cells.chosen.connect(self.cell_chosen)
        self.show_result(tr(NOTHING), Table((), ()))

    def show_counts(self, classes: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Show the number of photos by label (row) and prediction (column).

        Of more than 50 classes, the most confused are shown.

        Raises:
            ValueError: the number of rows or columns differs from the number of classes.
        """
        self.show_confusion(read_counts(classes, counts))

    def show_confusion(self, confusion: Confusion) -> None:
        """Show counts with their own descriptions."""
        self._cells.show_confusion(confusion)
        self.show_result(confusion.summary(), confusion.table())


class _CellCanvas(Canvas):
    """The matrix, whose current cell is moved with the arrow keys and chosen with Enter."""

    chosen = Signal(int, int)

    def __init__(self, rows: str, columns: str) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        grid = Grid((), (), 1, 0, 0, is_upright=False)
        self._cells, self._rows = Cells(grid), RowLabels(grid, rows)
        self._columns, self._corner = ColumnLabels(grid, columns), Corner(grid)
        for depth, part in enumerate((self._cells, self._rows, self._columns, self._corner)):
            part.setZValue(depth)
            self.addItem(part)
            self.add_part(part)
        self._current: Cell = (0, 0)
        self._room = QSize(480, 360)
        self._confusion = read_counts((), ())

    @property
    def grid_shown(self) -> Grid:
        """The current layout."""
        return self._cells.grid

    def show_confusion(self, confusion: Confusion) -> None:
        """Draw this confusion matrix."""
        self._confusion, self._current = confusion, (0, 0)
        self._arrange(confusion.labels, confusion.cells)

    def fit(self, room: QSize) -> None:
        """Fit the cells into this size."""
        self._room = room
        self._arrange(self.grid_shown.labels, self.grid_shown.counts)

    def _arrange(self, labels: tuple[str, ...], counts: tuple[tuple[int, ...], ...]) -> None:
        grid = arrange(labels, counts, self._room.width(), self._room.height())
        for part in (self._cells, self._rows, self._columns, self._corner):
            part.show_grid(grid)
        self.setFixedSize(*grid.size)
        self._cells.select(self._current if self.hasFocus() and labels else None)

    def pin(self, place: QPointF) -> None:
        """Keep the labels visible at this scroll offset."""
        self._rows.setPos(place.x(), 0)
        self._columns.setPos(0, place.y())
        self._corner.setPos(place)

    def paint_onto(self, painter: QPainter, target: QRectF, scale: float) -> None:
        place = self._corner.pos()
        self.pin(QPointF())
        self._cells.select(None)
        super().paint_onto(painter, target, scale)
        self.pin(place)
        self._cells.select(self._current if self.hasFocus() else None)

    def covered(self) -> QSize:
        """The size of the area covered by the labels."""
        return QSize(self.grid_shown.left, self.grid_shown.top)

    def _move_to(self, cell: Cell) -> None:
        self._current = cell
        self._cells.select(cell)
        text = self._cell_text(cell)
        self.setAccessibleDescription(text)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))
        box = self.grid_shown.box(cell).toAlignedRect()
        scroll = self._scroll()
        if scroll is not None:
            scroll.show_box(box)
            place = self.mapToGlobal(box.bottomRight() + QPoint(4, -8))
            QToolTip.showText(place, text, self, box)

    def _cell_text(self, cell: Cell) -> str:
        shown = self._confusion.shown
        return self._confusion.cell_text(shown[cell[0]], shown[cell[1]])

    def _choose(self) -> None:
        row, column = self._current
        self.chosen.emit(self._confusion.shown[row], self._confusion.shown[column])

    def _scroll(self) -> _Scroll | None:
        parent = self.parentWidget()
        holder = parent.parentWidget() if parent is not None else None
        return holder if isinstance(holder, _Scroll) else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        count, key = len(self.grid_shown.labels), Qt.Key(event.key())
        row, column = self._current
        if not count:
            event.ignore()
        elif key in _STEPS:
            down, right = _STEPS[key]
            self._move_to((min(max(row + down, 0), count - 1), min(max(column + right, 0), count - 1)))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._move_to((row, 0 if key == Qt.Key.Key_Home else count - 1))
        elif key in _SELECT_KEYS:
            self._choose()
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self.grid_shown.labels and event.reason() != Qt.FocusReason.MouseFocusReason:
            self._move_to(self._current)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._cells.select(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._at(event.position())
        if event.button() is Qt.MouseButton.LeftButton and cell is not None:
            self._current = cell
            self._cells.select(cell)
            self._choose()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        is_cell = self._at(event.position()) is not None
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if is_cell else Qt.CursorShape.ArrowCursor)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            cell = self._at(QPointF(event.pos()))
            if cell is None:
                QToolTip.hideText()
            else:
                QToolTip.showText(
                    event.globalPos(), self._cell_text(cell), self, self.grid_shown.box(cell).toAlignedRect()
                )
            return True
        return bool(super().viewportEvent(event))

    def _at(self, place: QPointF) -> Cell | None:
        """The cell at a point of the view; None if labels cover it."""
        pinned = self._corner.pos()
        is_covered = place.x() - pinned.x() < self.grid_shown.left or place.y() - pinned.y() < self.grid_shown.top
        return None if is_covered else self.grid_shown.at(place)


class _Scroll(QScrollArea):
    """Scrolls a matrix that does not fit; the wheel scrolls it only while it has the focus."""

    def __init__(self, canvas: _CellCanvas) -> None:
        super().__init__()
        self._canvas = canvas
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(canvas)
        self.setMinimumSize(320, 320)
        self.viewport().setAutoFillBackground(False)
        for bar in (self.horizontalScrollBar(), self.verticalScrollBar()):
            bar.valueChanged.connect(self._pin)

    def _pin(self) -> None:
        self._canvas.pin(QPointF(self.horizontalScrollBar().value(), self.verticalScrollBar().value()))

    def show_box(self, box: QRect) -> None:
        """Scroll so that a cell is not covered by the labels."""
        covered = self._canvas.covered()
        area = box.adjusted(-covered.width() - _RING, -covered.height() - _RING, _RING, _RING)
        self.ensureVisible(area.right(), area.bottom(), 0, 0)
        self.ensureVisible(area.left(), area.top(), 0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._canvas.fit(self.maximumViewportSize())

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._canvas.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
