"""The window with the statistics of a model or a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from onnx import helper
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from core.base.errors import FoveaError
from core.services.processes import serve_library
from gui.models.statistics_window import StatisticsWindow
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.tasks.task import Tasks
from tests import tiny
from tests.gui.conftest import PATIENCE_MS

pytestmark = pytest.mark.qt_log_ignore("does not support raise")

_CONVOLUTION = tiny.WIDTH * 27


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[StatisticsWindow]:
    """The window, with a library process of its own."""
    owner, parent = QObject(), QWidget()
    qtbot.addWidget(parent)
    parent.setMinimumSize(200, 200)
    parent.show()
    tasks = Tasks(serve_library, FoveaError("died", hint=""), owner)
    result = StatisticsWindow(tasks, parent)
    result.bring_up()
    yield result
    result.close()
    tasks.close()


def _wait(qtbot: QtBot, shown: StatisticsWindow) -> None:
    qtbot.waitUntil(lambda: shown.measure.isEnabled() and shown.view.plot is not None, timeout=PATIENCE_MS)


def _texts(shown: StatisticsWindow) -> list[str]:
    return [one.text() for one in shown.findChildren(QLabel) if one.isVisible()]


def _column(shown: StatisticsWindow, title: str) -> list[str]:
    columns, *rows = shown.view.layers.texts()
    return [row[columns.index(title)] for row in rows]


def test_a_model_is_counted_and_its_layers_are_measured(qtbot: QtBot, shown: StatisticsWindow, tiny_model: str) -> None:
    shown.show_source(tiny_model)
    assert not shown.measure.isEnabled()
    assert _texts(shown) == ["colours", "Counting…"], "no empty panels"
    _wait(qtbot, shown)
    assert "Counting…" not in _texts(shown)
    assert shown.view.isVisible()
    assert shown.windowTitle() == "Statistics of colours"
    assert _column(shown, "Kind") == [
        *("Transpose", "Conv 3 × 3", "Relu", "GlobalAveragePool", "Flatten"),
        *("Gemm", "Div", "Softmax"),
    ]
    assert _column(shown, "Part")[-1] == "Head"
    assert _column(shown, "Weights")[1] == f"{_CONVOLUTION:,}"
    assert set(_column(shown, "ms")) == {"–"}
    assert not shown.variant.isVisible()
    assert not shown.view.separable.isVisible()
    qtbot.mouseClick(shown.measure, Qt.MouseButton.LeftButton)
    assert shown.strip.isVisible()
    plot = shown.view.plot
    assert plot is not None
    qtbot.waitUntil(lambda: "takes the longest" in plot.sentence(), timeout=PATIENCE_MS)
    assert not shown.strip.isVisible()
    assert float(_column(shown, "ms")[1]) >= 0


def test_a_variant_is_chosen(qtbot: QtBot, shown: StatisticsWindow) -> None:
    shown.show_source("xception-imagenet")
    _wait(qtbot, shown)
    assert shown.variant.isVisible()
    assert [shown.variant.itemText(row) for row in range(shown.variant.count())] == ["float32", "int8"]
    exact = shown.view.layers.texts()
    shown.variant.setFocus()
    qtbot.keyClick(shown.variant, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: shown.view.layers.texts() != exact, timeout=PATIENCE_MS)
    assert shown.variant.currentText() == "int8"
    qtbot.waitUntil(lambda: len(shown.view.separable.texts()) == 1 + 34, timeout=PATIENCE_MS)
    assert shown.view.separable.isVisible()


def test_a_file_says_what_cannot_be_counted_and_why_it_is_not_run(
    qtbot: QtBot, shown: StatisticsWindow, tmp_path: Path
) -> None:
    model = tiny.backbone_proto()
    model.graph.node.append(helper.make_node("Odd", ["features"], ["z"], domain="com.example"))
    file = tmp_path / "odd.onnx"
    file.write_bytes(model.SerializeToString())
    shown.show_source(file)
    _wait(qtbot, shown)
    assert "1 operator “com.example.Odd”" in shown.view.notes.text()
    assert _column(shown, "Multiply-adds")[-1] == "–"
    qtbot.mouseClick(shown.measure, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(shown.error_text.isVisible, timeout=PATIENCE_MS)
    assert "com.example.Odd" in shown.error_text.text()
    assert shown.view.isVisible()


def test_a_damaged_file_is_refused(qtbot: QtBot, shown: StatisticsWindow, tmp_path: Path) -> None:
    file = tmp_path / "bad.onnx"
    file.write_bytes(b"nothing")
    shown.show_source(file)
    qtbot.waitUntil(shown.error_text.isVisible, timeout=PATIENCE_MS)
    assert not shown.view.isVisible()
    assert not shown.measure.isEnabled()


def test_closing_the_window_cancels_the_measurement(qtbot: QtBot, shown: StatisticsWindow, tiny_model: str) -> None:
    shown.show_source(tiny_model)
    _wait(qtbot, shown)
    shown.start_measuring()
    shown.close()
    _wait(qtbot, shown)
    assert set(_column(shown, "ms")) == {"–"}


def test_a_backbone_is_counted_instead_of_a_model(qtbot: QtBot, window: MainWindow) -> None:
    window.actions_by_id[ActionId.SHOW_MODELS].trigger()
    page = window.pages.models
    qtbot.waitUntil(page.buttons.statistics.isEnabled, timeout=PATIENCE_MS)
    qtbot.mouseClick(page.buttons.statistics, Qt.MouseButton.LeftButton)
    shown = page.statistics
    qtbot.waitUntil(shown.choice.isVisible, timeout=PATIENCE_MS)
    names = [shown.choice.itemText(row) for row in range(shown.choice.count())]
    assert names[0] == window.session.models.title_of(page.choices.name)
    assert {"xception-imagenet", "mobilenet-v1", "mobilenet-v2"} <= set(names[1:])
    _wait(qtbot, shown)
    shown.choice.setFocus()
    qtbot.keyClicks(shown.choice, "mobilenet-v1")
    qtbot.keyClick(shown.choice, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: shown.windowTitle() == "Statistics of mobilenet-v2", timeout=PATIENCE_MS)
    _wait(qtbot, shown)
    qtbot.waitUntil(lambda: sum("Conv" in kind for kind in _column(shown, "Kind")) == 52, timeout=PATIENCE_MS)
    assert shown.choice.currentText() == "mobilenet-v2"
    window.session.library.refresh()
    with qtbot.waitSignal(window.session.library.listed, timeout=PATIENCE_MS):
        pass
    assert shown.choice.currentText() == "mobilenet-v2"
    shown.close()
