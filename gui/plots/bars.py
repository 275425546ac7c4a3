"""A bar chart of precision and recall for each class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import pyqtgraph
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from core.base.i18n import tr, tr_n
from core.evaluation.values import ClassMetrics
from gui.plots.canvas import Bars, Canvas, Chart, ColorRole, Legend, Style, font, ticks
from gui.plots.frame import PlotFrame
from gui.plots.values import FEW, NOTHING, Table, share
from gui.widgets import theme
from gui.widgets.formats import percent

MAX_SHOWN: Final = 50
"""Maximum number of classes drawn, weakest first; the table lists all."""
_HEAD: Final = 64
_ROW: Final = 40
_MAX_ROW: Final = 64
"""The height of a class whose bars are 22 pixels thick."""
_BAR: Final = 0.32
_GAP: Final = 0.06
"""The gap between the bars of a class, which would look like one bar without colour if they touched."""
_LONGEST_LABEL: Final = 112


class Bar(NamedTuple):
    """A fraction, 0..1 or None, and its number as text."""

    value: float | None
    text: str


class ClassBars(PlotFrame):
    """Precision and recall of every class, weakest first, with the numbers beside the bars."""

    def __init__(self, *, title: str = "", main: str = "", other: str = "") -> None:
        """`main` and `other` name the two bars of each class; recall and precision by default."""
        canvas = Canvas()
        canvas.setMinimumSize(400, 160)
        legend = Legend([(main or tr("Recall"), "bar", "plot_main"), (other or tr("Precision"), "bar", "plot_other")])
        canvas.add_part(legend)
        canvas.grid.addItem(legend, 0, 0, 1, 2)
        canvas.grid.layout.setRowSpacing(0, theme.GRID)
        self._chart = Chart(canvas, 1, 0, rules_up=True)
        self._chart.box.invertY()
        self._main = _Series(canvas, self._chart, "plot_main", -(_BAR + _GAP) / 2)
        self._other = _Series(canvas, self._chart, "plot_other", (_BAR + _GAP) / 2)
        super().__init__(title or tr("Classes"), canvas)
        self.show_result(tr(NOTHING), Table((), ()))

    def show_classes(self, classes: Sequence[ClassMetrics]) -> None:
        """Show the metrics of each class."""
        found = sorted(classes, key=_by_f1)
        shown = found[:MAX_SHOWN]
        recalls = [Bar(one.recall, share(one.recall, one.support)) for one in shown]
        precisions = [Bar(one.precision, share(one.precision, _predicted(one))) for one in shown]
        self._draw([(one.label, one.support) for one in shown], recalls, precisions)
        rows = tuple(
            (one.label, percent(one.recall, 1), percent(one.precision, 1), f"{one.support:,}") for one in found
        )
        self.show_result(_sentence(found), Table((tr("Class"), tr("Recall"), tr("Precision"), tr("Photos")), rows))

    def _draw(self, classes: Sequence[tuple[str, int]], main: Sequence[Bar], other: Sequence[Bar]) -> None:
        """Draw classes, each with its number of photos, from top to bottom; those with few photos are hollow."""
        self.canvas.setMinimumHeight(_HEAD + _ROW * len(classes))
        self.canvas.setMaximumHeight(max(160, _HEAD + _MAX_ROW * len(classes)))
        names = [(float(row), f"{_elided(name)} ({support:,})") for row, (name, support) in enumerate(classes)]
        self._chart.show_range((0, 1.3), (-0.6, len(classes) - 0.4), ticks([0, 0.5, 1], ".0%"), names)
        hollow = [support < FEW for _, support in classes]
        self._main.draw(main, hollow)
        self._other.draw(other, hollow)


class _Series:
    """A bar for each class, with its number."""

    def __init__(self, canvas: Canvas, chart: Chart, role: ColorRole, shift: float) -> None:
        self._shift = shift
        self._bars, self._numbers = Bars(canvas, chart, role), _Numbers()
        chart.box.addItem(self._numbers, ignoreBounds=True)
        canvas.add_part(self._numbers)

    def draw(self, bars: Sequence[Bar], hollow: Sequence[bool]) -> None:
        places = [row + self._shift for row in range(len(bars))]
        self._bars.draw(x0=0, y=places, width=[one.value or 0.0 for one in bars], height=_BAR, hollow=hollow)
        self._numbers.draw(
            [(QPointF(one.value or 0.0, place), one.text) for one, place in zip(bars, places, strict=True)]
        )


class _Numbers(pyqtgraph.GraphicsObject):
    """All numbers in one item, as creating a pyqtgraph text item takes half a millisecond."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: Sequence[tuple[QPointF, str]] = ()
        self._colour = QColor()

    def draw(self, numbers: Sequence[tuple[QPointF, str]]) -> None:
        self.prepareGeometryChange()
        self._numbers = numbers

    def show_style(self, style: Style) -> None:
        self._colour = style.colour("text")
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(0, -1, 2, len(self._numbers) + 1)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw the texts in pixel coordinates, as the chart's units would stretch them."""
        units = painter.worldTransform()
        painter.resetTransform()
        painter.setFont(font(11))
        painter.setPen(self._colour)
        for place, text in self._numbers:
            box = QRectF(units.map(place) + QPointF(4, -10), QSizeF(80, 20))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)


def _elided(name: str) -> str:
    return QFontMetricsF(font()).elidedText(name, Qt.TextElideMode.ElideRight, _LONGEST_LABEL)


def _by_f1(one: ClassMetrics) -> tuple[float, str]:
    """The weakest class comes first; classes without photos come last."""
    return (2.0 if one.recall is None else one.f1 or 0.0), one.label


def _sentence(found: Sequence[ClassMetrics]) -> str:
    """The weakest and the strongest class."""
    known = [one for one in found if one.recall is not None]
    if not known:
        return tr("No classes to compare.")
    return " ".join((*_ranking(known), *_caveats(found)))


def _ranking(known: Sequence[ClassMetrics]) -> Iterator[str]:
    """The classes of the lowest and the highest recall; of several, the one of most photos."""
    weakest = min(known, key=lambda one: (one.recall, -one.support))
    strongest = max(known, key=lambda one: (one.recall, one.support))
    if len(known) > 1 and weakest.recall == strongest.recall:
        yield tr("All classes have the same recall ({recall}).", recall=percent(weakest.recall, 1))
        return
    yield tr(
        "Weakest class: {name} (recall {recall}).", name=weakest.label, recall=share(weakest.recall, weakest.support)
    )
    if len(known) > 1:
        recall = share(strongest.recall, strongest.support)
        yield tr("Strongest: {name} (recall {recall}).", name=strongest.label, recall=recall)


def _caveats(found: Sequence[ClassMetrics]) -> Iterator[str]:
    few = sum(0 < one.support < FEW for one in found)
    if few:
        yield tr_n(
            "Hollow: {count} class with fewer than {few} test photos, too few to tell.",
            "Hollow: {count} classes with fewer than {few} test photos, too few to tell.",
            few,
            few=FEW,
        )
    if len(found) > MAX_SHOWN:
        yield tr(
            "Showing the {shown} weakest of {total:,} classes; the table lists all.", shown=MAX_SHOWN, total=len(found)
        )


def _predicted(one: ClassMetrics) -> int:
    """How many photos were predicted as this class; no fewer than `FEW` if that is unknown, as none was right."""
    correct = (one.recall or 0.0) * one.support
    return round(correct / one.precision) if one.precision else FEW
