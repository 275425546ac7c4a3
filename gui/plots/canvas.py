"""Building blocks of the plots: a pyqtgraph view without mouse interaction, in the theme's colours, at any scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import pyqtgraph
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QApplication, QFrame, QSizePolicy, QStyleOptionGraphicsItem, QWidget

from gui.widgets import theme
from gui.widgets.theme import Tokens

SMALL: Final = 12
"""Font size of axis labels, in pixels."""

_OVERHANG: Final = 20
"""Space on the right for half of the last axis label, in pixels."""
_TICK_GAP: Final = 6
_RESTYLING: Final = (
    QEvent.Type.PaletteChange,
    QEvent.Type.StyleChange,
    QEvent.Type.DevicePixelRatioChange,
    QEvent.Type.Show,
)

PointStyle = Literal["dots", "squares", "diamonds", "ring"]
MarkerStyle = PointStyle | Literal["line", "dashed", "bar"]
ColorRole = Literal["plot_main", "plot_other", "muted", "text", "border"]
Range = tuple[float, float]
Tick = tuple[float, str]


def font(size: int = SMALL, *, bold: bool = False) -> QFont:
    """The window's font at this size in pixels."""
    result = QFont(QApplication.font())
    result.setPixelSize(size)
    result.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return result


@dataclass(frozen=True, slots=True)
class Style:
    """The style of plots.

    Attributes:
        colours: the colours of the theme.
        scale: device pixels for each pixel.
    """

    colours: Tokens
    scale: float = 1.0

    def colour(self, role: ColorRole) -> QColor:
        """The colour of this role in the theme."""
        return QColor(getattr(self.colours, role))

    @property
    def surface(self) -> QColor:
        """The colour behind everything."""
        return QColor(self.colours.surface)

    def pen(self, role: ColorRole, *, dashed: bool = False, width: float = 2) -> QPen:
        """A cosmetic pen: its width is in pixels, whatever the units of the chart."""
        result = QPen(self.colour(role), width * self.scale, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        result.setCosmetic(True)
        return result


def round_ticks(low: float, high: float, max_count: int = 6, *, min_step: float = 0.0) -> list[float]:
    """Round numbers from `low` to `high`: at most `max_count`, at least `min_step` apart."""
    if not high > low:
        return [low]
    ideal = max((high - low) / max(max_count - 1, 1), min_step)
    power = 10.0 ** math.floor(math.log10(ideal) + 1e-9)
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= ideal * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


class Styled(Protocol):
    """A part that can be restyled."""

    def show_style(self, style: Style) -> None:
        """Apply this style."""


class Canvas(pyqtgraph.GraphicsView):
    """Holds charts and their legend; passes wheel events to the page and ignores dragging."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setInteractive(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.grid = pyqtgraph.GraphicsLayout()
        self.grid.layout.setContentsMargins(0, 0, _OVERHANG, 0)
        self.grid.layout.setSpacing(0)
        self.setCentralItem(self.grid)
        self._parts: list[Styled] = []
        self.show_style(Style(theme.current(), self.devicePixelRatioF()))

    def add_part(self, part: Styled) -> None:
        """Add a part that follows the style."""
        self._parts.append(part)
        part.show_style(self._style)

    def show_style(self, style: Style) -> None:
        self._style = style
        self.setBackground(style.surface)
        for part in self._parts:
            part.show_style(style)

    def show_theme(self) -> None:
        """Apply the current theme at the scale of the screen."""
        style = Style(theme.current(), self.devicePixelRatioF())
        if style != self._style:
            self.show_style(style)

    def picture_size(self) -> QSize:
        """The size at which it is drawn, also if it was never shown."""
        size: QSize = self.size().expandedTo(self.minimumSize())
        self.resize(size)
        return size

    def paint_onto(self, painter: QPainter, target: QRectF, scale: float) -> None:
        """Draw the whole canvas into a rectangle of its size."""
        default = self._style
        self.show_style(Style(default.colours, scale))
        self.grid.layout.activate()
        self.render(painter, target, QRect(0, 0, self.width(), self.height()))
        self.show_style(default)

    def event(self, event: QEvent) -> bool:
        if event.type() in _RESTYLING and hasattr(self, "_style"):
            self.show_theme()
        return bool(super().event(event))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Legend(pyqtgraph.GraphicsWidget):
    """A legend in one line."""

    def __init__(self, entries: Sequence[tuple[str, MarkerStyle, ColorRole]]) -> None:
        super().__init__()
        self._entries = entries
        self._style = Style(theme.current())
        self._font = font()
        self.setMinimumHeight(20)
        self.setMaximumHeight(20)

    def show_style(self, style: Style) -> None:
        self._style = style
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the marker and the name of each entry from left to right."""
        metrics, at = QFontMetricsF(self._font), 0.0
        painter.setFont(self._font)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for text, style, role in self._entries:
            self._paint_mark(painter, QRectF(at, 4, 24, 12), style, role)
            painter.setPen(self._style.colour("text"))
            box = QRectF(at + 32, 0, metrics.horizontalAdvance(text) + 2, 20)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)
            at = box.right() + 24

    def _paint_mark(self, painter: QPainter, box: QRectF, style: MarkerStyle, role: ColorRole) -> None:
        colour = self._style.colour(role)
        painter.setPen(QPen(colour, 2, Qt.PenStyle.DashLine if style == "dashed" else Qt.PenStyle.SolidLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        middle = QRectF(0, 0, 10, 10)
        middle.moveCenter(box.center())
        match style:
            case "line" | "dashed":
                painter.drawLine(QPointF(box.left(), box.center().y()), QPointF(box.right(), box.center().y()))
            case "ring":
                painter.drawEllipse(middle)
            case "bar" | "squares":
                painter.fillRect(middle, colour)
            case "dots":
                painter.setBrush(colour)
                painter.drawEllipse(middle)
            case "diamonds":
                painter.setBrush(colour)
                edges = (QPointF(0, -6), QPointF(6, 0), QPointF(0, 6), QPointF(-6, 0))
                painter.drawPolygon([middle.center() + edge for edge in edges])


class Chart:
    """A plot area with a bottom and a left axis; its range is always set explicitly."""

    def __init__(
        self, canvas: Canvas, row: int, column: int, *, bottom: str = "", left: str = "", rules_up: bool = False
    ) -> None:
        """Occupies two rows and columns of the canvas, starting here; `rules_up` draws vertical grid lines."""
        self.box = pyqtgraph.ViewBox(enableMouse=False, enableMenu=False, defaultPadding=0)
        self.box.disableAutoRange()
        self._left, self._bottom = _Axis("left", left, self.box), _Axis("bottom", bottom, self.box)
        self._rules_up = rules_up
        self._rules = pyqtgraph.PlotCurveItem(connect="pairs")
        self.box.addItem(self._rules, ignoreBounds=True)
        canvas.grid.addItem(self._left, row, column)
        canvas.grid.addItem(self.box, row, column + 1)
        canvas.grid.addItem(self._bottom, row + 1, column + 1)
        canvas.add_part(self)

    def show_range(self, across: Range, up: Range, bottom: Sequence[Tick], left: Sequence[Tick]) -> None:
        """Set the range and the ticks of each axis."""
        self.box.setRange(xRange=across, yRange=up, padding=0)
        self._bottom.show_ticks(bottom)
        self._left.show_ticks(left)
        places = [place for place, _ in (bottom if self._rules_up else left) for _ in range(2)]
        ends = list(up if self._rules_up else across) * (len(places) // 2)
        self._rules.setData(*((places, ends) if self._rules_up else (ends, places)))

    def align(self, other: Chart) -> None:
        """Give the left axes of this chart and of one above it the same width, so that their plot areas are aligned."""
        width = max(one._left.minimumWidth() for one in (self, other))  # noqa: SLF001 - of the same class
        for one in (self, other):
            one._left.setWidth(width)  # noqa: SLF001

    def name_bottom(self, name: str) -> None:
        """Name the bottom axis; `show_range` shows it."""
        self._bottom.title = name

    def show_style(self, style: Style) -> None:
        self._rules.setPen(style.pen("border", width=1))
        for axis in (self._left, self._bottom):
            axis.show_style(style)


class _Axis(pyqtgraph.AxisItem):
    """An axis with labels only; the chart draws the grid lines, as those of pyqtgraph cover the curves."""

    def __init__(self, side: Literal["left", "bottom"], name: str, box: pyqtgraph.ViewBox) -> None:
        self.title = name
        super().__init__(side, linkView=box, maxTickLength=0)
        self.enableAutoSIPrefix(False)
        self.setStyle(tickFont=font(), tickTextOffset=_TICK_GAP, hideOverlappingLabels=False)

    def show_ticks(self, shown: Sequence[Tick]) -> None:
        """Set the ticks and reserve their space immediately; pyqtgraph does so only after the first paint."""
        self.setTicks([list(shown)])
        sizes = [text_size(text) for _, text in shown]
        name = text_size(self.title).height() + 4 if self.title else 0
        if self.orientation == "left":
            self.setWidth(math.ceil(max((size.width() for size in sizes), default=0)) + 2 * _TICK_GAP + name)
        else:
            self.setHeight(math.ceil(max((size.height() for size in sizes), default=0)) + 2 * _TICK_GAP + name)

    def show_style(self, style: Style) -> None:
        self.setTextPen(style.colour("muted"))
        self.setPen(style.pen("border", width=1))

    def drawPicture(
        self,
        painter: QPainter,
        line: tuple[QPen, QPointF, QPointF],
        _marks: object,
        texts: Sequence[tuple[QRectF, int, str]],
    ) -> None:
        """Draw the axis without tick marks, and its name as plain text instead of pyqtgraph's HTML document."""
        super().drawPicture(painter, line, [], texts)
        room = self.size()
        painter.setFont(font())
        if self.orientation == "left":
            painter.rotate(-90)
            box = QRectF(-room.height(), 0, room.height(), room.width())
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self.title)
        else:
            box = QRectF(0, 0, room.width(), room.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, self.title)

    def _updateLabel(self) -> None:
        """Skip the layout of pyqtgraph's label, which is slow and not used."""


class Heading(pyqtgraph.GraphicsWidget):
    """The title of one chart among several."""

    def __init__(self, canvas: Canvas, text: str) -> None:
        super().__init__()
        self._text, self._style = text, Style(theme.current())
        self.setMinimumHeight(28)
        self.setMaximumHeight(28)
        canvas.add_part(self)

    def show_text(self, text: str) -> None:
        """Change the title."""
        self._text = text
        self.update()

    def show_style(self, style: Style) -> None:
        self._style = style
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setFont(font(bold=True))
        painter.setPen(self._style.colour("text"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignTop, self._text)


class Line:
    """A curve in a chart, with gaps at missing values."""

    def __init__(
        self, canvas: Canvas, chart: Chart, role: ColorRole, *, dashed: bool = False, width: float = 2
    ) -> None:
        self._role, self._dashed, self._width = role, dashed, width
        self._curve = pyqtgraph.PlotCurveItem(antialias=True, connect="finite")
        chart.box.addItem(self._curve, ignoreBounds=True)
        canvas.add_part(self)

    def draw(self, across: Sequence[float], up: Sequence[float]) -> None:
        """Draw the curve through these points; NaN makes a gap."""
        self._curve.setData(list(across), list(up))

    def show_style(self, style: Style) -> None:
        self._curve.setPen(style.pen(self._role, dashed=self._dashed, width=self._width))


class Scatter:
    """Markers in a chart: filled dots, squares or diamonds, or rings."""

    def __init__(self, canvas: Canvas, chart: Chart, role: ColorRole, style: PointStyle, size: int = 0) -> None:
        self._role, self._is_filled = role, style != "ring"
        size = size or (9 if self._is_filled else 13)
        symbol = {"squares": "s", "diamonds": "d"}.get(style, "o")
        self._points = pyqtgraph.ScatterPlotItem(size=size, symbol=symbol, useCache=False, antialias=True)
        chart.box.addItem(self._points, ignoreBounds=True)
        canvas.add_part(self)

    def draw(self, across: Sequence[float], up: Sequence[float]) -> None:
        self._points.setData(list(across), list(up))

    def show_style(self, style: Style) -> None:
        self._points.setPen(style.pen(self._role))
        self._points.setBrush(style.colour(self._role) if self._is_filled else None)


class Bars:
    """Bars in one colour."""

    def __init__(self, canvas: Canvas, chart: Chart, role: ColorRole) -> None:
        self._role = role
        self._hollow: Sequence[bool] = ()
        self._style: Style | None = None
        self._item = pyqtgraph.BarGraphItem(x0=[], width=[], height=[], pen=None)
        chart.box.addItem(self._item, ignoreBounds=True)
        canvas.add_part(self)

    def draw(self, *, hollow: Sequence[bool] = (), **sides: float | Sequence[float]) -> None:
        """Draw bars with these sides, as pyqtgraph's `BarGraphItem` names them; outlined are those that are hollow."""
        self._hollow = hollow
        self._item.setOpts(**sides, brushes=None, pens=None)
        if self._style is not None:
            self.show_style(self._style)

    def show_style(self, style: Style) -> None:
        self._style = style
        colour, clear = style.colour(self._role), QColor(Qt.GlobalColor.transparent)
        if not any(self._hollow):
            self._item.setOpts(brush=colour)
            return
        outline, none = style.pen(self._role, width=1), QPen(Qt.PenStyle.NoPen)
        self._item.setOpts(
            brushes=[clear if is_hollow else colour for is_hollow in self._hollow],
            pens=[outline if is_hollow else none for is_hollow in self._hollow],
        )


def ticks(values: Sequence[float], text: str) -> list[Tick]:
    """Ticks at these values, labelled by a format such as `.0%`."""
    return [(value, format(value, text)) for value in values]


def text_size(text: str, size: int = SMALL) -> QSizeF:
    """The size of a line of text, in pixels."""
    metrics = QFontMetricsF(font(size))
    return QSizeF(metrics.horizontalAdvance(text), metrics.height())
