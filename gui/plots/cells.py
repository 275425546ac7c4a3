"""Painting a confusion matrix: shaded cells, and labels that stay visible while the cells are scrolled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import pyqtgraph
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from gui.plots.canvas import Style, font, text_size
from gui.widgets import theme
from gui.widgets.theme import Tokens

MIN_CELL: Final = 24
MAX_CELL: Final = 64
_MAX_LABEL: Final = 144
_TITLE: Final = 24
_GAP: Final = 1
_EDGE: Final = 4
"""Space for the focus ring around the outer cells, in pixels."""
_FAINTEST: Final = 0.10
"""Opacity of the smallest non-zero fraction, so that one photo among thousands is visible."""
_QUIET_ABOVE: Final = 12
"""With more classes than this, empty cells show no number, so that the others stand out."""
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Grid:
    """The layout of a matrix.

    Attributes:
        labels: the classes.
        counts: photos by row (label) and column (prediction).
        cell: side of a cell in pixels.
        left: left edge of the cells in pixels.
        top: top edge of the cells in pixels.
        is_upright: whether the column labels are rotated.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    cell: int
    left: int
    top: int
    is_upright: bool

    @property
    def size(self) -> tuple[int, int]:
        """Total width and height in pixels."""
        side = self.cell * len(self.labels)
        return self.left + side + _EDGE, self.top + side + _EDGE

    def box(self, cell: Cell) -> QRectF:
        """The rectangle of a cell."""
        row, column = cell
        return QRectF(self.left + column * self.cell, self.top + row * self.cell, self.cell - _GAP, self.cell - _GAP)

    def at(self, place: QPointF) -> Cell | None:
        """The cell at a point; None outside the cells."""
        row = math.floor((place.y() - self.top) / self.cell)
        column = math.floor((place.x() - self.left) / self.cell)
        is_inside = 0 <= row < len(self.labels) and 0 <= column < len(self.labels)
        return (row, column) if is_inside else None


def arrange(labels: tuple[str, ...], counts: tuple[tuple[int, ...], ...], width: int, height: int) -> Grid:
    """Lay out the largest cells that fit into this size, in pixels; if even the smallest do not, the matrix scrolls."""
    widest = min(_MAX_LABEL, max([text_size(label).width() for label in labels], default=0.0))
    left = _TITLE + math.ceil(widest) + 16
    for is_upright in (False, True):
        top = _TITLE + (math.ceil(widest) + 16 if is_upright else _TITLE)
        fitting = min(width - left - _EDGE, height - top - _EDGE) // max(1, len(labels))
        cell = max(MIN_CELL, min(MAX_CELL, fitting))
        if widest + 4 <= cell:
            break
    return Grid(labels, counts, cell, left, top, is_upright)


def short(count: int) -> str:
    """Format a number with at most four characters."""
    if count < 1000:
        return str(count)
    unit, scale = ("k", 1e3) if count < 999_500 else ("M", 1e6)
    return f"{count / scale:.1f}{unit}" if count / scale < 9.95 else f"{count / scale:.0f}{unit}"


def _blend(under: str, over: str, fraction: float) -> QColor:
    below, above = QColor(under), QColor(over)
    parts = zip(below.getRgb()[:3], above.getRgb()[:3], strict=True)  # type: ignore[index]
    return QColor(*(round(a + (b - a) * fraction) for a, b in parts))


def shade(colours: Tokens, fraction: float, *, is_right: bool) -> QColor:
    """The colour of a cell that holds this fraction of its row, 0..1."""
    if not fraction:
        return QColor(colours.window)
    role = colours.plot_main if is_right else colours.plot_other
    return _blend(colours.surface, role, _FAINTEST + (1 - _FAINTEST) * fraction)


def _luminance(of: QColor) -> float:
    """Relative luminance as defined by WCAG 2.2."""
    parts = (of.redF(), of.greenF(), of.blueF())
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def text_colour(background: QColor) -> QColor:
    """Black or white, whichever has the higher contrast to the background."""
    return QColor("#000000" if _luminance(background) > 0.179 else "#ffffff")


