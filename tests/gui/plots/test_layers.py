"""Weights and times along the depth of a network."""

from __future__ import annotations

from core.engine.values import LayerStatistics, LayerTimings, NetworkStatistics
from gui.plots.layers import LayersPlot
from gui.widgets import theme
from tests.gui.plots.conftest import Show


def _layer(name: str, weights: int, cost: int, part: str) -> LayerStatistics:
    return LayerStatistics(name, "Conv", (3, 3), 1, (1, 8, 4, 4), weights, cost, 1, (3, 3), part)


_NETWORK = NetworkStatistics(
    (_layer("a", 100, 5_000_000, "One"), _layer("b", 300, 15_000_000, "One"), _layer("c", 0, 0, "Two")), (), 100
)


def _count(plot: LayersPlot, colour: str) -> int:
    image = plot.canvas.grab().toImage()
    dots = (image.pixelColor(x, y).name() for x in range(0, image.width(), 2) for y in range(0, image.height(), 2))
    return sum(dot == colour for dot in dots)


def test_weights_and_multiply_adds_are_drawn(show: Show) -> None:
    plot = LayersPlot()
    show(plot)
    plot.show_network(_NETWORK, None)
    assert _count(plot, theme.LIGHT.plot_main) > 100
    assert _count(plot, theme.LIGHT.plot_other) > 100
    assert plot.sentence() == (
        "Most weights are in “b” (75%). Dashed lines separate the parts: One, Two. Most multiply-adds are in “b” (75%)."
    )
    assert plot.table.table.rows[1] == ("2 b", "Conv 3 × 3", "300", "15,000,000", "–")


def test_times_replace_multiply_adds_once_they_are_measured(show: Show) -> None:
    plot = LayersPlot()
    show(plot)
    plot.show_network(_NETWORK, LayerTimings((6.0, 2.0, None), 2.0, 11.0))
    assert "“a” takes the longest: 6.0 ms (60%)." in plot.sentence()
    assert [row[-1] for row in plot.table.table.rows] == ["6.000", "2.000", "–"]


def test_a_network_without_layers(show: Show) -> None:
    plot = LayersPlot()
    show(plot)
    plot.show_network(NetworkStatistics((), (), None), None)
    assert plot.sentence() == "The network has no layers."
