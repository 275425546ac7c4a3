"""A pyqtgraph view as the window wants it: quiet under the mouse, in the theme's colours, drawn at any scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import pyqtgraph
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QApplication, QFrame, QSizePolicy, QStyleOptionGraphicsItem, QWidget

from gui.widgets import theme
from gui.widgets.theme import Tokens

SMALL: Final = 12
"""Height of the letters beside an axis, in pixels."""

_OVERHANG: Final = 20
"""Room at the right for the half of the last name of an axis."""
_TICK_GAP: Final = 6
_RESTYLING: Final = (
    QEvent.Type.PaletteChange,
    QEvent.Type.StyleChange,
    QEvent.Type.DevicePixelRatioChange,
    QEvent.Type.Show,
)

MarkerStyle = Literal["line", "dashed", "ring", "bar", "dots", "squares"]
ColorRole = Literal["plot_main", "plot_other", "muted", "text", "border"]
Range = tuple[float, float]
Tick = tuple[float, str]


def font(size: int = SMALL, *, bold: bool = False) -> QFont:
    """The window's font at this many pixels."""
    result = QFont(QApplication.font())
    result.setPixelSize(size)
    result.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return result


@dataclass(frozen=True, slots=True)
class Style:
    """How plots are drawn.

    Attributes:
        colours: the theme's.
        scale: dots of the screen or picture for each pixel.
    """

    colours: Tokens
    scale: float = 1.0

    def colour(self, role: ColorRole) -> QColor:
        """The colour the theme has for it."""
        return QColor(getattr(self.colours, role))

    def pen(self, role: ColorRole, *, dashed: bool = False, width: float = 2) -> QPen:
        """A pen for what is measured in a chart's own units; it is that many pixels wide all the same."""
        result = QPen(self.colour(role), width * self.scale, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        result.setCosmetic(True)
        return result


def round_ticks(low: float, high: float, max_count: int = 6, *, min_step: float = 0.0) -> list[float]:
    """Round numbers from `low` to `high`, at most so many, at least `min_step` apart."""
    if not high > low:
        return [low]
    wanted = max((high - low) / max(max_count - 1, 1), min_step)
    power = 10.0 ** math.floor(math.log10(wanted) + 1e-9)
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= wanted * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


class Styled(Protocol):
    """What can be drawn in another style."""

    def show_style(self, style: Style) -> None:
        """Use this style."""


class Canvas(pyqtgraph.GraphicsView):
    """Holds charts and their key; the wheel scrolls the page under it, and no mouse button changes what is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
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
        """Have this part follow the style."""
        self._parts.append(part)
        part.show_style(self._style)

    def show_style(self, style: Style) -> None:
        """Use this style."""
        self._style = style
        self.setBackground(QColor(style.colours.surface))
        for part in self._parts:
            part.show_style(style)

    def show_theme(self) -> None:
        """Use the colours that are in use now, as this screen needs them."""
        style = Style(theme.current(), self.devicePixelRatioF())
        if style != self._style:
            self.show_style(style)

    def paint_onto(self, painter: QPainter, target: QRectF, scale: float) -> None:
        """Draw everything there is, also what is scrolled out of sight, into a rectangle of the canvas's size."""
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
    """One line that says which mark means what."""

    def __init__(self, entries: Sequence[tuple[str, MarkerStyle, ColorRole]]) -> None:
        super().__init__()
        self._entries = entries
        self._style = Style(theme.current())
        self._font = font()
        self.setMinimumHeight(20)
        self.setMaximumHeight(20)

    def show_style(self, style: Style) -> None:
        """Use this style."""
        self._style = style
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw mark and name of each entry, from the left."""
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


class Chart:
    """A rectangle with an axis below and one at its left; what it shows is set, never found by itself."""

    def __init__(
        self, canvas: Canvas, row: int, column: int, *, bottom: str = "", left: str = "", rules_up: bool = False
    ) -> None:
        """In two rows and two columns of the canvas from these on; `rules_up` for rules from the lower axis upwards."""
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
        """Show this range of each axis, with these ticks."""
        self.box.setRange(xRange=across, yRange=up, padding=0)
        self._bottom.show_ticks(bottom)
        self._left.show_ticks(left)
        places = [place for place, _ in (bottom if self._rules_up else left) for _ in range(2)]
        ends = list(up if self._rules_up else across) * (len(places) // 2)
        self._rules.setData(*((places, ends) if self._rules_up else (ends, places)))

    def show_style(self, style: Style) -> None:
        """Use this style."""
        self._rules.setPen(style.pen("border", width=1))
        for axis in (self._left, self._bottom):
            axis.show_style(style)


class _Axis(pyqtgraph.AxisItem):
    """Names round numbers; its rules are the chart's, since pyqtgraph's own lie over the curves."""

    def __init__(self, side: Literal["left", "bottom"], name: str, box: pyqtgraph.ViewBox) -> None:
        self._name = name
        super().__init__(side, linkView=box, maxTickLength=0)
        self.enableAutoSIPrefix(False)
        self.setStyle(tickFont=font(), tickTextOffset=_TICK_GAP, hideOverlappingLabels=False)

    def show_ticks(self, shown: Sequence[Tick]) -> None:
        """Show these, and take the room they need at once, which pyqtgraph does only after the first drawing."""
        self.setTicks([list(shown)])
        sizes = [text_size(text) for _, text in shown]
        name = text_size(self._name).height() + 4 if self._name else 0
        if self.orientation == "left":
            self.setWidth(math.ceil(max((size.width() for size in sizes), default=0)) + 2 * _TICK_GAP + name)
        else:
            self.setHeight(math.ceil(max((size.height() for size in sizes), default=0)) + 2 * _TICK_GAP + name)

    def show_style(self, style: Style) -> None:
        """Use this style."""
        self.setTextPen(style.colour("muted"))
        self.setPen(style.pen("border", width=1))

    def drawPicture(
        self,
        painter: QPainter,
        line: tuple[QPen, QPointF, QPointF],
        _marks: object,
        texts: Sequence[tuple[QRectF, int, str]],
    ) -> None:
        """Draw the axis without marks at its ticks, and its name as plain text: pyqtgraph's is a document in HTML."""
        super().drawPicture(painter, line, [], texts)
        room = self.size()
        painter.setFont(font())
        if self.orientation == "left":
            painter.rotate(-90)
            box = QRectF(-room.height(), 0, room.height(), room.width())
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self._name)
        else:
            box = QRectF(0, 0, room.width(), room.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, self._name)

    def _updateLabel(self) -> None:
        """The label of pyqtgraph's is not used, and laying it out takes long."""


