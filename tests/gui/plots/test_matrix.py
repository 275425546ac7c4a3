"""The confusion matrix with mouse and keyboard."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from gui.plots.cells import shade, short, text_colour
from gui.plots.matrix import ConfusionMatrix
from gui.widgets import theme
from tests.gui.plots.conftest import Show, turn_the_wheel

pytestmark = pytest.mark.qt_log_ignore("does not support raise")  # which Qt requests for tooltips
CLASSES = ("bird", "cat", "tool")
COUNTS = ((9, 0, 1), (2, 7, 0), (3, 0, 5))


def made(show: Show, classes: Sequence[str] = CLASSES, counts: Sequence[Sequence[int]] = COUNTS) -> ConfusionMatrix:
    plot = ConfusionMatrix()
    show(plot)
    plot.show_counts(classes, counts)
    QApplication.processEvents()
    return plot


def many(count: int) -> tuple[list[str], list[list[int]]]:
    """Classes of which later ones are confused more often."""
    counts = [[0] * count for _ in range(count)]
    for index in range(count):
        counts[index][index] = 30
        counts[index][(index + 1) % count] = index
    return [f"class {index}" for index in range(count)], counts


def box(plot: ConfusionMatrix, row: int, column: int) -> QRect:
    return plot.canvas.visualRect(plot.canvas.model().index(row, column))


def middle(plot: ConfusionMatrix, row: int, column: int) -> QPoint:
    return box(plot, row, column).center()


def read_out(plot: ConfusionMatrix) -> str:
    """What a screen reader says of the current cell."""
    return str(plot.canvas.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole))


def test_the_summary_and_the_table_match_the_counts(show: Show) -> None:
    plot = made(show)
    assert plot.sentence() == (
        "21 of 27 photos are correct (77.8%). Most frequent error: tool predicted as bird (3 photos)."
    )
    assert plot.table.table.as_tsv() == "Label\tbird\tcat\ttool\nbird\t9\t0\t1\ncat\t2\t7\t0\ntool\t3\t0\t5\n"


@pytest.mark.parametrize("cell", [(0, 0), (2, 0), (1, 2)])
def test_a_click_chooses_the_cell(show: Show, qtbot: QtBot, cell: tuple[int, int]) -> None:
    plot = made(show)
    with qtbot.waitSignal(plot.cell_chosen) as chosen:
        qtbot.mouseClick(plot.canvas.viewport(), Qt.MouseButton.LeftButton, pos=middle(plot, *cell))
    assert chosen.args == list(cell)


def test_a_click_beside_the_cells_chooses_nothing(show: Show, qtbot: QtBot) -> None:
    plot = made(show)
    with qtbot.assertNotEmitted(plot.cell_chosen):
        qtbot.mouseClick(plot.canvas, Qt.MouseButton.LeftButton, pos=QPoint(4, 4))
        beside = box(plot, 2, 2).bottomRight() + QPoint(8, 8)
        qtbot.mouseClick(plot.canvas.viewport(), Qt.MouseButton.LeftButton, pos=beside)
        qtbot.mouseClick(plot.canvas.viewport(), Qt.MouseButton.RightButton, pos=middle(plot, 1, 1))


def test_keys_move_and_choose(show: Show, qtbot: QtBot) -> None:
    plot = made(show)
    plot.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    assert read_out(plot) == "9 photos of bird were predicted as bird, 90.0% of 10."
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Left):
        qtbot.keyClick(plot.canvas, key)
    assert read_out(plot) == "3 photos of tool were predicted as bird, 37.5% of 8."
    assert QToolTip.text() == read_out(plot)
    with qtbot.waitSignal(plot.cell_chosen) as chosen:
        qtbot.keyClick(plot.canvas, Qt.Key.Key_Return)
    assert chosen.args == [2, 0]
    qtbot.keyClick(plot.canvas, Qt.Key.Key_End)
    with qtbot.waitSignal(plot.cell_chosen) as chosen:
        qtbot.keyClick(plot.canvas, Qt.Key.Key_Space)
    assert chosen.args == [2, 2]


def test_the_current_cell_has_a_ring_while_focused(show: Show, qtbot: QtBot) -> None:
    plot = made(show)
    corner = box(plot, 0, 0).topLeft() + QPoint(1, 1)
    plot.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    assert plot.canvas.viewport().grab().toImage().pixelColor(corner).name() == theme.LIGHT.text
    assert plot.picture() == plot.picture()
    plot.table.setFocus()
    plot.canvas.clearFocus()
    assert plot.canvas.viewport().grab().toImage().pixelColor(corner).name() != theme.LIGHT.text


def test_hovering_shows_the_cell_in_words(show: Show, qtbot: QtBot) -> None:
    plot = made(show)
    for cell, words in (
        ((1, 0), "2 photos of cat were predicted as bird, 22.2% of 9."),
        ((0, 1), "No photos of bird were predicted as cat."),
    ):
        place = middle(plot, *cell)
        over = QHelpEvent(QEvent.Type.ToolTip, place, plot.canvas.viewport().mapToGlobal(place))
        QApplication.sendEvent(plot.canvas.viewport(), over)
        assert QToolTip.text() == words


def test_cells_are_shaded_by_their_fraction_of_the_row(show: Show) -> None:
    plot = made(show, ["a", "b"], [[400, 0], [1, 3]])
    image = plot.canvas.viewport().grab().toImage()

    def corner(row: int, column: int) -> str:
        return image.pixelColor(box(plot, row, column).topLeft() + QPoint(3, 3)).name()

    assert corner(0, 0) == theme.LIGHT.plot_main
    assert corner(0, 1) == theme.LIGHT.window
    assert corner(1, 0) == shade(theme.LIGHT, 0.25, is_right=False).name()
    assert corner(1, 1) == shade(theme.LIGHT, 0.75, is_right=True).name()


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_numbers_have_enough_contrast_on_every_shade(colours: theme.Tokens) -> None:
    def luminance(name: str) -> float:
        parts = [int(name[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for fraction in range(1, 101):
        for is_right in (True, False):
            under = shade(colours, fraction / 100, is_right=is_right)
            dark, light = sorted([luminance(under.name()), luminance(text_colour(under).name())])
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (fraction, is_right)


def test_fifty_classes_scroll_with_visible_labels(show: Show, qtbot: QtBot) -> None:
    plot = made(show, *many(50))
    assert plot.table.model().rowCount() == 50
    labels = plot.canvas.verticalHeader()
    before = labels.grab().toImage()
    plot.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(plot.canvas, Qt.Key.Key_End)
    assert plot.canvas.horizontalScrollBar().value() > 0
    assert plot.canvas.viewport().rect().contains(box(plot, 0, 49))
    assert labels.grab().toImage() == before
    assert not plot.canvas.viewport().geometry().intersects(labels.geometry())


def test_a_picture_shows_the_scrolled_out_cells(show: Show) -> None:
    plot = made(show, *many(50))
    picture, size = plot.picture(), plot.canvas.picture_size()
    assert (picture.width(), size.width() > plot.canvas.width()) == (2 * (size.width() + 32), True)
    last = picture.pixelColor(picture.width() - 2 * 16 - 40, picture.height() - 2 * 16 - 40)
    assert last.name() == shade(theme.LIGHT, 30 / 79, is_right=True).name()


def test_the_most_confused_of_many_classes_are_shown(show: Show, qtbot: QtBot) -> None:
    plot = made(show, *many(120))
    assert plot.sentence().endswith("Showing the 50 most confused of 120 classes.")
    titles = [row[0] for row in plot.table.table.rows]
    assert titles == [f"class {index}" for index in range(70, 120)]
    with qtbot.waitSignal(plot.cell_chosen) as chosen:
        qtbot.mouseClick(plot.canvas.viewport(), Qt.MouseButton.LeftButton, pos=middle(plot, 0, 1))
    assert chosen.args == [70, 71], "the indices among all classes"


def test_the_wheel_scrolls_the_page_until_the_matrix_has_the_focus(show: Show, qtbot: QtBot) -> None:
    plot = ConfusionMatrix()
    page = show(plot)
    plot.show_counts(*many(50))
    scroll = plot.canvas

    turn_the_wheel(plot)
    assert (page.verticalScrollBar().value() > 0, scroll.verticalScrollBar().value()) == (True, 0)
    page.verticalScrollBar().setValue(0)
    plot.canvas.setFocus(Qt.FocusReason.MouseFocusReason)
    turn_the_wheel(plot)
    assert (page.verticalScrollBar().value(), scroll.verticalScrollBar().value() > 0) == (0, True)


def test_without_photos(show: Show) -> None:
    plot = made(show, ["a", "b"], [[0, 0], [0, 0]])
    assert plot.sentence() == "No photos to compare."


def test_rows_and_columns_must_match_the_classes(show: Show) -> None:
    with pytest.raises(ValueError, match="2 classes"):
        ConfusionMatrix().show_counts(["a", "b"], [[1, 2], [3]])


@pytest.mark.parametrize(
    ("count", "text"),
    [(999, "999"), (1000, "1.0k"), (9_949, "9.9k"), (9_960, "10k"), (999_499, "999k"), (999_500, "1.0M")],
)
def test_long_numbers_are_shortened(count: int, text: str) -> None:
    assert short(count) == text
