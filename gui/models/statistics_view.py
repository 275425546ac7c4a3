"""The statistics of a model or a file: totals, a chart along the depth, the layers, and the separable convolutions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal

from core.base.i18n import tr
from core.engine.values import LayerTimings, NetworkStatistics
from core.models import statistics_text
from core.models.values import ModelStatistics
from gui.plots import warm
from gui.tasks.idle_steps import run_when_idle
from gui.widgets import theme
from gui.widgets.basic import Panel, PropertyList, ScrollColumn, label, show_text
from gui.widgets.formats import NO_VALUE, percent, size
from gui.widgets.layouts import SPACE, add
from gui.widgets.sorted_table import Cell, SortedTable

if TYPE_CHECKING:
    from gui.plots.layers import LayersPlot

_TABLE_HEIGHT: Final = 360
_PLOT_PLACE: Final = 1


class StatisticsView(ScrollColumn):
    """Shows statistics.

    Attributes:
        noticed: a notice about the result of saving a plot or a table.
        plot: the chart; None until it was first drawn.
    """

    noticed = Signal(object)

    def __init__(self) -> None:
        super().__init__(tr("Statistics"))
        self.totals, self.notes = PropertyList(), label(kind="warning", wrap=True)
        self._totals = Panel(tr("Totals"))
        add(self._totals.body, self.totals, self.notes)
        self.plot: LayersPlot | None = None
        self.layers, self.separable = (
            SortedTable(tr("Layers")),
            SortedTable(tr("Separable convolutions, compared with plain ones")),
        )
        for table in (self.layers, self.separable):
            table.noticed.connect(self.noticed)
            table.setFixedHeight(_TABLE_HEIGHT)
        self._column = self.show_column(self._totals, self.layers, self.separable, SPACE)
        self._column.setSpacing(2 * theme.GRID)
        self._shown: tuple[ModelStatistics, LayerTimings | None] | None = None

    def show_statistics(self, found: ModelStatistics, timings: LayerTimings | None) -> None:
        """Show the statistics, with the times of layers if they were measured."""
        shown = self._shown = found, timings
        self.totals.show_properties(list(statistics_text.summary(found, timings, size)))
        show_text(self.notes, "\n".join(found.network.notes))
        run_when_idle(self, takewhile(lambda _: self._shown is shown, self._steps(found.network, timings)))

    def _steps(self, network: NetworkStatistics, timings: LayerTimings | None) -> Iterator[object]:
        """Fill the tables and draw the plot one after the other: all at once would block the event loop."""
        yield None
        self.layers.show_rows(*_layer_table(network, timings))
        yield None
        self.separable.show_rows(_separable_columns(), list(_separable_rows(network)))
        self.separable.setVisible(bool(network.separable))
        yield None
        if self.plot is None:
            warm(self, self._make_plot)
        else:
            self.plot.show_network(network, timings)

    def _make_plot(self) -> None:
        if self.plot is None:
            from gui.plots.layers import LayersPlot

            self.plot = LayersPlot()
            self.plot.noticed.connect(self.noticed)
            self._column.insertWidget(_PLOT_PLACE, self.plot)
        if self._shown is not None:
            found, timings = self._shown
            self.plot.show_network(found.network, timings)


def _layer_table(
    network: NetworkStatistics, timings: LayerTimings | None
) -> tuple[Sequence[str], list[tuple[Cell, ...]]]:
    has_parts = len({one.part for one in network.layers}) > 1
    times = timings.milliseconds if timings else (None,) * len(network.layers)
    rows = []
    shares = statistics_text.shares(network)
    for place, (one, time, share) in enumerate(zip(network.layers, times, shares, strict=True), 1):
        cost = one.multiply_adds
        rows.append(
            (
                Cell(str(place), place),
                Cell(one.name),
                Cell(statistics_text.kind(one)),
                Cell(statistics_text.shape(one)),
                Cell(f"{one.weights:,}", one.weights),
                Cell(NO_VALUE if cost is None else f"{cost:,}", cost or 0),
                Cell(percent(share, 1), share),
                Cell(NO_VALUE if time is None else f"{time:.2f}", time or 0.0),
                *([Cell(one.part)] if has_parts else []),
            )
        )
    parts = [tr("Part")] if has_parts else []
    names = tr("Layer"), tr("Kind"), tr("Output")
    return ("#", *names, tr("Weights"), tr("Multiply-adds"), tr("Share"), tr("ms"), *parts), rows


def _separable_columns() -> Sequence[str]:
    weights, costs = (tr("Weights"), tr("Weights (plain)")), (tr("Multiply-adds"), tr("Multiply-adds (plain)"))
    return tr("Convolution"), *weights, *costs, tr("Ratio")


def _separable_rows(network: NetworkStatistics) -> Iterator[tuple[Cell, ...]]:
    for one in network.separable:
        names = [network.layers[place].name for place in sorted((one.depthwise, one.pointwise))]
        factor = one.plain_weights / max(1, one.weights)
        yield (
            Cell(" + ".join(names)),
            *(
                Cell(f"{number:,}", number)
                for number in (one.weights, one.plain_weights, one.multiply_adds, one.plain_multiply_adds)
            ),
            Cell(f"{factor:.1f}", factor),
        )
