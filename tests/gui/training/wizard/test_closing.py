"""Closing during a training: nothing stops without asking, and nothing is lost."""

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
from tests.gui.serving import RELEASE
from tests.gui.training.wizard.walking import buttons, click, texts, to_method

pytestmark = [
    pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise"),
    pytest.mark.usefixtures("held"),
]


@pytest.fixture
def train(qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path) -> Callable[[int], None]:
    """Begin a training that lasts until it is released."""

    def begin(seed: int) -> None:
        to_method(qtbot, wizard, teaching.write_labelled(tmp_path / "many", 200, seed=seed))
        click(qtbot, wizard.next)
        assert wizard.training.is_running

    return begin


def test_closing_can_be_cancelled(
    qtbot: QtBot, wizard: TrainingWizard, train: Callable[[int], None], tmp_path: Path
) -> None:
    train(11)
    wizard.close()
    assert "Close while training?" in texts(wizard)
    click(qtbot, buttons(wizard.training.step)["Keep training"])
    assert wizard.isVisible()
    (tmp_path / RELEASE).touch()
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
    assert wizard.isVisible()


def test_one_button_stops_a_training_and_one_leaves_it_running(
    qtbot: QtBot, wizard: TrainingWizard, train: Callable[[int], None]
) -> None:
    train(15)
    assert [*buttons(wizard)] == ["Pause", "Stop…", "Continue in background"]
    click(qtbot, wizard.training.step.stop)
    assert "Stop training?" in texts(wizard)
    assert "Continue in background" not in buttons(wizard)
    click(qtbot, buttons(wizard)["Keep training"])
    click(qtbot, buttons(wizard)["Continue in background"])
    assert not wizard.isVisible()
    assert wizard.training.is_running
    wizard.bring_up()
    click(qtbot, wizard.training.step.stop)
    click(qtbot, buttons(wizard)["Stop and discard"])
    qtbot.waitUntil(lambda: not wizard.training.is_running, timeout=PATIENCE_MS)
    assert "Cancel" not in buttons(wizard)
    click(qtbot, buttons(wizard)["Close"])
    assert not wizard.isVisible()


def test_the_training_stops_and_the_wizard_closes(
    qtbot: QtBot, wizard: TrainingWizard, train: Callable[[int], None]
) -> None:
    train(12)
    wizard.close()
    click(qtbot, buttons(wizard.training.step)["Stop and discard"])
    qtbot.waitUntil(lambda: not wizard.isVisible(), timeout=PATIENCE_MS)
    assert not wizard.training.is_running
    assert "many" not in [model.name for model in open_library().models()]


def test_a_training_in_the_background_ends_with_a_notice(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, train: Callable[[int], None], tmp_path: Path
) -> None:
    train(13)
    wizard.close()
    click(qtbot, wizard.training.step.background)
    assert not wizard.isVisible()
    (tmp_path / RELEASE).touch()
    qtbot.waitUntil(lambda: any("is trained" in one for one in window.notices.texts()), timeout=PATIENCE_MS)
    click(qtbot, buttons(window)["Show"] if "Show" in buttons(window) else buttons(window.notices)["Show"])
    assert wizard.isVisible()
    assert wizard.step is WizardStep.RESULT


def test_the_main_window_warns_before_it_stops_a_training(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, train: Callable[[int], None]
) -> None:
    train(14)
    window.close()
    assert window.isVisible()
    assert any("is still training. If you close Fovea, the training stops" in one for one in window.notices.texts())
    click(qtbot, buttons(window.notices)["Close anyway"])
    assert not window.isVisible()