class _Part(pyqtgraph.GraphicsObject):
    """A part of the matrix, painted in the theme's colours."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid, self.colours = grid, theme.current()

    def show_grid(self, grid: Grid) -> None:
        """Draw another layout."""
        self.prepareGeometryChange()
        self.grid = grid
        self.update()

    def show_style(self, style: Style) -> None:
        """Apply this style."""
        self.colours = style.colours
        self.update()


class Cells(_Part):
    """The cells with their counts, and a ring around the current one."""

    def __init__(self, grid: Grid) -> None:
        super().__init__(grid)
        self.setFlag(self.GraphicsItemFlag.ItemUsesExtendedStyleOption)
        self._selected: Cell | None = None

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, *self.grid.size)

    def select(self, cell: Cell | None) -> None:
        """Make this cell the current one."""
        for changed in (self._selected, cell):
            if changed is not None:
                self.update(self.grid.box(changed).adjusted(-3, -3, 3, 3))
        self._selected = cell

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the exposed cells."""
        grid, area = self.grid, option.exposedRect
        first = (
            max(0, int((area.top() - grid.top) // grid.cell)),
            max(0, int((area.left() - grid.left) // grid.cell)),
        )
        last = (int((area.bottom() - grid.top) // grid.cell), int((area.right() - grid.left) // grid.cell))
        letters = font(max(10, min(14, grid.cell * 2 // 5)))
        painter.setFont(letters)
        self._fit(painter, letters.pixelSize())
        for row in range(first[0], min(last[0] + 1, len(grid.labels))):
            total = sum(grid.counts[row])
            for column in range(first[1], min(last[1] + 1, len(grid.labels))):
                self._paint_cell(painter, (row, column), total)
        if self._selected is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(self.colours.text), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(grid.box(self._selected).adjusted(-0.5, -0.5, 0.5, 0.5))

    def _fit(self, painter: QPainter, size: int) -> None:
        """Reduce the font size if the longest number does not fit into a cell."""
        longest = max((short(count) for row in self.grid.counts for count in row), key=len, default="")
        width = QFontMetricsF(painter.font()).horizontalAdvance(longest)
        if width > self.grid.cell - 4:
            painter.setFont(font(max(8, int(size * (self.grid.cell - 4) / width))))

    def _paint_cell(self, painter: QPainter, cell: Cell, total: int) -> None:
        row, column = cell
        count, box = self.grid.counts[row][column], self.grid.box(cell)
        fill = shade(self.colours, count / total if total else 0.0, is_right=row == column)
        painter.fillRect(box, fill)
        if count or len(self.grid.labels) <= _QUIET_ABOVE:
            painter.setPen(text_colour(fill) if count else QColor(self.colours.muted))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, short(count))


class RowLabels(_Part):
    """The row labels on the left, which stay in place during horizontal scrolling."""

    def __init__(self, grid: Grid, title: str) -> None:
        super().__init__(grid)
        self._title = title

    def boundingRect(self) -> QRectF:
        return QRectF(0, self.grid.top, self.grid.left - _EDGE, self.grid.size[1] - self.grid.top)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the labels beside their rows."""
        grid, room = self.grid, self.boundingRect()
        painter.fillRect(room, QColor(self.colours.surface))
        painter.setFont(font())
        metrics = QFontMetricsF(font())
        painter.setPen(QColor(self.colours.text))
        for row, label in enumerate(grid.labels):
            box = QRectF(_TITLE, grid.top + row * grid.cell, grid.left - _TITLE - 8, grid.cell)
            text = metrics.elidedText(label, Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.setPen(QColor(self.colours.muted))
        _draw_upright(painter, QRectF(0, room.top(), _TITLE, min(room.height(), 320)), self._title, top=True)


class ColumnLabels(_Part):
    """The column labels at the top, which stay in place during vertical scrolling."""

    def __init__(self, grid: Grid, title: str) -> None:
        super().__init__(grid)
        self._title = title

    def boundingRect(self) -> QRectF:
        return QRectF(self.grid.left, 0, self.grid.size[0] - self.grid.left, self.grid.top - _EDGE)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the labels above their columns."""
        grid, room = self.grid, self.boundingRect()
        painter.fillRect(room, QColor(self.colours.surface))
        painter.setFont(font())
        metrics = QFontMetricsF(font())
        painter.setPen(QColor(self.colours.text))
        for column, label in enumerate(grid.labels):
            box = QRectF(grid.left + column * grid.cell, _TITLE, grid.cell, grid.top - _TITLE - 8)
            text = metrics.elidedText(label, Qt.TextElideMode.ElideRight, _MAX_LABEL)
            if grid.is_upright:
                _draw_upright(painter, box, text)
            else:
                painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, text)
        painter.setPen(QColor(self.colours.muted))
        painter.drawText(QRectF(room.left(), 0, room.width(), _TITLE), Qt.AlignmentFlag.AlignLeft, self._title)


class Corner(_Part):
    """Covers cells that are scrolled under both kinds of labels."""

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self.grid.left - _EDGE, self.grid.top - _EDGE)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Fill the corner."""
        painter.fillRect(self.boundingRect(), QColor(self.colours.surface))


def _draw_upright(painter: QPainter, box: QRectF, text: str, *, top: bool = False) -> None:
    """Draw rotated text that reads upwards, aligned to the bottom of the box or, with `top`, to its top."""
    painter.save()
    painter.translate(box.left(), box.bottom())
    painter.rotate(-90)
    side = Qt.AlignmentFlag.AlignRight if top else Qt.AlignmentFlag.AlignLeft
    painter.drawText(QRectF(0, 0, box.height(), box.width()), side | Qt.AlignmentFlag.AlignVCenter, text)
    painter.restore()
