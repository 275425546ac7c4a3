"""Closing while a training is under way: nothing ends unasked, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.models.library import open_library
from gui.shell.main_window import MainWindow
from gui.training.wizard.window import TrainingWizard, WizardStep
from tests import teaching
from tests.gui.conftest import PATIENCE_MS
from tests.gui.training.wizard.walking import buttons, click, texts, to_how

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


@pytest.fixture
def train(qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path) -> Callable[[int], None]:
    """Begin a training that takes a while."""

    def begin(seed: int) -> None:
        to_how(qtbot, wizard, teaching.write_labelled(tmp_path / "many", 200, seed=seed))
        click(qtbot, wizard.next)
        assert wizard.run.is_running

    return begin


def test_one_stays(qtbot: QtBot, wizard: TrainingWizard, train: Callable[[int], None]) -> None:
    train(11)
    wizard.close()
    assert "Close the wizard while it trains?" in texts(wizard)
    click(qtbot, buttons(wizard.training)["Stay here"])
    assert wizard.isVisible()
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=2 * PATIENCE_MS)
    assert wizard.isVisible()


def test_it_stops_and_closes(qtbot: QtBot, wizard: TrainingWizard, train: Callable[[int], None]) -> None:
    train(12)
    wizard.close()
    click(qtbot, buttons(wizard.training)["Stop, throw it away"])
    qtbot.waitUntil(lambda: not wizard.isVisible(), timeout=PATIENCE_MS)
    assert not wizard.run.is_running
    assert "many" not in [model.name for model in open_library().models()]


def test_in_the_background_it_comes_to_its_end_and_is_told_of(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, train: Callable[[int], None]
) -> None:
    train(13)
    wizard.close()
    click(qtbot, wizard.training.background)
    assert not wizard.isVisible()
    qtbot.waitUntil(lambda: any("is trained" in one for one in window.notices.texts()), timeout=2 * PATIENCE_MS)
    click(qtbot, buttons(window)["Show it"] if "Show it" in buttons(window) else buttons(window.notices)["Show it"])
    assert wizard.isVisible()
    assert wizard.step is WizardStep.RESULT


def test_the_main_window_says_what_would_end_with_it(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, train: Callable[[int], None]
) -> None:
    train(14)
    window.close()
    assert window.isVisible()
    assert any("is under way. If Fovea closes, it ends" in one for one in window.notices.texts())
    click(qtbot, buttons(window.notices)["Close all the same"])
    assert not window.isVisible()
