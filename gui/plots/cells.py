"""A matrix of shaded cells, whose labels stay visible while the cells are scrolled."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, NamedTuple

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
    QWidget,
)

from gui.plots.canvas import font, text_size
from gui.plots.confusion import Confusion, read_counts
from gui.widgets import theme
from gui.widgets.indexes import NOWHERE, Index
from gui.widgets.theme import Tokens

MIN_CELL: Final = 24
MAX_CELL: Final = 64
_MAX_LABEL: Final = 144
_ROOM: Final = 440
"""The room in pixels that a matrix asks for; it uses what it gets."""
_TITLE: Final = 24
_GAP: Final = 1
_FAINTEST: Final = 0.10
"""Opacity of the smallest non-zero fraction, so that one photo among thousands is visible."""
_CHOOSING: Final = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
_MOVING: Final = (*(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down), Qt.Key.Key_Home, Qt.Key.Key_End)


class _Layout(NamedTuple):
    """Sizes in pixels: of a cell, and of the labels on the left and at the top; and whether these are rotated."""

    cell: int
    left: int
    top: int
    is_upright: bool


def _arrange(labels: tuple[str, ...], room: QSize) -> _Layout:
    """Lay out the largest cells that fit; if even the smallest do not, the matrix scrolls."""
    widest = min(_MAX_LABEL, max([text_size(label).width() for label in labels], default=0.0))
    left = _TITLE + math.ceil(widest) + 16
    for is_upright in (False, True):
        top = _TITLE + (math.ceil(widest) + 16 if is_upright else _TITLE)
        fitting = min(room.width() - left, room.height() - top) // max(1, len(labels))
        cell = max(MIN_CELL, min(MAX_CELL, fitting))
        if widest + 4 <= cell:
            break
    return _Layout(cell, left, top, is_upright)


def short(count: int) -> str:
    """Format a number with at most four characters."""
    if count < 1000:
        return str(count)
    unit, scale = ("k", 1e3) if count < 999_500 else ("M", 1e6)
    return f"{count / scale:.1f}{unit}" if count / scale < 9.95 else f"{count / scale:.0f}{unit}"


@lru_cache(maxsize=4096)
def _blend(under: str, over: str, fraction: float) -> QColor:
    below, above = QColor(under), QColor(over)
    parts = zip(below.getRgb()[:3], above.getRgb()[:3], strict=True)  # type: ignore[index]
    return QColor(*(round(a + (b - a) * fraction) for a, b in parts))


def shade(colours: Tokens, fraction: float, *, is_right: bool) -> QColor:
    """The colour of a cell that holds this fraction of its row, 0..1."""
    role = colours.plot_main if is_right else colours.plot_other
    under = colours.surface if fraction else colours.window
    return _blend(under, role, _FAINTEST + (1 - _FAINTEST) * fraction if fraction else 0.0)


@lru_cache(maxsize=4096)
def _luminance(rgb: int) -> float:
    """Relative luminance as defined by WCAG 2.2."""
    parts = [(rgb >> shift & 0xFF) / 255 for shift in (16, 8, 0)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def text_colour(background: QColor) -> QColor:
    """Black or white, whichever has the higher contrast to the background."""
    return QColor("#000000" if _luminance(background.rgb()) > 0.179 else "#ffffff")


class _Model(QAbstractTableModel):
    """The shown part of a confusion matrix."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.confusion = read_counts((), ())
        self.cells: tuple[tuple[tuple[str, float], ...], ...] = ()

    def show_confusion(self, confusion: Confusion) -> None:
        self.beginResetModel()
        self.confusion = confusion
        self.cells = tuple(
            tuple((short(count) if count else "", count / max(1, sum(row))) for count in row)  # errors stand out
            for row in confusion.cells
        )
        self.endResetModel()

    def place(self, index: Index) -> tuple[int, int]:
        """The row and column of a cell among all classes."""
        shown = self.confusion.shown
        return shown[index.row()], shown[index.column()]

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.confusion.shown)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return self.rowCount(parent)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return self.cells[index.row()][index.column()][0]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.confusion.cell_text(*self.place(index))
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        return self.confusion.labels[section] if role == Qt.ItemDataRole.DisplayRole else None


class _CellPainter(QStyledItemDelegate):
    """Paints a cell, and a ring around the current one while the matrix has the focus."""

    def __init__(self, model: _Model) -> None:
        super().__init__(model)
        self._model, self.colours = model, theme.current()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row, column, colours = index.row(), index.column(), self.colours
        text, fraction = self._model.cells[row][column]
        fill = shade(colours, fraction, is_right=row == column)
        box: QRect = option.rect.adjusted(0, 0, -_GAP, -_GAP)
        painter.fillRect(box, fill)
        if text:
            painter.setFont(option.font)
            painter.setPen(text_colour(fill) if fraction else QColor(colours.muted))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(colours.text), 2))
            painter.drawRect(box.adjusted(1, 1, -1, -1))


