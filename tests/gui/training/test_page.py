"""The place Training: the current training, runs to resume or discard, and trained models."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.base import paths
from core.base.providers import Precision, ProviderPreference
from core.models.library import open_library
from core.training.request import Recipe, TrainRequest
from core.training.runs import open_run
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.shell.rail import Page
from gui.training.page import TrainingPage
from gui.training.wizard.window import WizardStep
from tests import teaching, tiny
from tests.gui.conftest import PATIENCE_MS

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


def request(folder: Path, **changes: object) -> TrainRequest:
    fields: dict[str, object] = {"folder": folder, "name": "later", "validation": 0.25, "test": 0.25, "seed": 0}
    fields |= {"provider": ProviderPreference.CPU, "precision": Precision.AUTO, "recipe": Recipe.DENSE, "epochs": 3}
    return TrainRequest(**(fields | changes))  # type: ignore[arg-type]


def begin(training: TrainRequest) -> None:
    with open_run(training, {"recipe": training.recipe.value, "epochs": 3}, ["a"], restart=False) as run:
        (run.folder / "checkpoint.npz").touch()


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> TrainingPage:
    """The page with one unfinished run."""
    begin(request(tmp_path / "pictures"))
    window.actions_by_id[ActionId.SHOW_TRAINING].trigger()
    qtbot.waitUntil(lambda: len(window.pages.training.runs) == 1, timeout=PATIENCE_MS)
    return window.pages.training


def click(qtbot: QtBot, button: QPushButton) -> None:
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_an_unfinished_run_is_discarded_after_confirmation_in_place(
    page: TrainingPage, window: MainWindow, qtbot: QtBot
) -> None:
    (row,) = page.runs
    assert "dense, 3 epochs" in row.about.text()
    assert "pictures" in row.about.text()
    click(qtbot, row.discard)
    assert not row.resume.isVisible()
    click(qtbot, row.keep)
    assert row.resume.isVisible()
    click(qtbot, row.discard)
    click(qtbot, row.sure)
    qtbot.waitUntil(lambda: not page.runs, timeout=PATIENCE_MS)
    assert not page.unfinished.isVisible()
    assert not (paths.unfinished_runs() / "later").exists()


def test_resuming_opens_the_wizard_where_it_trains(
    page: TrainingPage, window: MainWindow, home: Path, qtbot: QtBot
) -> None:
    teaching.replace_backbone(home)
    click(qtbot, page.runs[0].resume)
    wizard = window.wizard_controller.wizard
    assert wizard is not None
    assert wizard.step is WizardStep.TRAINING
    assert "Training later" in page.line.text()
    assert page.running.isVisible()
    qtbot.waitUntil(lambda: not wizard.training.is_running, timeout=PATIENCE_MS)  # the folder does not exist
    assert "no folder" in wizard.training.step._error.text() or "pictures" in wizard.training.step._error.text()
    assert not page.running.isVisible()


def test_a_run_of_an_earlier_version_cannot_be_resumed_here(
    page: TrainingPage, window: MainWindow, qtbot: QtBot
) -> None:
    place = paths.unfinished_runs() / "old"
    place.mkdir()
    (place / "run.json").write_text('{"format": 1, "plan": {"recipe": "dense"}, "images": []}')
    qtbot.waitUntil(lambda: len(page.runs) == 2, timeout=PATIENCE_MS)
    old = next(row for row in page.runs if row.run.name == "old")
    assert not old.resume.isEnabled()
    assert "repeat the command that started it" in old.about.text()
    assert old.discard.isEnabled()


def test_a_trained_model_is_shown_on_the_models_page(page: TrainingPage, window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: page.list.topLevelItemCount() == 1, timeout=PATIENCE_MS)
    for title in ("Hues", "Hues again"):
        open_library().install(*tiny.packaged_model("hues", title=title))
    qtbot.waitUntil(lambda: page.list.topLevelItemCount() == 3, timeout=PATIENCE_MS)
    first, selected = page.list.topLevelItem(1), page.list.currentItem()
    assert first is not None
    assert first.text(2) == "1"
    assert selected is not None
    assert selected.text(1) == "Colours"
    page.list.setCurrentItem(first)
    page.list.setFocus()
    qtbot.keyClick(page.list, Qt.Key.Key_Return)
    assert window.pages.currentIndex() == Page.MODELS
    qtbot.waitUntil(lambda: window.pages.models.choices.name == "hues", timeout=PATIENCE_MS)
    assert window.pages.models.versions.number == 1


def test_without_trained_models_one_button_is_enough(page: TrainingPage, qtbot: QtBot) -> None:
    open_library().remove("colours")
    qtbot.waitUntil(lambda: page.list.topLevelItemCount() == 0, timeout=PATIENCE_MS)
    buttons = [one for one in page.findChildren(QPushButton) if one.isVisible() and one.text() == "New model…"]
    assert len(buttons) == 1


def test_the_button_opens_the_wizard(page: TrainingPage, window: MainWindow, qtbot: QtBot) -> None:
    click(qtbot, page.new)
    assert window.wizard_controller.wizard is not None
    assert window.wizard_controller.wizard.step is WizardStep.PHOTOS
