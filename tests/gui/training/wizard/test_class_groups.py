"""The step *Photos* offers folders inside folders as classes, and groups by a text file; the training keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gui.training.wizard.window import TrainingWizard
from tests import teaching
from tests.gui.conftest import PATIENCE_MS
from tests.gui.training.wizard.walking import read, texts

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


def test_the_groups_of_a_folder_are_kept_for_the_training(wizard: TrainingWizard, tmp_path: Path, qtbot: QtBot) -> None:
    place = teaching.write_labelled(tmp_path / "photos" / "warm", 4, classes=["red"]).parent
    teaching.write_labelled(place / "cold", 4, classes=["blue", "green"])
    read(qtbot, wizard, place)
    groups = wizard.photos.step.found.groups
    assert "2 classes" in texts(wizard)
    assert groups.nested.isVisible()
    qtbot.mouseClick(groups.nested, Qt.MouseButton.LeftButton, pos=QPoint(8, groups.nested.height() // 2))
    qtbot.waitUntil(lambda: "3 classes" in texts(wizard), timeout=PATIENCE_MS)
    assert "Groups: cold: blue, green; warm: red" in texts(wizard)
    assert not groups.choose.isVisible()
    assert wizard.method.request().nested

    qtbot.mouseClick(groups.nested, Qt.MouseButton.LeftButton, pos=QPoint(8, groups.nested.height() // 2))
    qtbot.waitUntil(lambda: "2 classes" in texts(wizard), timeout=PATIENCE_MS)
    file = tmp_path / "groups.txt"
    file.write_text("thing/cold\nthing/warm\n", "utf-8")
    groups.use_file(file)
    qtbot.waitUntil(lambda: "Groups: thing: cold, warm" in texts(wizard), timeout=PATIENCE_MS)
    request = wizard.method.request()
    assert (request.nested, request.hierarchy) == (False, file)

    file.write_text("thing/cold\n", "utf-8")
    groups.use_file(file)
    qtbot.waitUntil(lambda: "has no line for" in texts(wizard), timeout=PATIENCE_MS)
    assert not wizard.photos.can_continue
    assert "No problems found." not in texts(wizard)
    groups.remove.setFocus()
    qtbot.mouseClick(groups.remove, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)
    assert wizard.method.request().hierarchy is None
    focused = wizard.focusWidget()
    assert focused is not None
    qtbot.keyClick(focused, Qt.Key.Key_Return)
    assert wizard.isVisible(), "Enter doesn't press Cancel after its link has disappeared"
