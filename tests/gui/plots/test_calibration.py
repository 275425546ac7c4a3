"""The reliability diagram."""

from __future__ import annotations

import pytest

from core.evaluation.values import Calibration, ReliabilityBin
from gui.plots.calibration import CalibrationPlot
from gui.widgets import theme
from tests.gui.plots.conftest import Show


def calibration(ece: float, *bins: tuple[float, float, int]) -> Calibration:
    """A calibration whose bins have these mean confidences, accuracies and numbers of images."""
    found = (ReliabilityBin(0.0, 1.0, images, confidence, accuracy) for confidence, accuracy, images in bins)
    return Calibration(1.0, 0.5, ece, tuple(found))


BEFORE = calibration(0.2, (0.6, 0.4, 10), (0.95, 0.75, 40))


@pytest.mark.parametrize(
    ("accuracy", "verdict"),
    [(0.5, "slightly overconfident"), (0.9, "slightly underconfident"), (0.71, "well calibrated")],
)
def test_the_summary_states_the_calibration(show: Show, accuracy: float, verdict: str) -> None:
    plot = CalibrationPlot()
    show(plot)
    plot.show_calibration(BEFORE, calibration(0.013, (0.7, accuracy, 50)), "On 50.")
    assert plot.sentence() == (f"The model is {verdict}. Calibration error: 1.3% (20.0% before calibration). On 50.")
    assert plot.table.table.rows == (
        ("Before 1", "60.0%", "40.0%", "10"),
        ("Before 2", "95.0%", "75.0%", "40"),
        ("After 1", "70.0%", f"{accuracy:.1%}", "50"),
    )


def test_both_series_are_drawn_at_their_positions(show: Show) -> None:
    plot = CalibrationPlot()
    show(plot)
    plot.show_calibration(calibration(0.5, (0.25, 0.75, 5)), calibration(0.5, (0.75, 0.25, 5)), "")
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
    plot.show_calibration(calibration(0.0), calibration(0.0), "")
    assert plot.sentence() == "No photos to compare."
