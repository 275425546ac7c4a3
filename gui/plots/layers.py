"""A network's weights, and its multiply-adds or measured times, along its depth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from core.base.i18n import tr
from core.engine.values import LayerStatistics, LayerTimings, NetworkStatistics
from core.models import statistics_text
from gui.plots.canvas import Bars, Canvas, Chart, ColorRole, Heading, Line, round_ticks
from gui.plots.frame import PlotFrame
from gui.plots.values import NOTHING, Table
from gui.widgets import theme
from gui.widgets.formats import NO_VALUE, milliseconds, percent

_BAR = 0.8


class LayersPlot(PlotFrame):
    """Two bar charts over the layers in their order; dashed lines separate the parts of a joined network."""

    def __init__(self) -> None:
        canvas = Canvas()
        canvas.setMinimumSize(400, 360)
        self._weights = _Strip(canvas, 0, "plot_main")
        self._costs = _Strip(canvas, 3, "plot_other", bottom=tr("Layer"))
        canvas.grid.layout.setRowSpacing(2, theme.GRID)
        super().__init__(tr("Along the depth"), canvas)
        self.show_result(tr(NOTHING), Table((), ()))

    def show_network(self, network: NetworkStatistics, timings: LayerTimings | None) -> None:
        """Show the weights of each layer and, if they were measured, the times, otherwise the multiply-adds."""
        layers = network.layers
        starts = _starts(layers)
        self._weights.draw(tr("Weights"), [float(one.weights) for one in layers], starts, _short)
        if timings is None:
            costs = [float(one.multiply_adds or 0) for one in layers]
            self._costs.draw(tr("Multiply-adds"), costs, starts, _short)
        else:
            times = [one or 0.0 for one in timings.milliseconds]
            self._costs.draw(tr("Milliseconds"), times, starts, lambda value: f"{value:.3g}")
        self._costs.chart.align(self._weights.chart)
        self.show_result(" ".join(_sentences(network, timings)), _table(network, timings))


class _Strip:
    """One of the charts."""

    def __init__(self, canvas: Canvas, row: int, role: ColorRole, *, bottom: str = "") -> None:
        self._heading = Heading(canvas, "")
        canvas.grid.addItem(self._heading, row, 0, 1, 2)
        self.chart = Chart(canvas, row + 1, 0, bottom=bottom)
        self._bars = Bars(canvas, self.chart, role)
        self._borders = Line(canvas, self.chart, "muted", dashed=True, width=1)

    def draw(self, title: str, values: Sequence[float], starts: Sequence[int], text: Callable[[float], str]) -> None:
        """Draw a bar for each layer, and a line before each of these places."""
        count, top = len(values), max([*values, 0.001]) * 1.06
        self._heading.show_text(title)
        below = [(tick, f"{tick:.0f}") for tick in round_ticks(1, max(2, count), 8, min_step=1)]
        beside = [(tick, text(tick)) for tick in round_ticks(0, top, 5)]
        self.chart.show_range((0.2, max(2, count) + 0.8), (0, top), below, beside)
        self._bars.draw(x0=[place - _BAR / 2 for place in range(1, count + 1)], y0=0, height=list(values), width=_BAR)
        across = [value for start in starts for value in (start + 0.5, start + 0.5, math.nan)]
        self._borders.draw(across, [0.0, top, math.nan] * len(starts))


def _starts(layers: Sequence[LayerStatistics]) -> list[int]:
    """How many layers there are before each part but the first."""
    return [place for place in range(1, len(layers)) if layers[place].part != layers[place - 1].part]


def _short(value: float) -> str:
    """A number with a unit: "2M", "1.5G"."""
    for unit, scale in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g}{unit}"
    return f"{value:.3g}"


def _sentences(network: NetworkStatistics, timings: LayerTimings | None) -> Iterator[str]:
    layers = network.layers
    if not layers:
        yield tr("The network has no layers.")
        return
    heaviest = max(layers, key=lambda one: one.weights)
    if heaviest.weights:
        share = percent(heaviest.weights / network.weights)
        yield tr("Most weights are in “{name}” ({share}).", name=heaviest.name, share=share)
    parts = list(dict.fromkeys(one.part for one in layers if one.part))
    if len(parts) > 1:
        yield tr("Dashed lines separate the parts: {names}.", names=", ".join(parts))
    if timings is None:
        costliest = max(layers, key=lambda one: one.multiply_adds or 0)
        if costliest.multiply_adds:
            share = percent(costliest.multiply_adds / network.multiply_adds)
            yield tr("Most multiply-adds are in “{name}” ({share}).", name=costliest.name, share=share)
        return
    time, slowest = max(((time or 0.0, place) for place, time in enumerate(timings.milliseconds)), default=(0.0, 0))
    share = percent(time / timings.total_ms if timings.total_ms else None)
    name = layers[slowest].name
    yield tr("“{name}” takes the longest: {time} ({share}).", name=name, time=milliseconds(time), share=share)


def _table(network: NetworkStatistics, timings: LayerTimings | None) -> Table:
    times = timings.milliseconds if timings else (None,) * len(network.layers)
    rows = tuple(
        (
            f"{place} {one.name}",
            statistics_text.kind(one),
            f"{one.weights:,}",
            NO_VALUE if one.multiply_adds is None else f"{one.multiply_adds:,}",
            NO_VALUE if time is None else f"{time:.3f}",
        )
        for place, (one, time) in enumerate(zip(network.layers, times, strict=True), 1)
    )
    return Table((tr("Layer"), tr("Kind"), tr("Weights"), tr("Multiply-adds"), tr("Milliseconds")), rows)
