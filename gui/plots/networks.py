"""Accuracy against cost: published networks and those measured here on one side, the user's models on the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import pyqtgraph
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from core.app.values import ComparedNetwork, NetworkComparison, NetworkKind
from core.base.i18n import mark, tr
from gui.plots.canvas import (
    Canvas,
    Chart,
    Heading,
    Legend,
    PointStyle,
    Range,
    Scatter,
    Style,
    font,
    round_ticks,
    text_size,
    ticks,
)
from gui.plots.frame import PlotFrame
from gui.plots.label_placement import PlacedLabel, place_labels
from gui.plots.network_values import (
    AXIS_LABELS,
    KINDS,
    CostAxis,
    Point,
    accuracy_range,
    cost_range,
    cost_ticks,
    describe,
    points_of,
    table_of,
)
from gui.widgets import theme
from gui.widgets.announcing import announce
from gui.widgets.basic import label

_LABEL: Final = 11
_LONGEST: Final = 0.5
"""The longest label as a fraction of the width of its chart."""
_MEASURED: Final = ("squares", "dots")
"""The markers of what was measured on this computer."""
_SIZES: Final[Mapping[PointStyle, int]] = {"ring": 15, "squares": 7, "dots": 7, "diamonds": 11}
"""In pixels; a square fits into a ring, as a measured network has the multiply-adds of the published one."""
_SAME_PLACE: Final = 8.0
"""How far apart two points share a label, in pixels."""
_REACH: Final = 18.0
"""How near the pointer must be to a point, in pixels."""
_HINT: Final = mark("Point at a network, or use the arrow keys, to see its numbers.")
_CAUTION: Final = mark(
    "Published accuracy is for ImageNet’s 1,000 classes, the accuracy of your models for your own classes and photos: "
    "they are not the same measure."
)
_STEPS: Final = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}


class NetworksPlot(PlotFrame):
    """A scatter plot of networks in two charts, since accuracies on different photos cannot be compared."""

    def __init__(self) -> None:
        self._charts = _ScatterCanvas()
        super().__init__(tr("Accuracy and cost"), self._charts)
        self.detail = label(tr(_HINT), "muted", wrap=True)
        self.detail.setMinimumHeight(2 * self.detail.fontMetrics().lineSpacing())
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.add_below(self.detail)
        self._charts.pointed.connect(self._on_pointed)
        self._comparison, self._axis = NetworkComparison((), None), CostAxis.SIZE
        self._show()

    def show_comparison(self, comparison: NetworkComparison) -> None:
        self._comparison = comparison
        self._show()

    def show_axis(self, axis: CostAxis) -> None:
        """Compare accuracy with this."""
        self._axis = axis
        self._show()

    def _show(self) -> None:
        networks = self._comparison.networks
        self._charts.show_points(points_of(networks, self._axis), self._axis)
        self._on_pointed(None)
        self.show_result(tr(_CAUTION), table_of(networks))

    def _on_pointed(self, one: ComparedNetwork | None) -> None:
        self.detail.setText(tr(_HINT) if one is None else describe(one))
        if one is not None and self._charts.hasFocus():
            announce(self._charts, self.detail.text())


class _ScatterCanvas(Canvas):
    """Two charts with one legend; the pointer or the arrow keys choose a network.

    Attributes:
        pointed: this network was chosen; None for none.
    """

    pointed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(520, 280)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        published = tr("ImageNet, 1,000 classes: published")
        kinds: dict[NetworkKind, PointStyle] = {
            NetworkKind.PUBLISHED: "ring", NetworkKind.MEASURED: "squares", NetworkKind.LITERT: "dots",
        }  # fmt: skip
        self._published = _Panel(self, 0, published, kinds)
        self._own = _Panel(self, 2, tr("Your test photos, your classes"), {NetworkKind.OWN: "diamonds"})
        legend = _legend()
        self.add_part(legend)
        self.grid.layout.setRowSpacing(2, theme.GRID)
        self.grid.addItem(legend, 3, 0, 1, 4)
        self.grid.layout.setColumnSpacing(1, 3 * theme.GRID)
        self.grid.layout.setColumnStretchFactor(1, 4)
        self.grid.layout.setColumnStretchFactor(3, 3)
        self._order: list[Point] = []
        self._chosen: Point | None = None

    def show_points(self, points: Sequence[Point], axis: CostAxis) -> None:
        """Show these networks along this axis, which both charts share."""
        across = cost_range(points, axis)
        published = [point for point in points if point.network.kind is not NetworkKind.OWN]
        own = [point for point in points if point.network.kind is NetworkKind.OWN]
        needs_time = tr("Measure this computer to see its times.") if axis is CostAxis.TIME else ""
        self._published.show_points(published, across, axis, needs_time)
        self._own.show_points(own, across, axis, needs_time or tr("Models that you train and test appear here."))
        self._order = [*sorted(published, key=_place), *sorted(own, key=_place)]
        self._choose(None)

    def _choose(self, point: Point | None) -> None:
        if point is not self._chosen or point is None:
            self._chosen = point
            for panel in (self._published, self._own):
                panel.mark(point)
            self.pointed.emit(None if point is None else point.network)

    def _nearest(self, at: QPointF) -> Point | None:
        places = [*self._published.places(self.mapFromScene), *self._own.places(self.mapFromScene)]
        near = [(math.hypot(place.x() - at.x(), place.y() - at.y()), point) for point, place in places]
        distance, point = min(near, key=lambda one: one[0], default=(math.inf, None))
        return point if distance <= _REACH else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self._nearest(event.position())
        if found is not None:
            self._choose(found)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._choose(self._nearest(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if not self.hasFocus():
            self._choose(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk through the networks, the cheapest first."""
        key = Qt.Key(event.key())
        if self._order and key in _STEPS:
            at = self._order.index(self._chosen) if self._chosen in self._order else -1
            self._choose(self._order[min(len(self._order) - 1, max(0, at + _STEPS[key]))])
        elif self._order and key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._choose(self._order[0 if key == Qt.Key.Key_Home else -1])
        elif key == Qt.Key.Key_Escape and self._chosen is not None:
            self._choose(None)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        is_by_key = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        if is_by_key and self._chosen is None and self._order:
            self._choose(self._order[0])

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._choose(None)


