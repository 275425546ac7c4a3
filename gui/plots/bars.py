"""A bar chart of precision and recall for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyqtgraph
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from core.base.i18n import tr
from core.evaluation.values import ClassMetrics
from gui.plots.canvas import Bars, Canvas, Chart, ColorRole, Legend, Style, font, ticks
from gui.plots.frame import PlotFrame
from gui.plots.values import NOTHING, Table
from gui.widgets import theme
from gui.widgets.formats import percent

MAX_SHOWN: Final = 50
"""Maximum number of classes drawn, weakest first; the table lists all."""
_ROW: Final = 40
_BAR: Final = 0.32
_GAP: Final = 0.06
"""Between the bars of a class: without colour, they could not be told apart where they touch."""
_LONGEST_LABEL: Final = 112


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
        self._draw([(one.label, one.recall, one.precision, one.support) for one in found[:MAX_SHOWN]])
        rows = tuple(
            (one.label, percent(one.recall, 1), percent(one.precision, 1), f"{one.support:,}") for one in found
        )
        self.show_result(_sentence(found), Table((tr("Class"), tr("Recall"), tr("Precision"), tr("Photos")), rows))

    def _draw(self, drawn: Sequence[tuple[str, float | None, float | None, int]]) -> None:
        """Draw classes from top to bottom: name, both fractions, and number of photos."""
        self.canvas.setMinimumHeight(64 + _ROW * len(drawn))
        names = [(float(row), f"{_elided(name)} ({support:,})") for row, (name, _, _, support) in enumerate(drawn)]
        self._chart.show_range((0, 1.3), (-0.6, len(drawn) - 0.4), ticks([0, 0.5, 1], ".0%"), names)
        self._main.draw([main for _, main, _, _ in drawn])
        self._other.draw([other for _, _, other, _ in drawn])


class _Series:
    """A bar for each class, with its number."""

    def __init__(self, canvas: Canvas, chart: Chart, role: ColorRole, shift: float) -> None:
        self._shift = shift
        self._bars, self._numbers = Bars(canvas, chart, role), _Numbers()
        chart.box.addItem(self._numbers, ignoreBounds=True)
        canvas.add_part(self._numbers)

    def draw(self, values: Sequence[float | None]) -> None:
        """Draw these fractions from top to bottom."""
        places = [row + self._shift for row in range(len(values))]
        self._bars.draw(x0=0, y=places, width=[value or 0.0 for value in values], height=_BAR)
        self._numbers.draw(
            [(QPointF(value or 0.0, place), percent(value, 1)) for value, place in zip(values, places, strict=True)]
        )


class _Numbers(pyqtgraph.GraphicsObject):
    """All numbers in one item, as creating a pyqtgraph text item takes half a millisecond."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: Sequence[tuple[QPointF, str]] = ()
        self._colour = QColor()

    def draw(self, numbers: Sequence[tuple[QPointF, str]]) -> None:
        """Draw these texts to the right of these points of the chart."""
        self.prepareGeometryChange()
        self._numbers = numbers

    def show_style(self, style: Style) -> None:
        """Apply this style."""
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
    weakest, strongest = known[0], known[-1]
    text = tr("Weakest class: {name} (recall {recall}).", name=weakest.label, recall=percent(weakest.recall, 1))
    if len(known) > 1:
        best = tr("Strongest: {name} (recall {recall}).", name=strongest.label, recall=percent(strongest.recall, 1))
        text = f"{text} {best}"
    if len(found) <= MAX_SHOWN:
        return text
    shown = tr(
        "Showing the {shown} weakest of {total:,} classes; the table lists all.", shown=MAX_SHOWN, total=len(found)
    )
    return f"{text} {shown}"
