"""A model taught by corrections without a mouse, by what a screen reader says."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from pytestqt.qtbot import QtBot

from gui.photos.retraining import Phase
from gui.shell.main_window import MainWindow
from tests.gui.conftest import PATIENCE_MS
from tests.gui.screen_reader import cells, described, focused, interface, listen, press, tab_to

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")
Key, Role = Qt.Key, QAccessible.Role


def test_a_model_is_corrected_and_retrained_by_keyboard(
    learner: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, heard = learner.photos_page, listen(monkeypatch)
    assert focused(learner) is page.gallery
    assert described(page.gallery) == (Role.List, "Photos")
    assert cells(page.gallery)[0].startswith("grey40.png: ")

    press(learner, Key.Key_F2)
    assert described(focused(learner))[0] is Role.EditableText
    assert described(focused(learner))[1].startswith("What is in this photo? Prediction: ")
    qtbot.keyClicks(focused(learner), "fog")
    assert interface(focused(learner)).text(QAccessible.Text.Description) == "Add “fog” as a new class, 1 of 1"
    press(learner, Key.Key_Return)
    assert heard == ["Labelled “fog”"]
    assert focused(learner) is page.gallery
    assert cells(page.gallery)[0].startswith("grey40.png: You: fog · Model: ")

    qtbot.keyClick(learner, Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert heard[-1] == "Learning 1 correction"
    assert described(page.strip.bar) == (Role.ProgressBar, "Retraining progress")
    qtbot.waitUntil(lambda: page.retraining.phase is Phase.DONE, timeout=PATIENCE_MS)
    assert heard[-1].startswith("The corrected photo is now right. ")
    tab_to(learner, "Undo")
    press(learner, Key.Key_Return)
    qtbot.waitUntil(lambda: page.retraining.phase is Phase.PENDING, timeout=PATIENCE_MS)
    assert focused(learner).isVisible()
