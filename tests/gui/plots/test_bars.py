"""Precision and recall of each class."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from PySide6.QtWidgets import QScrollArea

from core.evaluation.values import ClassMetrics
from gui.plots.bars import ClassBars
from gui.widgets import theme
from tests.gui.plots.conftest import Show


def test_the_weakest_class_comes_first(show: Show) -> None:
    plot = ClassBars()
    show(plot)
    plot.show_classes(
        [
            ClassMetrics("bird", 0.9, 0.8, 0.847, 10),
            ClassMetrics("cat", None, None, None, 0),
            ClassMetrics("tool", 0.5, 0.4, 0.444, 15),
        ]
    )
    assert plot.table.table.rows == (
        ("tool", "40.0%", "50.0%", "15"),
        ("bird", "80.0%", "90.0%", "10"),
        ("cat", "–", "–", "0"),
    )
    assert plot.sentence() == "Weakest class: tool (recall 40.0%). Strongest: bird (recall 80.0%)."


def test_the_class_called_weakest_has_the_lowest_recall(show: Show) -> None:
    plot = ClassBars()
    show(plot)
    precise, found = ClassMetrics("flower", 0.5, 1.0, 0.667, 12), ClassMetrics("leek", 1.0, 0.5, 0.667, 12)
    plot.show_classes([precise, found, ClassMetrics("tool", 1.0, 1.0, 1.0, 30)])
    assert plot.sentence() == "Weakest class: leek (recall 50.0%). Strongest: tool (recall 100%)."


def test_bars_have_the_length_of_their_number(show: Show) -> None:
    plot = ClassBars()
    show(plot)
    plot.show_classes([ClassMetrics("whole", 1.0, 1.0, 1.0, 40), ClassMetrics("half", 0.5, 0.5, 0.5, 40)])
    assert {"100%", "50.0%", "whole (40)", "half (40)"} <= set(ET.fromstring(plot.svg()).itertext())
    image = plot.canvas.grab().toImage()
    lengths = {
        sum(image.pixelColor(x, y).name() == theme.LIGHT.plot_main for x in range(image.width()))
        for y in range(32, image.height())
    } - {0}
    assert abs(2 * min(lengths) - max(lengths)) <= 2


def test_few_photos_are_counted_and_their_bars_hollow(show: Show) -> None:
    plot = ClassBars()
    show(plot)
    plot.show_classes([ClassMetrics("flower", 0.5, 1.0, 0.667, 1)])
    assert {"1 of 1", "1 of 2", "flower (1)"} <= set(ET.fromstring(plot.svg()).itertext())
    assert plot.sentence() == (
        "Weakest class: flower (recall 1 of 1). Hollow: 1 class with fewer than 10 test photos, too few to tell."
    )
    few = inked(plot)
    plot.show_classes([ClassMetrics("flower", 0.5, 1.0, 0.667, 100)])
    assert few < inked(plot) / 3, "only the outline has the colour"


def inked(plot: ClassBars) -> int:
    """How many pixels have the colour of the first bar."""
    image = plot.canvas.grab().toImage()
    points = ((x, y) for x in range(image.width()) for y in range(image.height()))
    return sum(image.pixelColor(x, y).name() == theme.LIGHT.plot_main for x, y in points)


def test_equal_classes_are_not_ranked(show: Show) -> None:
    plot = ClassBars()
    show(plot)
    plot.show_classes([ClassMetrics(name, 1.0, 1.0, 1.0, 12) for name in ("bird", "tool")])
    assert plot.sentence() == "All classes have the same recall (100%)."


def test_the_plot_grows_with_the_number_of_classes(show: Show) -> None:
    plot = ClassBars()
    page: QScrollArea = show(plot)
    plot.show_classes([ClassMetrics(f"class {number}", 0.5, 0.5, 0.5, 1) for number in range(70)])
    assert plot.canvas.minimumHeight() > page.height()
    assert plot.sentence().endswith("Showing the 50 weakest of 70 classes; the table lists all.")
    assert plot.table.model().rowCount() == 70


def test_without_classes(show: Show) -> None:
    plot = ClassBars()
    show(plot)
    plot.show_classes([])
    assert plot.sentence() == "No classes to compare."
