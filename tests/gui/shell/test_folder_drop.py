"""Folders dropped on the window: what each page does with them, and what is offered."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from gui.shell import folder_drop
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two subfolders with two photos each."""
    for name in ("red", "blue"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(2):
            tiny.write_solid(tmp_path / "photos" / name / f"{number}.png", name)
    return tmp_path / "photos"


def offers(window: MainWindow) -> dict[str, QPushButton]:
    """The visible buttons with text of the notices, by their text."""
    return {one.text(): one for one in window.notices.findChildren(QPushButton) if one.isVisible()}


def drop(window: MainWindow, folder: Path, text: str, qtbot: QtBot) -> None:
    """Drop the folder and wait for the only notice, which has this text."""
    assert dragging.drop(window, dragging.files([folder]))
    qtbot.waitUntil(lambda: window.notices.texts() == [text], timeout=PATIENCE_MS)


def test_a_folder_is_added_and_the_rest_is_offered_at_once(window: MainWindow, tree: Path, qtbot: QtBot) -> None:
    drop(window, tree, "“photos” contains 4 photos in 2 subfolders.", qtbot)
    qtbot.waitUntil(lambda: window.session.photos.rowCount() == 4, timeout=PATIENCE_MS)
    assert list(offers(window)) == ["Classify as a job", "Train a model"]
    qtbot.mouseClick(offers(window)["Classify as a job"], Qt.MouseButton.LeftButton)
    assert window.pages.folders.stack.form.isVisible()
    assert window.pages.folders.stack.form.folder == tree
    assert window.notices.texts() == []


def test_a_folder_of_classes_is_offered_to_the_wizard(window: MainWindow, tree: Path, qtbot: QtBot) -> None:
    drop(window, tree, "“photos” contains 4 photos in 2 subfolders.", qtbot)
    qtbot.mouseClick(offers(window)["Train a model"], Qt.MouseButton.LeftButton)
    wizard = window.wizard_controller.wizard
    assert wizard is not None
    assert wizard.isVisible()
    qtbot.waitUntil(lambda: wizard.photos.read is not None, timeout=PATIENCE_MS)
    assert wizard.photos.folder == tree


def test_a_folder_without_classes_is_not_offered_to_the_wizard(window: MainWindow, tree: Path, qtbot: QtBot) -> None:
    drop(window, tree / "red", "“red” contains 2 photos.", qtbot)
    assert list(offers(window)) == ["Classify as a job"]


def test_a_large_folder_is_added_on_request(
    window: MainWindow, tree: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_drop, "_MAX_ADDED", 3)
    drop(window, tree, "“photos” contains more than 3 photos. Where do you want to open it?", qtbot)
    assert window.session.photos.rowCount() == 0
    assert list(offers(window)) == ["Add to Photos", "Classify as a job", "Train a model"]
    qtbot.mouseClick(offers(window)["Add to Photos"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.session.photos.rowCount() == 4, timeout=PATIENCE_MS)


def test_a_folder_dropped_on_training_opens_the_wizard(window: MainWindow, tree: Path, qtbot: QtBot) -> None:
    window.actions_by_id[ActionId.SHOW_TRAINING].trigger()
    assert dragging.drop(window, dragging.files([tree]))
    qtbot.waitUntil(lambda: window.wizard_controller.wizard is not None, timeout=PATIENCE_MS)
    wizard = window.wizard_controller.wizard
    assert wizard is not None
    qtbot.waitUntil(lambda: wizard.photos.read is not None, timeout=PATIENCE_MS)
    assert wizard.photos.folder == tree
    assert window.session.photos.rowCount() == 0
