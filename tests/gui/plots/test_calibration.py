"""The reliability diagram."""

from __future__ import annotations

import pytest

from gui.plots.calibration import CalibrationPlot
from gui.plots.values import ReliabilityBin
from gui.widgets import theme
from tests.gui.plots.conftest import Show

BEFORE = (ReliabilityBin(0.6, 0.4, 10), ReliabilityBin(0.95, 0.75, 40))


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [(0.5, "slightly overconfident"), (0.9, "slightly underconfident"), (0.71, "well calibrated")],
)
def test_the_summary_states_the_calibration(show: Show, accuracy: float, verdict: str) -> None:
    plot = CalibrationPlot()
    show(plot)
    plot.show_bins(BEFORE, [ReliabilityBin(0.7, accuracy, 50)], 0.2, 0.013)
    assert plot.sentence() == (f"The model is {verdict}. Calibration error: 1.3% (20.0% before calibration).")
    assert plot.table.table.rows == (
        ("Before 1", "60.0%", "40.0%", "10"),
        ("Before 2", "95.0%", "75.0%", "40"),
        ("After 1", "70.0%", f"{accuracy:.1%}", "50"),
    )


def test_both_series_are_drawn_at_their_positions(show: Show) -> None:
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
    assert plot.sentence() == "No photos to compare."
