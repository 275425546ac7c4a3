"""A histogram of confidence in which a range can be selected by dragging, by keyboard or in the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QGraphicsRectItem

from core.base.i18n import tr, tr_n
from gui.plots.canvas import Bars, Canvas, Chart, Style, round_ticks, ticks
from gui.plots.frame import PlotFrame
from gui.plots.values import Table

Bins = tuple[int, int]
"""A half-open range of bins."""

_BAR: Final = 0.9
_FAINT: Final = 0.16
_CLEARING: Final = (Qt.Key.Key_Escape, Qt.Key.Key_Backspace)
_END: Final = 1.05
"""End of the axis, beyond 1 to leave room for the label 100%."""


class BrushedHistogram(PlotFrame):
    """Photos by the confidence of their prediction, with a selectable range.

    Attributes:
        brushed: the selected range as two confidences; None for all.
    """

    brushed = Signal(object)

    def __init__(self) -> None:
        self._brush = _BrushCanvas()
        super().__init__(tr("Confidence"), self._brush)
        self._copy.hide()  # no room for these buttons in the narrow filter column
        self._save.hide()
        self._brush.chosen.connect(self._on_chosen)
        self.table.selectionModel().selectionChanged.connect(self._on_rows_chosen)
        self._counts: tuple[int, ...] = ()
        self.show_counts((), None)

    def show_counts(self, counts: Sequence[int], chosen: tuple[float, float] | None) -> None:
        """Show the number of photos in equal bins of 0..1, and the selected range."""
        self._counts = tuple(counts)
        bins = None if chosen is None else _bins_of(chosen, len(counts))
        self._brush.show_counts(self._counts, bins)
        rows = tuple((_span(place, len(counts)), f"{count:,}") for place, count in enumerate(counts))
        self.show_result(_sentence(self._counts, bins), Table((tr("Confidence"), tr("Photos")), rows))

    def _on_chosen(self, bins: Bins | None) -> None:
        many = len(self._counts)
        self.brushed.emit(None if bins is None or bins == (0, many) else (bins[0] / many, bins[1] / many))

    def _on_rows_chosen(self) -> None:
        """Select the range of the rows selected in the table."""
        rows = sorted({index.row() for index in self.table.selectionModel().selectedIndexes()})
        if rows and self.is_table():
            self._on_chosen((rows[0], rows[-1] + 1))


class _BrushCanvas(Canvas):
    """The bars: dragging selects a range, arrow keys move it, and Shift with arrow keys resizes it."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(200, 128)
        self.setMaximumHeight(224)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setToolTip(
            tr("Drag over the bars to show only those photos. Arrow keys move the range; Escape clears it.")
        )
        self._chart = Chart(self, 0, 0, bottom=tr("Confidence"))
        self._area = _Area(self, self._chart)
        self._plain, self._inside = Bars(self, self._chart, "muted"), Bars(self, self._chart, "plot_main")
        self._counts: tuple[int, ...] = ()
        self._bins: Bins | None = None
        self._pressed: int | None = None

    def show_counts(self, counts: tuple[int, ...], bins: Bins | None) -> None:
        self._counts = counts
        top = max([*counts, 1]) * 1.05
        beside = ticks(round_ticks(0, top, 4, min_step=1), ",.0f")
        self._chart.show_range((-0.01, _END), (0, top), ticks([0, 0.25, 0.5, 0.75, 1], ".0%"), beside)
        self._area.height = top
        self._draw(bins)

    def _draw(self, bins: Bins | None) -> None:
        self._bins = bins
        many = len(self._counts)
        low, high = bins or (0, many)
        shown = [low <= place < high for place in range(many)]
        width = 1 / max(1, many)
        places = [place * width + width * (1 - _BAR) / 2 for place in range(many)]
        for bars, is_drawn in ((self._inside, shown), (self._plain, [not one for one in shown])):
            heights = [count * one for count, one in zip(self._counts, is_drawn, strict=True)]
            bars.draw(x0=places, width=width * _BAR, height=heights)
        self._area.show_range(None if bins is None or not many else (low / many, high / many))

    def _choose(self, bins: Bins | None) -> None:
        self._draw(bins)
        self.chosen.emit(bins)

    def _bin_at(self, place: QPoint | QPointF) -> int:
        spot = self._chart.box.mapSceneToView(self.mapToScene(QPointF(place).toPoint()))
        return min(len(self._counts) - 1, max(0, int(spot.x() * len(self._counts))))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self._counts:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self._pressed = self._bin_at(event.position())
            self._draw((self._pressed, self._pressed + 1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None:
            low, high = sorted((self._pressed, self._bin_at(event.position())))
            self._draw((low, high + 1))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None:
            self._pressed = None
            self.chosen.emit(self._bins)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._choose(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is not None and self._counts:
            widens = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._choose(_moved(self._bins, step, len(self._counts), widens=widens))
        elif Qt.Key(event.key()) in _CLEARING and self._bins is not None:
            self._choose(None)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._area.show_focus(has_focus=True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._area.show_focus(has_focus=False)


class _Area:
    """The background of the selected bars, with an outline while it has the keyboard focus."""

    def __init__(self, canvas: Canvas, chart: Chart) -> None:
        self.height = 1.0
        self._item = QGraphicsRectItem()
        self._style: Style | None = None
        self._has_focus, self._is_all = False, True
        chart.box.addItem(self._item, ignoreBounds=True)
        canvas.add_part(self)

    def show_range(self, across: tuple[float, float] | None) -> None:
        """Cover this range; None for no selection."""
        low, high = across or (0.0, 1.0)
        self._item.setRect(low, 0, high - low, self.height)
        self._is_all = across is None
        self._paint()

    def show_focus(self, *, has_focus: bool) -> None:
        self._has_focus = has_focus
        self._paint()

    def show_style(self, style: Style) -> None:
        self._style = style
        self._paint()

    def _paint(self) -> None:
        if self._style is None:
            return
        fill = self._style.colour("plot_main")
        fill.setAlphaF(0.0 if self._is_all else _FAINT)
        self._item.setBrush(fill)
        if self._has_focus:
            self._item.setPen(self._style.pen("plot_main"))
        else:
            self._item.setPen(Qt.PenStyle.NoPen if self._is_all else self._style.pen("border", width=1))


def _moved(bins: Bins | None, step: int, many: int, *, widens: bool) -> Bins:
    """Move a range by one bin, or only its end if it `widens`."""
    if bins is None:
        return (0, 1) if step > 0 else (many - 1, many)
    low, high = bins
    if widens:
        return low, min(many, max(low + 1, high + step))
    step = max(-low, min(many - high, step))
    return low + step, high + step


def _bins_of(chosen: tuple[float, float], many: int) -> Bins:
    low = min(many - 1, max(0, round(chosen[0] * many)))
    return low, min(many, max(low + 1, round(chosen[1] * many)))


def _span(place: int, many: int) -> str:
    return tr("{low:.0%} to {high:.0%}", low=place / many, high=(place + 1) / many)


def _sentence(counts: tuple[int, ...], bins: Bins | None) -> str:
    total = sum(counts)
    if not total:
        return tr("No predictions yet.")
    if bins is None:
        return tr_n(
            "{count:,} photo. Drag over the bars to select a range.",
            "{count:,} photos. Drag over the bars to select a range.",
            total,
        )
    return tr_n(
        "{chosen:,} of {count:,} photo between {low:.0%} and {high:.0%}.",
        "{chosen:,} of {count:,} photos between {low:.0%} and {high:.0%}.",
        total,
        chosen=sum(counts[bins[0] : bins[1]]),
        low=bins[0] / len(counts),
        high=bins[1] / len(counts),
    )
