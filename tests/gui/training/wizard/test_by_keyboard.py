"""A model trained without a mouse, by what a screen reader says."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui.shell.main_window import MainWindow
from gui.training.wizard.window import WizardStep
from tests import teaching
from tests.gui.conftest import PATIENCE_MS
from tests.gui.screen_reader import cells, described, focused, interface, listen, press, tab_to
from tests.gui.training.wizard.walking import in_use

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")
Role = QAccessible.Role


def test_a_model_is_trained_by_keyboard(
    window: MainWindow, home: Path, folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    teaching.replace_backbone(home)
    heard = listen(monkeypatch)
    qtbot.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    wizard = window.wizard_controller.wizard
    assert wizard is not None
    qtbot.waitUntil(wizard.isActiveWindow)
    assert described(focused(wizard)) == (Role.Button, "Choose a folder…")
    press(wizard, Qt.Key.Key_Return)
    dialog = wizard.photos.step.findChildren(QFileDialog)[-1]
    dialog.fileSelected.emit(str(folder))
    dialog.close()

    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)
    assert heard[-1] == "60 photos in 3 classes"
    assert described(focused(wizard)) == (Role.List, "Classes")
    assert cells(focused(wizard))[0] == "Class blue, 20 photos"
    tab_to(wizard, "Next")
    press(wizard, Qt.Key.Key_Return)

    assert wizard.step is WizardStep.METHOD
    assert described(focused(wizard)) == (Role.EditableText, "Model name")
    tab_to(wizard, "Quick")
    assert described(focused(wizard))[0] is Role.RadioButton
    assert interface(focused(wizard)).text(QAccessible.Text.Description)
    tab_to(wizard, "Train")
    press(wizard, Qt.Key.Key_Return)

    assert described(wizard.training.step.bar)[0] is Role.ProgressBar
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
    assert "correct on" in heard[-1]
    assert "95% confidence interval" in heard[-1]
    assert len(set(heard)) > 3, "the stages are announced"
    assert described(focused(wizard)) == (Role.Button, "Use this model")
    press(wizard, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: in_use(window) == wizard.training.name, timeout=PATIENCE_MS)
    tab_to(wizard, "Done")
    press(wizard, Qt.Key.Key_Return)
    assert not wizard.isVisible()
