"""The window *Compare networks*: opened from *Models*, measuring this computer, and choosing the axis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from core.base.errors import FoveaError
from core.services.processes import serve_library
from gui.models.networks_window import NetworksWindow
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.tasks.task import Tasks
from tests.gui.conftest import PATIENCE_MS
from tests.gui.serving import serve_library_that_measures_litert, serve_library_that_measures_little

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


@pytest.fixture
def comparing(qtbot: QtBot, tiny_model: str, request: pytest.FixtureRequest) -> Iterator[NetworksWindow]:
    parent = QWidget()
    qtbot.addWidget(parent)
    tasks = Tasks(getattr(request, "param", serve_library), FoveaError("It died.", hint="Try again."), parent)
    made = NetworksWindow(tasks, parent)
    made.open()
    qtbot.waitExposed(made)
    qtbot.waitUntil(lambda: len(made.plot.table.table.rows) == 13, timeout=PATIENCE_MS)
    yield made
    made.close()
    tasks.close()


@pytest.mark.parametrize("comparing", [serve_library_that_measures_little], indirect=True)
def test_measuring_this_computer(comparing: NetworksWindow, qtbot: QtBot) -> None:
    assert comparing.measured.text() == "Not measured yet"
    qtbot.mouseClick(comparing.measure, Qt.MouseButton.LeftButton)
    assert comparing.strip.isVisible()
    assert not comparing.measure.isEnabled()
    qtbot.waitUntil(lambda: comparing.measure.isEnabled(), timeout=PATIENCE_MS)
    assert comparing.measured.text().startswith("Measured 2")
    assert not comparing.error_text.isVisible()


@pytest.mark.parametrize("comparing", [serve_library_that_measures_litert], indirect=True)
def test_measuring_litert_files(comparing: NetworksWindow, qtbot: QtBot) -> None:
    qtbot.mouseClick(comparing.measure_litert, Qt.MouseButton.LeftButton)
    assert not comparing.measure.isEnabled()
    qtbot.waitUntil(lambda: comparing.measure_litert.isEnabled(), timeout=PATIENCE_MS)
    assert not comparing.error_text.isVisible()
    names = [row[0] for row in comparing.plot.table.table.rows]
    assert "MobileNetV2 (1, 1), LiteRT int8" in names
    assert comparing.measured.text() == "Not measured yet"


def test_the_axis_is_chosen_by_keyboard(comparing: NetworksWindow, qtbot: QtBot) -> None:
    assert comparing.axis.currentText() == "File size"
    comparing.axis.setFocus()
    qtbot.keyClick(comparing.axis, Qt.Key.Key_Down)
    assert comparing.axis.currentText() == "Multiply-adds"
    qtbot.keyClick(comparing.axis, Qt.Key.Key_Down)
    assert comparing.plot._charts._published._labels._empty == "Measure this computer to see its times."
    qtbot.keyClick(comparing, Qt.Key.Key_Escape)
    assert not comparing.isVisible()


def test_it_opens_from_the_menu_and_from_models(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_by_id[ActionId.COMPARE_NETWORKS].trigger()
    pages = window.pages
    qtbot.waitUntil(lambda: "networks" in vars(pages) and pages.networks.isVisible(), timeout=PATIENCE_MS)
    first = pages.networks
    first.close()
    window.actions_by_id[ActionId.SHOW_MODELS].trigger()
    qtbot.mouseClick(window.pages.models.networks_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(first.isVisible, timeout=PATIENCE_MS)