class _Labels(QHeaderView):
    """The labels of the rows or columns, and what they are."""

    def __init__(self, orientation: Qt.Orientation, title: str, parent: QWidget) -> None:
        super().__init__(orientation, parent)
        self.title = title
        self.is_upright = False
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setMinimumSectionSize(MIN_CELL)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.fillRect(self.rect(), QColor(theme.current().surface))
        self._paint_title(painter)
        painter.end()
        super().paintEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def _paint_title(self, painter: QPainter) -> None:
        """Draw what the labels are, in the middle of the labels or of the room, if that is smaller."""
        painter.setFont(font())
        painter.setPen(QColor(theme.current().muted))
        if self.orientation() is Qt.Orientation.Horizontal:
            box = QRectF(0, 0, min(self.width(), self.length()), _TITLE)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, self.title)
        else:
            _draw_upright(painter, QRectF(0, 0, _TITLE, min(self.height(), self.length())), self.title, centred=True)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        label = str(self.model().headerData(section, self.orientation()))
        painter.setFont(font())
        painter.setPen(QColor(theme.current().text))
        if self.orientation() is Qt.Orientation.Vertical:
            box, side = rect.adjusted(_TITLE, 0, -8, 0), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        else:
            box, side = rect.adjusted(0, _TITLE, 0, -8), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
        text = QFontMetricsF(font()).elidedText(label, Qt.TextElideMode.ElideRight, _MAX_LABEL)
        if self.is_upright:
            _draw_upright(painter, QRectF(box), text)
        else:
            painter.drawText(box, side, text)


class Cells(QTableView):
    """The matrix: its current cell is moved with the arrow keys, and chosen with Enter or by a click.

    Attributes:
        chosen: the row and column of the chosen cell among all classes.
    """

    chosen = Signal(int, int)

    def __init__(self, rows: str, columns: str) -> None:
        super().__init__()
        self.setObjectName("cells")
        self._model = _Model(self)
        self.setModel(self._model)
        self._rows = _Labels(Qt.Orientation.Vertical, rows, self)
        self._columns = _Labels(Qt.Orientation.Horizontal, columns, self)
        self.setVerticalHeader(self._rows)
        self.setHorizontalHeader(self._columns)
        self._delegate = _CellPainter(self._model)
        self.setItemDelegate(self._delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QTableView.SelectionMode.NoSelection)
        self.setHorizontalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setMinimumSize(320, 320)
        self.viewport().setMouseTracking(True)
        self.clicked.connect(self._choose)

    def show_confusion(self, confusion: Confusion) -> None:
        self._model.show_confusion(confusion)
        layout = _arrange(confusion.labels, QSize(_ROOM, _ROOM))
        self.setMinimumHeight(min(_ROOM, max(320, layout.top + len(confusion.labels) * layout.cell + _GAP)))
        self._fit()

    def _fit(self) -> None:
        layout = _arrange(self._model.confusion.labels, self.size())
        self._rows.setDefaultSectionSize(layout.cell)
        self._columns.setDefaultSectionSize(layout.cell)
        self._rows.setFixedWidth(layout.left)
        self._columns.setFixedHeight(layout.top)
        self._columns.is_upright = layout.is_upright
        self.setFont(_cell_font(self._model.cells, layout.cell))

    def picture_size(self) -> QSize:
        """The size of the whole matrix, including scrolled-out parts."""
        return QSize(self._rows.width() + self._columns.length(), self._columns.height() + self._rows.length())

    def paint_onto(self, painter: QPainter, target: QRectF, _scale: float) -> None:
        """Draw the whole matrix into a rectangle of that size."""
        whole = Cells(self._rows.title, self._columns.title)
        whole.show_confusion(self._model.confusion)
        whole.resize(self.picture_size())
        whole.render(painter, target.topLeft().toPoint())

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(*self._model.place(index))

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid() and self.hasFocus():
            box = self.visualRect(current)
            place = self.viewport().mapToGlobal(box.bottomRight() + QPoint(4, -8))
            QToolTip.showText(place, current.data(Qt.ItemDataRole.ToolTipRole), self, box)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if Qt.Key(event.key()) in _CHOOSING and self.currentIndex().isValid():
            self._choose(self.currentIndex())
        elif Qt.Key(event.key()) in _MOVING:
            super().keyPressEvent(event)
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        is_cell = self.indexAt(event.position().toPoint()).isValid()
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if is_cell else Qt.CursorShape.ArrowCursor)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._delegate.colours = theme.current()
        super().paintEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        """Scroll also with the mouse over the labels, whose wheel events come here."""
        if isinstance(event, QWheelEvent):
            self.wheelEvent(event)
            return event.isAccepted()
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def _cell_font(cells: tuple[tuple[tuple[str, float], ...], ...], cell: int) -> QFont:
    """A font in which the longest number fits into a cell."""
    size = max(10, min(14, cell * 2 // 5))
    longest = max((text for row in cells for text, _ in row), key=len, default="")
    width = text_size(longest, size).width()
    return font(size if width <= cell - 4 else max(8, int(size * (cell - 4) / width)))


def _draw_upright(painter: QPainter, box: QRectF, text: str, *, centred: bool = False) -> None:
    """Draw rotated text that reads upwards, from the bottom of the box or in its middle."""
    painter.save()
    painter.translate(box.left(), box.bottom())
    painter.rotate(-90)
    side = Qt.AlignmentFlag.AlignHCenter if centred else Qt.AlignmentFlag.AlignLeft
    painter.drawText(QRectF(0, 0, box.height(), box.width()), side | Qt.AlignmentFlag.AlignVCenter, text)
    painter.restore()
