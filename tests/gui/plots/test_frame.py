"""The common parts of all plots: copying, saving, the table, the theme, and ignoring the mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QAction, QColor, QContextMenuEvent, QGuiApplication, QImage, QKeySequence
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QPushButton, QTableView
from pytestqt.qtbot import QtBot

from core.base.settings import Theme
from core.evaluation.values import ClassMetrics
from gui.plots.bars import ClassBars
from gui.plots.frame import PlotFrame
from gui.widgets import theme
from tests.gui.plots.conftest import Show, turn_the_wheel
from tests.patience import PATIENCE_MS

pytestmark = pytest.mark.qt_log_ignore("does not support (propagateSizeHints|raise|grabbing)")  # dialogs and menus


@pytest.fixture
def plot(show: Show) -> Iterator[PlotFrame]:
    bars = ClassBars()
    bars.show_classes([ClassMetrics("bird", 0.9, 0.8, 0.847, 10), ClassMetrics("tool", 0.6, None, None, 0)])
    show(bars)
    yield bars
    QGuiApplication.clipboard().clear()


def button(plot: PlotFrame, text: str) -> QPushButton:
    return next(found for found in plot.findChildren(QPushButton) if found.text() == text)


def press(qtbot: QtBot, plot: PlotFrame, text: str) -> None:
    qtbot.mouseClick(button(plot, text), Qt.MouseButton.LeftButton)


def test_a_picture_is_copied_at_twice_its_size(plot: PlotFrame, qtbot: QtBot) -> None:
    press(qtbot, plot, "Copy")
    image = QGuiApplication.clipboard().image()
    assert image.width() == 2 * (plot.canvas.width() + 32)
    assert image.height() > 2 * plot.canvas.height()
    found = {image.pixelColor(x, y).name() for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    assert {theme.LIGHT.surface, theme.LIGHT.plot_main, theme.LIGHT.plot_other} <= found


def test_a_table_is_copied_as_tab_separated_lines(plot: PlotFrame, qtbot: QtBot) -> None:
    press(qtbot, plot, "Table")
    assert plot.table.isVisible()
    assert not plot.canvas.isVisible()
    press(qtbot, plot, "Copy")
    lines = "Class\tRecall\tPrecision\tPhotos\nbird\t80.0%\t90.0%\t10\ntool\t–\t60.0%\t0\n"
    assert QGuiApplication.clipboard().text() == lines
    press(qtbot, plot, "Plot")
    assert plot.canvas.isVisible()


def test_the_copy_shortcut_copies_the_plot_instead_of_the_window_selection(plot: PlotFrame, qtbot: QtBot) -> None:
    others: list[bool] = []
    action = QAction("Copy", plot.window(), shortcut=QKeySequence(QKeySequence.StandardKey.Copy))
    action.triggered.connect(others.append)
    plot.window().addAction(action)
    button(plot, "Table").setFocus()
    qtbot.keyClick(button(plot, "Table"), Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert not QGuiApplication.clipboard().image().isNull()
    press(qtbot, plot, "Table")
    plot.table.setFocus()
    qtbot.keyClick(plot.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().startswith("Class\t")
    assert not others


def test_all_buttons_work_by_keyboard(plot: PlotFrame, qtbot: QtBot) -> None:
    table = button(plot, "Table")
    assert all(found.focusPolicy() & Qt.FocusPolicy.TabFocus for found in plot.findChildren(QPushButton))
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert plot.is_table()


@pytest.mark.parametrize("name", ["plot.png", "plot.svg"])
def test_saving(plot: PlotFrame, qtbot: QtBot, tmp_path: Path, name: str) -> None:
    press(qtbot, plot, "Save…")
    dialog = plot.findChild(QFileDialog)
    assert dialog is not None
    assert dialog.acceptMode() is QFileDialog.AcceptMode.AcceptSave
    with qtbot.waitSignal(plot.noticed, timeout=PATIENCE_MS) as noticed:
        dialog.fileSelected.emit(str(tmp_path / name))
    dialog.close()
    assert noticed.args is not None
    assert name in noticed.args[0].text
    if name.endswith("png"):
        assert QImage(str(tmp_path / name)).width() == 2 * (plot.canvas.width() + 32)
    else:
        texts = "".join(ET.parse(tmp_path / name).getroot().itertext())
        assert "Weakest class: bird" in texts
        assert "80.0%" in texts


def test_a_failed_save_is_reported(plot: PlotFrame, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file instead of a folder")
    with qtbot.waitSignal(plot.noticed, timeout=PATIENCE_MS) as noticed:
        plot.save(tmp_path / "file" / "plot.png")
    assert noticed.args is not None
    assert "Couldn't write" in noticed.args[0].text


def test_accessible_names(plot: PlotFrame, qtbot: QtBot) -> None:
    assert plot.accessibleName() == "Classes"
    for part in (plot, plot.canvas, plot.table):
        assert part.accessibleDescription() == plot.sentence()
    assert {found.accessibleName() for found in plot.findChildren(QPushButton)} == {
        "Copy “Classes” as a picture",
        "Save “Classes” as a picture",
        "Show “Classes” as a table",
    }
    press(qtbot, plot, "Table")
    table = QAccessible.queryAccessibleInterface(plot.findChild(QTableView))
    names = [table.child(place).text(QAccessible.Text.Name) for place in range(table.childCount())]
    assert {"Recall", "bird", "Class bird, Recall: 80.0%", "Class tool, Photos: 0"} <= set(names)


def test_the_plot_follows_the_theme(plot: PlotFrame, qtbot: QtBot) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    for which, colours in ((Theme.DARK, theme.DARK), (Theme.LIGHT, theme.LIGHT)):
        theme.apply(application, which)
        image = plot.canvas.grab().toImage()
        assert image.pixelColor(2, image.height() - 2) == QColor(colours.surface)
        found = {image.pixelColor(x, y).name() for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
        assert colours.plot_main in found


def test_the_wheel_scrolls_the_page(show: Show, qtbot: QtBot) -> None:
    plot = ClassBars()
    plot.show_classes([ClassMetrics("bird", 0.9, 0.8, 0.847, 10)])
    page = show(plot)
    before = plot.canvas.grab().toImage()
    turn_the_wheel(plot)
    assert page.verticalScrollBar().value() > 0
    assert plot.canvas.grab().toImage() == before


def test_no_button_moves_or_scales_the_plot_and_the_menu_is_its_own(plot: PlotFrame, qtbot: QtBot) -> None:
    view = plot.canvas.viewport()
    before = plot.canvas.grab().toImage()
    for which in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
        qtbot.mousePress(view, which, pos=QPoint(150, 80))
        qtbot.mouseMove(view, QPoint(200, 100))
        qtbot.mouseRelease(view, which, pos=QPoint(200, 100))
    place = QPoint(150, 80)
    QApplication.sendEvent(view, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, view.mapToGlobal(place)))
    QApplication.processEvents()
    menus = [menu for menu in QApplication.topLevelWidgets() if isinstance(menu, QMenu) and menu.isVisible()]
    assert [[action.text() for action in menu.actions()] for menu in menus] == [["Copy", "Save…", "", "Table"]]
    menus[0].close()
    assert plot.canvas.grab().toImage() == before
