"""Accuracy against cost: three kinds of numbers in two charts, by pointer and keyboard."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from core.app.values import ComparedNetwork, MeasuredTime, NetworkComparison, NetworkKind
from core.architectures.published import PUBLISHED
from core.base.providers import ComputePrecision, Provider
from gui.plots.network_values import CostAxis, Point, accuracy_range, cost_range, cost_ticks, points_of
from gui.plots.networks import NetworksPlot, _texts
from gui.widgets import theme
from tests.gui.plots.conftest import Show
from tests.gui.screen_reader import listen

FAST = MeasuredTime(30.2, Provider.CPU, ComputePrecision.INT8)
ARTICLE = tuple(
    ComparedNetwork(NetworkKind.PUBLISHED, one.title, one.top1, one.counts.weights, one.counts.float32_bytes,
                    one.counts.multiply_adds, one.source)
    for one in PUBLISHED
)  # fmt: skip
XCEPTION = ComparedNetwork(
    NetworkKind.MEASURED, "Xception", 0.79, 20_861_480, 107_000_000, 8_355_355_496, "Keras documentation, 2018", FAST
)
OWN = ComparedNetwork(
    NetworkKind.OWN, "Kitchen", 0.946, 24_232_488, 119_000_000, 8_844_348_392, time=FAST, interval=(0.89, 0.97),
    images=129,
)  # fmt: skip
LITERT = ComparedNetwork(
    NetworkKind.LITERT, "Xception, LiteRT int8", 0.79, 20_861_480, 23_000_000, 8_355_355_496,
    "Keras documentation, 2018", FAST,
)  # fmt: skip
ALL = NetworkComparison((*ARTICLE, XCEPTION, OWN), None)


@pytest.fixture
def plot(show: Show) -> NetworksPlot:
    made = NetworksPlot()
    show(made)
    made.show_comparison(ALL)
    return made


def test_it_says_that_the_accuracies_are_not_the_same_measure(plot: NetworksPlot) -> None:
    assert "not the same measure" in plot.sentence()
    assert plot.canvas.accessibleDescription() == plot.sentence()


def test_a_litert_file_is_shown_without_claiming_its_accuracy(plot: NetworksPlot, qtbot: QtBot) -> None:
    plot.show_comparison(NetworkComparison((LITERT,), None))
    (row,) = plot.table.table.rows
    assert row[:3] == ("Xception, LiteRT int8", "LiteRT file, measured", "79.0%")
    plot.canvas.setFocus()
    qtbot.keyClick(plot.canvas, Qt.Key.Key_Right)
    assert "Its own accuracy was not measured." in plot.detail.text()
    assert "30.2 ms per photo on this computer (CPU, int8)" in plot.detail.text()


def test_the_table_names_what_each_number_is(plot: NetworksPlot) -> None:
    rows = {row[:2]: row[2:] for row in plot.table.table.rows}
    assert len(rows) == 13
    assert rows["Xception", "Published"] == (
        "79.0%", "22,910,480", "91.6 MB", "8,357,403,496", "–", "ImageNet (Keras documentation, 2018)",
    )  # fmt: skip
    assert rows["Xception", "Measured on this computer"][-2] == "30.2 ms"
    assert rows["Kitchen", "Your model"][0] == "94.6%"
    assert rows["Kitchen", "Your model"][-1] == "129 own photos"
    plot.show_as_table(shown=True)
    plot.copy()
    assert "Kitchen\tYour model\t94.6%" in QGuiApplication.clipboard().text()


def test_each_kind_has_a_colour_in_its_own_chart(plot: NetworksPlot) -> None:
    image = plot.picture()
    middle = image.width() * 4 // 7
    found: dict[str, set[bool]] = {}
    for x in range(0, image.width(), 2):
        for y in range(image.height() // 4, image.height() - 90, 2):
            found.setdefault(image.pixelColor(x, y).name(), set()).add(x < middle)
    assert found[theme.LIGHT.plot_other] == {True}
    assert found[theme.LIGHT.plot_main] == {True, False}


def test_the_arrow_keys_walk_from_the_cheapest_on(
    plot: NetworksPlot, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = listen(monkeypatch)
    plot.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    assert plot.detail.text().startswith("MobileNetV1 (0.25, 0.57): 41.5% on ImageNet, as published")
    qtbot.keyClick(plot.canvas, Qt.Key.Key_Right)
    assert plot.detail.text().startswith("MobileNetV2 (0.35, 0.43)")
    qtbot.keyClick(plot.canvas, Qt.Key.Key_End)
    assert (
        plot.detail.text()
        == heard[-1]
        == (
            "Kitchen: 94.6% on 129 of your test photos (95% confidence interval: 89% to 97%). 24,232,488 weights, "
            "119.0 MB, 8.84 billion multiply-adds. 30.2 ms per photo on this computer (CPU, int8)."
        )
    )
    qtbot.keyClick(plot.canvas, Qt.Key.Key_Escape)
    assert plot.detail.text() == "Point at a network, or use the arrow keys, to see its numbers."


def test_the_pointer_shows_the_network_under_it(plot: NetworksPlot, qtbot: QtBot) -> None:
    canvas = plot._charts
    qtbot.waitUntil(lambda: canvas._published._chart.box.width() > 100)
    places = {point.network.name: place for point, place in canvas._published.places(canvas.mapFromScene)}
    qtbot.mouseMove(canvas.viewport(), places["VGG16"].toPoint())
    qtbot.waitUntil(lambda: plot.detail.text().startswith("VGG16: 71.5%"))
    qtbot.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert plot.detail.text().startswith("Point at a network")


def test_a_measured_network_shares_the_label_of_the_published_one_at_its_place() -> None:
    points = [Point(ARTICLE[0], 1.0), Point(ARTICLE[1], 2.0), Point(XCEPTION, 1.0)]
    places = [QPointF(100, 50), QPointF(130, 60), QPointF(101, 50)]
    assert _texts(points, places) == ["Xception", "ResNet50", ""]
    assert _texts(points, [*places[:2], QPointF(140, 50)]) == ["Xception", "ResNet50", "Xception, measured"]


def test_without_a_measurement_the_time_says_what_to_do(plot: NetworksPlot) -> None:
    plot.show_comparison(NetworkComparison(ARTICLE, None))
    plot.show_axis(CostAxis.TIME)
    assert points_of(ARTICLE, CostAxis.TIME) == []
    assert plot._charts._own._labels._empty == "Measure this computer to see its times."
    plot.show_axis(CostAxis.SIZE)
    assert plot._charts._own._labels._empty == "Models that you train and test appear here."
    assert plot._charts._published._labels._empty == ""
    plot.show_axis(CostAxis.TIME)
    assert not plot.picture().isNull()
    assert len(plot.table.table.rows) == 11


def test_axes_of_size_and_multiply_adds_are_logarithmic() -> None:
    points = points_of(ALL.networks, CostAxis.SIZE)
    assert points[0].x == pytest.approx(math.log10(91.64192))
    across = cost_range(points, CostAxis.SIZE)
    assert [text for _, text in cost_ticks(across, CostAxis.SIZE)] == ["10", "100", "1,000"]
    low, high = accuracy_range(points)
    assert (low, high) == (0.3, 1.03)
    times = points_of(ALL.networks, CostAxis.TIME)
    assert [point.x for point in times] == [30.2, 30.2]
    assert [text for _, text in cost_ticks(cost_range(times, CostAxis.TIME), CostAxis.TIME)][:2] == ["0", "10"]


def test_a_measured_network_is_named_as_such() -> None:
    assert Point(XCEPTION, 1.0).label == "Xception, measured"
    assert Point(ARTICLE[0], 1.0).label == "Xception"