class Heading(pyqtgraph.GraphicsWidget):
    """The name of a chart, where there are several."""

    def __init__(self, canvas: Canvas, text: str) -> None:
        super().__init__()
        self._text, self._style = text, Style(theme.current())
        self.setMinimumHeight(28)
        self.setMaximumHeight(28)
        canvas.add_part(self)

    def show_style(self, style: Style) -> None:
        """Use this style."""
        self._style = style
        self.update()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Write it."""
        painter.setFont(font(bold=True))
        painter.setPen(self._style.colour("text"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignTop, self._text)


class Line:
    """A curve in a chart; where a value is missing it has a gap."""

    def __init__(
        self, canvas: Canvas, chart: Chart, role: ColorRole, *, dashed: bool = False, width: float = 2
    ) -> None:
        self._role, self._dashed, self._width = role, dashed, width
        self._curve = pyqtgraph.PlotCurveItem(antialias=True, connect="finite")
        chart.box.addItem(self._curve, ignoreBounds=True)
        canvas.add_part(self)

    def draw(self, across: Sequence[float], up: Sequence[float]) -> None:
        """Draw it through these points; NaN is a gap."""
        self._curve.setData(list(across), list(up))

    def show_style(self, style: Style) -> None:
        """Use this style."""
        self._curve.setPen(style.pen(self._role, dashed=self._dashed, width=self._width))


class Scatter:
    """Points in a chart: filled dots or squares, or rings."""

    def __init__(
        self, canvas: Canvas, chart: Chart, role: ColorRole, style: Literal["dots", "squares", "ring"]
    ) -> None:
        self._role, self._is_filled = role, style != "ring"
        size = 9 if self._is_filled else 13
        self._points = pyqtgraph.ScatterPlotItem(
            size=size, symbol="s" if style == "squares" else "o", useCache=False, antialias=True
        )
        chart.box.addItem(self._points, ignoreBounds=True)
        canvas.add_part(self)

    def draw(self, across: Sequence[float], up: Sequence[float]) -> None:
        """Put them here."""
        self._points.setData(list(across), list(up))

    def show_style(self, style: Style) -> None:
        """Use this style."""
        self._points.setPen(style.pen(self._role))
        self._points.setBrush(style.colour(self._role) if self._is_filled else None)


def ticks(values: Sequence[float], text: str) -> list[Tick]:
    """Ticks at these values, named by a format such as `.0%`."""
    return [(value, format(value, text)) for value in values]


def text_size(text: str, size: int = SMALL) -> QSizeF:
    """How much room a line of text takes."""
    metrics = QFontMetricsF(font(size))
    return QSizeF(metrics.horizontalAdvance(text), metrics.height())