class _Panel:
    """A chart with its points and their labels."""

    def __init__(self, canvas: Canvas, column: int, title: str, styles: dict[NetworkKind, PointStyle]) -> None:
        canvas.grid.addItem(Heading(canvas, title), 0, column, 1, 2)
        self._chart = Chart(canvas, 1, column, bottom=tr(AXIS_LABELS[CostAxis.SIZE]), left=tr("Accuracy (top-1)"))
        self._points: Sequence[Point] = ()
        self._series = {
            kind: Scatter(
                canvas, self._chart, "plot_other" if style in _MEASURED else "plot_main", style, _SIZES[style]
            )
            for kind, style in styles.items()
        }
        self._labels = _Labels(self._chart.box)
        self._chart.box.addItem(self._labels, ignoreBounds=True)
        canvas.add_part(self._labels)

    def show_points(self, points: Sequence[Point], across: Range, axis: CostAxis, empty: str) -> None:
        """Show these points, or a text if there are none."""
        self._points = points
        up = accuracy_range(points)
        beside = [tick for tick in round_ticks(*up) if tick <= 1]
        self._chart.name_bottom(tr(AXIS_LABELS[axis]))
        self._chart.show_range(across, up, cost_ticks(across, axis), ticks(beside, ".0%"))
        for kind, series in self._series.items():
            of_kind = [point for point in points if point.network.kind is kind]
            series.draw([point.x for point in of_kind], [point.network.accuracy for point in of_kind])
        self._labels.show_points(points, empty)

    def mark(self, point: Point | None) -> None:
        """Highlight this point, if it is in this chart."""
        self._labels.mark(point if point in self._points else None)

    def places(self, mapped: Callable[[QPointF], QPointF]) -> list[tuple[Point, QPointF]]:
        """The points with their places in the canvas."""
        to_scene = self._chart.box.mapViewToScene
        return [(one, QPointF(mapped(to_scene(QPointF(one.x, one.network.accuracy))))) for one in self._points]


