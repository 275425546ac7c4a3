"""How photos are made square, in the wizard's options: what it costs is said, and the model does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.card import ResizeMode
from core.models.library import open_library
from core.training.request import FitChoice
from gui.training.wizard.window import TrainingWizard, WizardStep
from tests.gui.conftest import PATIENCE_MS
from tests.gui.training.wizard.walking import click, texts, to_method

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


def test_the_fit_is_chosen_by_keyboard_and_the_result_says_what_was_measured(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    wizard.resize(1200, 800)
    to_method(qtbot, wizard, folder)
    step = wizard.method.step
    step.options.toggle.click()
    fields = step.options.fields
    assert fields.fit.currentText() == "As the network was trained"
    assert "three times" not in texts(fields)
    qtbot.waitUntil(lambda: len(fields.preview.originals.paths) > 0, timeout=PATIENCE_MS)
    plain = fields.preview.originals.grab().toImage()
    fields.fit.setFocus()
    for _ in range(3):
        qtbot.keyClick(fields.fit, Qt.Key.Key_Down)
    assert fields.fit.currentData() == FitChoice.PAD
    qtbot.waitUntil(lambda: fields.preview.originals.grab().toImage() != plain, timeout=PATIENCE_MS)
    for _ in range(2):
        qtbot.keyClick(fields.fit, Qt.Key.Key_Up)
    assert "the photos go through the network three times" in texts(fields)
    qtbot.waitUntil(lambda: wizard.next.isEnabled(), timeout=PATIENCE_MS)
    click(qtbot, wizard.next)
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
    shown = " ".join(texts(wizard.result.step).split())
    assert "By cross-validation on the training photos, the log loss is" in shown
    card = next(model.card for model in open_library().models() if "fit_log_loss" in model.card.training)
    assert card.fit in (None, *ResizeMode)
