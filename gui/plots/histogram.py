"""How sure the model was of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pyqtgraph
from PySide6.QtWidgets import QWidget

from gui.plots.canvas import Canvas, Chart, Style, round_ticks, ticks
from gui.plots.frame import PlotFrame
from gui.plots.values import Table, photos

_BINS: Final = 20
_SURE: Final = 0.9


class ConfidenceHistogram(PlotFrame):
    """Photos by the probability of the answer they got."""

    def __init__(self, parent: QWidget | None = None) -> None:
        canvas = Canvas()
        canvas.setMinimumSize(320, 200)
        self._chart = Chart(canvas, 0, 0, bottom="How sure the model was", left="Photos")
        self._bars = _Bars(canvas, self._chart)
        super().__init__("Confidence", canvas, parent=parent)
        self.show_confidences(())

    def show_confidences(self, values: Sequence[float]) -> None:
        """Show how often the answers had which probability, 0..1."""
        counts = [0] * _BINS
        for value in values:
            counts[min(_BINS - 1, max(0, int(value * _BINS)))] += 1
        top = max([*counts, 1]) * 1.05
        beside = ticks(round_ticks(0, top, 5, least_step=1), ",.0f")
        self._chart.show_range((-0.02, 1.02), (0, top), ticks([0, 0.25, 0.5, 0.75, 1], ".0%"), beside)
        self._bars.draw(counts)
        sure = sum(value >= _SURE for value in values)
        told = f"Of {sure:,} of {photos(len(values))} the model was at least {_SURE:.0%} sure."
        rows = tuple((_span(place), f"{count:,}") for place, count in enumerate(counts))
        self.show_result(told if values else "There is no answer yet.", Table(("Confidence", "Photos"), rows))


class _Bars:
    def __init__(self, canvas: Canvas, chart: Chart) -> None:
        self._item = pyqtgraph.BarGraphItem(x0=[], width=[], height=[], pen=None)
        chart.box.addItem(self._item, ignoreBounds=True)
        canvas.add_part(self)

    def draw(self, counts: Sequence[int]) -> None:
        """Draw one bar for each bin."""
        width = 1 / _BINS
        self._item.setOpts(x0=[place * width for place in range(_BINS)], width=width * 0.9, height=list(counts))

    def show_style(self, style: Style) -> None:
        """Use this style."""
        self._item.setOpts(brush=style.colour("plot_main"))


def _span(place: int) -> str:
    return f"{place / _BINS:.0%} to {(place + 1) / _BINS:.0%}"