class _Labels(pyqtgraph.GraphicsObject):
    """The names of points beside them, as far as there is room; that of the chosen one always."""

    def __init__(self, box: pyqtgraph.ViewBox) -> None:
        super().__init__()
        self._box = box
        self._points: Sequence[Point] = ()
        self._marked: Point | None = None
        self._empty = ""
        self._placed_for: object = None
        self._placed_labels: Sequence[PlacedLabel | None] = ()
        self._style = Style(theme.current())

    def show_points(self, points: Sequence[Point], empty: str) -> None:
        """Label these points, or show a text if there are none."""
        self.prepareGeometryChange()
        self._points, self._empty, self._marked = points, empty, None
        self.update()

    def mark(self, point: Point | None) -> None:
        if point is not self._marked:
            self._marked = point
            self.update()

    def show_style(self, style: Style) -> None:
        self._style = style
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(self._box.viewRect())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw in pixel coordinates, as the chart's units would stretch texts."""
        units = painter.worldTransform()
        room = units.mapRect(self.boundingRect())
        places = [units.map(QPointF(point.x, point.network.accuracy)) for point in self._points]
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(_LABEL))
        if not self._points:
            painter.setPen(self._style.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room.adjusted(16, 16, -16, -16), flags, self._empty)
            return
        texts = [_elided(text, room.width() * _LONGEST) for text in _texts(self._points, places)]
        labels = self._placed(places, texts, room)
        for point, text, found in zip(self._points, texts, labels, strict=True):
            if found is not None and text and point is not self._marked:
                self._paint_label(painter, text, found)
        for point, text, place, found in zip(self._points, texts, places, labels, strict=True):
            if point is self._marked:
                shown = text or point.label
                box = _rectangle(found) if found and text else _above(place, shown, room)
                self._paint_marked(painter, place, shown, box)

    def _placed(self, places: Sequence[QPointF], texts: Sequence[str], room: QRectF) -> Sequence[PlacedLabel | None]:
        """The places of the labels; found again only where something moved, as that takes some milliseconds."""
        spots, sizes = [place.toTuple() for place in places], [text_size(text, _LABEL).toTuple() for text in texts]
        box = room.left(), room.top(), room.right(), room.bottom()
        if (spots, sizes, box) != self._placed_for:
            self._placed_for = spots, sizes, box
            self._placed_labels = place_labels(spots, sizes, box)
        return self._placed_labels

    def _paint_label(self, painter: QPainter, text: str, label: PlacedLabel) -> None:
        if label.line is not None:
            painter.setPen(QPen(self._style.colour("muted"), 1))
            painter.drawLine(QPointF(*label.line[0]), QPointF(*label.line[1]))
        painter.setPen(self._style.colour("text"))
        painter.drawText(_rectangle(label).adjusted(0, 0, 2, 0), Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_marked(self, painter: QPainter, place: QPointF, text: str, box: QRectF) -> None:
        """A ring around the point, and its name on a plate above everything else."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._style.colour("text"), 2))
        painter.drawEllipse(place, 11, 11)
        painter.setPen(QPen(self._style.colour("text"), 1))
        painter.setBrush(self._style.surface)
        painter.drawRoundedRect(box.adjusted(-4, -2, 4, 2), 4, 4)
        painter.drawText(box.adjusted(0, 0, 2, 0), Qt.AlignmentFlag.AlignVCenter, text)


def _legend() -> Legend:
    return Legend(
        [
            (tr(KINDS[NetworkKind.PUBLISHED]), "ring", "plot_main"),
            (tr(KINDS[NetworkKind.MEASURED]), "squares", "plot_other"),
            (tr(KINDS[NetworkKind.LITERT]), "dots", "plot_other"),
            (tr("Your models"), "diamonds", "plot_main"),
        ]
    )


def _texts(points: Sequence[Point], places: Sequence[QPointF]) -> list[str]:
    """The labels of points; a measured network at the place of the published one needs none of its own."""
    texts = [point.label for point in points]
    for number, point in enumerate(points):
        for before, other in enumerate(points[:number]):
            is_same = point.network.kind is NetworkKind.MEASURED and other.network.name == point.network.name
            if is_same and (places[number] - places[before]).manhattanLength() <= _SAME_PLACE:
                texts[number] = ""
    return texts


def _rectangle(label: PlacedLabel) -> QRectF:
    left, top, right, bottom = label.box
    return QRectF(left, top, right - left, bottom - top)


def _above(place: QPointF, text: str, room: QRectF) -> QRectF:
    """The place of a text above a point, or below it at the top of the room, whatever it covers."""
    size = text_size(text, _LABEL)
    top = place.y() - 16 - size.height()
    left = max(room.left() + 6, min(place.x() - size.width() / 2, room.right() - size.width() - 6))
    return QRectF(QPointF(left, place.y() + 16 if top < room.top() + 4 else top), size)


def _elided(text: str, width: float) -> str:
    return QFontMetricsF(font(_LABEL)).elidedText(text, Qt.TextElideMode.ElideRight, width)


def _place(point: Point) -> tuple[float, float]:
    return point.x, point.network.accuracy
