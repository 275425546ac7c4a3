"""Plots in a scrolling page, as in the wizard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QScrollArea, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from core.base.settings import Theme
from gui.plots.frame import PlotFrame
from gui.widgets import theme

Show = Callable[[PlotFrame], QScrollArea]


@pytest.fixture
def show(qtbot: QtBot) -> Show:
    """Show a plot on a page that is higher than the window, in the light theme."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    application.setStyle("Fusion")
    theme.apply(application, Theme.LIGHT)
    windows: list[QMainWindow] = []

    def shown(plot: PlotFrame) -> QScrollArea:
        window, page, column = QMainWindow(), QScrollArea(), QWidget()
        rows = QVBoxLayout(column)
        rows.addWidget(plot)
        rows.addSpacing(1000)
        page.setWidget(column)
        page.setWidgetResizable(True)
        window.setCentralWidget(page)
        window.setMinimumSize(320, 240)  # without it, the offscreen platform warns about the size of the contents
        window.resize(700, 500)
        qtbot.addWidget(window)
        window.show()
        qtbot.waitExposed(window)
        windows.append(window)
        return page

    return shown


def turn_the_wheel(plot: PlotFrame) -> None:
    """Turn the wheel downwards with the mouse over the plot."""
    place = plot.canvas.mapTo(plot.window(), QPoint(60, 60))
    QTest.wheelEvent(plot.window().windowHandle(), QPointF(place), QPoint(0, -120))
    QApplication.processEvents()
