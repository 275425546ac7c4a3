"""Whether the model is as often right as it is sure."""

from __future__ import annotations

import pytest

from gui.plots.calibration import CalibrationPlot
from gui.plots.values import ReliabilityBin
from gui.widgets import theme
from tests.gui.plots.conftest import Show

BEFORE = (ReliabilityBin(0.6, 0.4, 10), ReliabilityBin(0.95, 0.75, 40))


@pytest.mark.parametrize(
    ("accuracy", "lean"), [(0.5, "a little too sure"), (0.9, "a little too modest"), (0.71, "honest on the whole")]
)
def test_the_result_is_told(show: Show, accuracy: float, lean: str) -> None:
    plot = CalibrationPlot()
    show(plot)
    plot.show_bins(BEFORE, [ReliabilityBin(0.7, accuracy, 50)], 0.2, 0.013)
    assert plot.sentence() == (
        "Confidence and accuracy lie 1.3 percentage points apart on average, 20.0 before calibration: "
        f"the model is {lean}."
    )
    assert plot.table.table.rows == (
        ("Before 1", "60.0%", "40.0%", "10"),
        ("Before 2", "95.0%", "75.0%", "40"),
        ("After 1", "70.0%", f"{accuracy:.1%}", "50"),
    )


def test_both_series_are_drawn_where_they_belong(show: Show) -> None:
    plot = CalibrationPlot()
    show(plot)
    plot.show_bins([ReliabilityBin(0.25, 0.75, 5)], [ReliabilityBin(0.75, 0.25, 5)], 0.5, 0.5)
    image = plot.canvas.grab().toImage()

    def middle(colour: str) -> tuple[float, float]:
        dots = [(x, y) for x in range(image.width()) for y in range(image.height() - 28)]
        found = [place for place in dots if image.pixelColor(*place).name() == colour]
        assert found
        return sum(x for x, _ in found) / len(found), sum(y for _, y in found) / len(found)

    before, after = middle(theme.LIGHT.plot_other), middle(theme.LIGHT.plot_main)
    assert before[0] < after[0]
    assert before[1] < after[1]


def test_without_photos(show: Show) -> None:
    plot = CalibrationPlot()
    plot.show_bins((), (), 0.0, 0.0)
    assert plot.sentence() == "There is no photo to compare."
