"""Learning curves during training."""

from __future__ import annotations

import math

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from core.training.protocol import Epoch
from gui.plots.curves import LearningCurves, _accuracy_range
from gui.widgets import theme
from tests.gui.plots.conftest import Show


def epoch(
    number: int, loss: float | None, accuracy: float | None, validation_loss: float | None,
    validation_accuracy: float | None,
) -> Epoch:  # fmt: skip
    return Epoch(number, 10, loss, accuracy, validation_loss, validation_accuracy, 1.0)


def count(plot: LearningCurves, colour: str, image: QImage | None = None) -> int:
    """The number of pixels of a colour, without the legend."""
    image = image or plot.canvas.grab().toImage()
    legend = 28 * image.width() // plot.canvas.width()
    dots = (image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height() - legend))
    return sum(dot == colour for dot in dots)


def test_before_the_first_epoch(show: Show) -> None:
    plot = LearningCurves()
    show(plot)
    assert plot.sentence() == "The curves appear after the first epoch."
    assert plot.table.table.rows == ()


def test_epochs_are_drawn_one_by_one(show: Show) -> None:
    plot = LearningCurves()
    show(plot)
    plot.begin(4)
    plot.add(epoch(0, None, None, 2.0, 0.125))
    plot.add(epoch(1, 1.5, 0.5, 1.4, 0.6))
    few = count(plot, theme.LIGHT.plot_other)
    plot.add(epoch(2, 1.0, 0.7, 0.9, 0.8))
    plot.add(epoch(3, 0.6, 0.9, 1.0, 0.75))
    assert count(plot, theme.LIGHT.plot_other) > few
    assert plot.table.table.columns[0] == "Epoch"
    assert plot.table.table.rows == (
        ("0", "–", "–", "2.000", "12.5%"),
        ("1", "1.500", "50.0%", "1.400", "60.0%"),
        ("2", "1.000", "70.0%", "0.900", "80.0%"),
        ("3", "0.600", "90.0%", "1.000", "75.0%"),
    )
    assert plot.sentence() == ("Epoch 3: validation accuracy 75.0%. Best so far: epoch 2 with 80.0%.")
    assert plot.canvas.accessibleDescription() == plot.sentence()


def test_the_best_epoch_is_the_one_the_trainer_keeps(show: Show) -> None:
    plot = LearningCurves()
    plot.add(epoch(1, 1.0, 0.5, 0.9, 0.8))
    plot.add(epoch(2, 1.0, 0.5, 0.7, 0.8))  # as accurate, with less loss
    assert plot.sentence().endswith(", the best so far.")
    plot.add(epoch(3, 1.0, 0.5, 0.7, 0.8))  # no better than the one before
    assert "Best so far: epoch 2 " in plot.sentence()


def test_without_validation_images_there_is_no_best(show: Show) -> None:
    plot = LearningCurves()
    show(plot)
    plot.add(epoch(1, 1.0, 0.5, None, None))
    plot.add(epoch(2, 0.8, 0.625, None, None))
    assert plot.sentence() == "Epoch 2: training accuracy 62.5%."
    assert count(plot, theme.LIGHT.plot_main) == 0


def test_an_infinite_loss_leaves_the_rest_visible(show: Show) -> None:
    plot = LearningCurves()
    show(plot)
    plot.add(epoch(1, 1.0, 0.5, 0.9, 0.5))
    plot.add(epoch(2, math.inf, 0.5, math.nan, 0.4))
    plot.add(epoch(3, 0.8, 0.6, 0.7, 0.6))
    assert count(plot, theme.LIGHT.plot_main) > 0
    assert plot.table.table.rows[1] == ("2", "–", "50.0%", "–", "40.0%")


def test_a_new_training_clears_the_curves(show: Show) -> None:
    plot = LearningCurves()
    show(plot)
    plot.add(epoch(1, 1.0, 0.5, 0.9, 0.5))
    plot.add(epoch(2, 0.9, 0.6, 0.8, 0.6))
    plot.begin(10)
    assert plot.table.table.rows == ()
    assert count(plot, theme.LIGHT.plot_main) == 0


def test_the_current_cell_of_the_table_is_kept(show: Show) -> None:
    plot = LearningCurves()
    show(plot)
    plot.add(epoch(1, 1.0, 0.5, 0.9, 0.5))
    plot.show_as_table(shown=True)
    plot.table.setCurrentIndex(plot.table.model().index(0, 2))
    plot.add(epoch(2, 0.9, 0.6, 0.8, 0.6))
    assert plot.table.model().rowCount() == 2
    assert (plot.table.currentIndex().row(), plot.table.currentIndex().column()) == (0, 2)


def test_lines_scale_with_the_resolution(show: Show) -> None:
    plot = LearningCurves()
    show(plot)
    for number in range(1, 9):
        plot.add(epoch(number, 1 / number, 0.5, 1 / number, 0.9))
    QApplication.processEvents()
    here, there = count(plot, theme.LIGHT.plot_main), count(plot, theme.LIGHT.plot_main, plot.picture())
    assert there > 3 * here
    assert count(plot, theme.LIGHT.plot_main) == here, "exporting does not change the plot on the screen"


def test_there_is_room_for_the_ring_at_100_percent() -> None:
    for lowest in (0.03, 0.5, 0.95):
        low, high = _accuracy_range([lowest, 1.0])
        assert low <= lowest
        assert (high - 1) / (high - low) * 190 >= 8, "half the ring, in a plot as high as in the wizard"
