"""The window Compare: two versions on the photos in the window, on dropped ones, and on labelled ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.models.heads import LinearHead
from core.models.library import open_library
from gui.models.compare import CompareWindow
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


@pytest.fixture
def comparing(window: MainWindow, qtbot: QtBot) -> Iterator[CompareWindow]:
    """The window; version 1 of `colours`, which is in use, is always right, and version 2 calls all unknown.

    If version 2 is asked nevertheless, it predicts blue for green.
    """
    head = tiny.head()
    weights = head.weights.copy()
    weights[:, 2] += weights[:, 1] * 2
    wrong = tiny.packaged_model("colours", own_head=LinearHead(weights, head.bias), unknown_below=1.0)
    open_library().install(*wrong, activate=False)
    window.actions_by_id[ActionId.COMPARE].trigger()
    made = window.pages.comparison
    qtbot.waitUntil(lambda: made.a.count() >= 3, timeout=PATIENCE_MS)
    made.a.setCurrentIndex(made.a.findData("colours@1"))
    made.b.setCurrentIndex(made.b.findData("colours@2"))
    yield made
    made.close()


def click(qtbot: QtBot, button: QPushButton) -> None:
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def texts(comparing: CompareWindow) -> list[str]:
    wall = comparing.view.wall
    return [wall.item(row).text() for row in range(wall.count())]


def compared(comparing: CompareWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(
        lambda: comparing.view.comparison is not None and not comparing.strip.isVisible(), timeout=PATIENCE_MS
    )


def test_the_photos_in_the_window_are_compared(
    comparing: CompareWindow, window: MainWindow, qtbot: QtBot, solids: dict[str, Path]
) -> None:
    assert not comparing.go.isEnabled()
    window.session.photo_list.add(list(solids.values()))
    qtbot.waitUntil(lambda: comparing.go.isEnabled(), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: comparing.source.currentText() == "3 photos in the window", timeout=PATIENCE_MS)
    click(qtbot, comparing.go)
    compared(comparing, qtbot)
    assert comparing.view.headline.text() == "Different predictions for 1 of 3 photos (33.3%)"
    (text,) = texts(comparing)
    assert text.startswith("green ")
    assert "→ blue? " in text, "version 2 calls it unknown"
    assert "“?”" in comparing.view.notes.text()
    assert "only you can tell" in comparing.view.beside.text()


def test_a_dropped_labelled_folder_shows_what_broke(comparing: CompareWindow, qtbot: QtBot, tmp_path: Path) -> None:
    tiny.write_labelled(tmp_path / "labelled")
    _, may_drop = dragging.enter(comparing, dragging.files([tmp_path / "labelled"]))
    assert may_drop
    assert comparing.overlay.isVisible()
    assert comparing.overlay.message.text() == "Compare on “labelled”"
    assert dragging.drop(comparing, dragging.files([tmp_path / "labelled"]))
    assert not comparing.overlay.isVisible()
    compared(comparing, qtbot)
    assert "0 fixed, 2 broken" in comparing.view.beside.text()
    assert "McNemar" in comparing.view.beside.text()
    assert [text[:2] for text in texts(comparing)] == ["✓ ", "✓ "]
    comparing.view.filter.setCurrentIndex(1)
    assert texts(comparing) == []
    comparing.view.show_change("green", "blue")
    assert len(texts(comparing)) == 2
    from gui.plots.changes import ChangeBars, ChangesMatrix

    qtbot.waitUntil(lambda: bool(comparing.view.findChildren(ChangeBars)), timeout=PATIENCE_MS)
    (bars,) = comparing.view.findChildren(ChangeBars)
    assert bars.sentence() == "1 of 3 classes changed. Largest change: green, from 100% to 0%."
    assert not comparing.view.findChildren(ChangesMatrix)


def test_a_comparison_is_cancelled(comparing: CompareWindow, qtbot: QtBot, tmp_path: Path) -> None:
    for number in range(400):
        tiny.write_solid(tmp_path / "many" / f"{number}.png", "red", size=(40 + number, 400))
    comparing.set_photos([tmp_path / "many"])
    click(qtbot, comparing.go)
    assert comparing.strip.isVisible()
    click(qtbot, comparing.strip.cancel)
    qtbot.waitUntil(lambda: not comparing.strip.isVisible(), timeout=PATIENCE_MS)
    assert comparing.view.comparison is None
    assert comparing.go.isEnabled()


def test_the_same_model_twice_is_not_compared(comparing: CompareWindow, solids: dict[str, Path]) -> None:
    comparing.set_photos(list(solids.values()))
    comparing.b.setCurrentIndex(comparing.a.currentIndex())
    assert not comparing.go.isEnabled()
    assert "two different" in comparing.go.toolTip()


def test_a_process_that_dies_is_reported_and_restarted(
    comparing: CompareWindow, window: MainWindow, qtbot: QtBot, solids: dict[str, Path], tmp_path: Path
) -> None:
    for number in range(400):
        tiny.write_solid(tmp_path / "many" / f"{number}.png", "red", size=(40 + number, 400))
    comparing.set_photos([tmp_path / "many"])
    process = window.session.library.tasks.process_id
    assert process is not None
    if hasattr(signal, "SIGSTOP"):
        os.kill(process, signal.SIGSTOP)  # so that it answers nothing before it is killed
    click(qtbot, comparing.go)
    window.session.library.refresh()  # a listing that is never answered removes no model
    os.kill(process, 9)
    qtbot.waitUntil(lambda: comparing.error_text.isVisible(), timeout=PATIENCE_MS)
    assert "stopped unexpectedly" in comparing.error_text.text()
    comparing.set_photos(list(solids.values()))
    click(qtbot, comparing.go)
    compared(comparing, qtbot)
    assert window.session.engine.tasks.process_id is not None
