"""The wizard as a user walks through it: from a folder of photos to a model in use, with real processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.models.library import open_library
from core.training.request import Recipe
from gui.plots.calibration import CalibrationPlot
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.training.wizard.window import TrainingWizard, WizardStep
from tests import teaching, tiny
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS
from tests.gui.serving import RELEASE
from tests.gui.training.wizard.walking import buttons, click, in_use, texts, to_method, to_result
from tests.labels import correction, give

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


def test_a_drag_says_what_a_drop_does(wizard: TrainingWizard, folder: Path) -> None:
    _, may_drop = dragging.enter(wizard, dragging.files([folder / "red" / "0.png"]))
    assert not may_drop
    assert not wizard.overlay.isVisible()
    _, may_drop = dragging.enter(wizard, dragging.files([folder]))
    assert may_drop
    assert wizard.overlay.isVisible()
    assert wizard.overlay.message.text() == f"Read “{folder.name}”"


def test_from_a_folder_to_a_model_in_use(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, folder: Path
) -> None:
    assert "Drop a folder of photos here" in texts(wizard)
    assert not wizard.next.isEnabled()
    assert dragging.drop(wizard, dragging.files([folder]))
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)
    seen = texts(wizard)
    assert "60 photos in 3 classes" in seen
    assert "20 photos" in seen
    qtbot.waitUntil(lambda: "broken.png" in texts(wizard), timeout=PATIENCE_MS)
    click(qtbot, wizard.next)
    assert wizard.method.step.name.text() == "my-pictures"
    wizard.method.step.name.clear()
    qtbot.keyClicks(wizard.method.step.name, "Bad name")
    assert "Use lowercase letters" in texts(wizard)
    assert not wizard.next.isEnabled()
    wizard.method.step.name.clear()
    qtbot.keyClicks(wizard.method.step.name, "mine")
    qtbot.waitUntil(lambda: "About" in wizard.method.step.cards[Recipe.QUICK].time.text(), timeout=PATIENCE_MS)
    click(qtbot, wizard.next)
    assert wizard.step is WizardStep.TRAINING
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
    assert "correct on" in wizard.result.step.headline.text()
    assert "%" in wizard.result.step.beside.text()
    click(qtbot, wizard.result.step.use)
    qtbot.waitUntil(lambda: in_use(window) == "mine", timeout=PATIENCE_MS)
    assert wizard.result.step.use.text() == "In use"
    assert wizard.done.hasFocus(), "Enter closes the wizard"
    qtbot.waitUntil(lambda: window.top_bar.switcher.currentText() == "mine · v1", timeout=PATIENCE_MS)
    assert open_library().find("mine").version == 1
    click(qtbot, wizard.done)
    assert not wizard.isVisible()
    window.actions_by_id[ActionId.SHOW_TRAINING].trigger()
    page = window.pages.training
    qtbot.waitUntil(lambda: page.list.topLevelItemCount() == 2, timeout=PATIENCE_MS)
    page.list.setCurrentIndex(page.list.model().index(0, 0))
    click(qtbot, page.evaluation)
    shown = window.pages.evaluations
    qtbot.waitUntil(lambda: shown.view.matrix is not None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: bool(shown.view.findChildren(CalibrationPlot)), timeout=PATIENCE_MS)
    (plot,) = shown.view.findChildren(CalibrationPlot)
    qtbot.waitUntil(lambda: "Measured by cross-validation on " in plot.sentence(), timeout=PATIENCE_MS)
    assert "mine · v1: " in texts(shown)
    assert "95% confidence interval" in texts(shown)
    assert "Exclude" not in buttons(shown), "the labels of a finished training are not changed here"
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    assert not shown.isVisible()


def test_a_name_in_use_is_not_taken_silently(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    open_library().install(*tiny.packaged_model("my-pictures"))
    to_method(qtbot, wizard, folder)
    name = wizard.method.step.name
    name.setText("my-pictures")
    qtbot.waitUntil(lambda: "You have a model “my-pictures”." in texts(wizard), timeout=PATIENCE_MS)
    assert wizard.next.isEnabled()
    name.setText("general")
    assert "“general” is a built-in model. Choose another name." in texts(wizard)
    assert not wizard.next.isEnabled()
    wizard.method.step.suggest("another folder")
    assert name.text() == "another-folder"


def test_every_page_has_a_way_out(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    assert dragging.drop(wizard, dragging.files([folder]))
    click(qtbot, wizard.cancel)
    assert wizard.isVisible(), "only the reading was cancelled"
    assert "Drop a folder of photos here" in texts(wizard)
    to_method(qtbot, wizard, folder)
    click(qtbot, wizard.cancel)
    assert not wizard.isVisible()
    wizard.bring_up()
    qtbot.keyClick(wizard.method.step.name, Qt.Key.Key_Escape)
    assert not wizard.isVisible()


def test_the_wizard_opens_where_a_model_begins_with_labels_given_elsewhere(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, folder: Path
) -> None:
    to_result(qtbot, wizard, folder)
    wizard.close()
    give(correction(folder / "red" / "0.png", "blue"))
    window.actions_by_id[ActionId.NEW_MODEL].trigger()
    assert wizard.step is WizardStep.PHOTOS
    qtbot.waitUntil(lambda: "red/0.png: moved to “blue”" in texts(wizard), timeout=PATIENCE_MS)


def test_a_cell_of_the_matrix_shows_its_photos(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    to_method(qtbot, wizard, folder)
    click(qtbot, wizard.next)
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: wizard.result.step.view.matrix is not None, timeout=PATIENCE_MS)
    matrix, result, photos = wizard.result.step.view.matrix, wizard.result.step.result, wizard.result.step.view.photos
    assert matrix is not None
    assert photos is not None
    assert result is not None
    assert result.evaluation is not None
    matrix.cell_chosen.emit(0, 0)
    assert photos.wall.count() == result.evaluation.confusion[0][0]
    assert f"of “{result.card.classes[0]}”, " in texts(wizard)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")
def test_a_training_is_repeated_after_its_process_dies(
    held: None, qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, tmp_path: Path
) -> None:
    many = teaching.write_labelled(tmp_path / "many", 200, seed=3)
    to_method(qtbot, wizard, many)
    click(qtbot, wizard.next)
    qtbot.waitUntil(lambda: window.session.training.process_id is not None, timeout=PATIENCE_MS)
    assert window.session.training.process_id is not None
    os.kill(window.session.training.process_id, signal.SIGKILL)
    qtbot.waitUntil(wizard.training.step.restart.isVisible, timeout=PATIENCE_MS)
    assert wizard.training.step.stage.text() == "Training failed"
    (tmp_path / RELEASE).touch()
    button = wizard.training.step.again if wizard.training.step.again.isVisible() else wizard.training.step.restart
    click(qtbot, button)
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)


def test_an_unusable_folder_shows_the_reason(qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert dragging.drop(wizard, dragging.files([tmp_path / "empty"]))
    qtbot.waitUntil(lambda: wizard.photos.read is not None, timeout=PATIENCE_MS)
    assert "Couldn't train on" in texts(wizard)
    assert not wizard.next.isEnabled()


def test_stopping_asks_what_to_do_with_the_progress(
    held: None, qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path
) -> None:
    to_method(qtbot, wizard, teaching.write_labelled(tmp_path / "many", 200, seed=4))
    click(qtbot, wizard.next)
    click(qtbot, wizard.training.step.pause)
    assert "Paused" in texts(wizard)
    click(qtbot, wizard.training.step.stop)
    choices = {one.text(): one for one in wizard.training.step.findChildren(QPushButton) if one.isVisible()}
    click(qtbot, choices["Stop and discard"])
    qtbot.waitUntil(lambda: wizard.training.step.stage.text() == "Stopped", timeout=PATIENCE_MS)
    assert "many" not in [model.name for model in open_library().models()]
    click(qtbot, wizard.back)
    assert wizard.step is WizardStep.METHOD
    (tmp_path / RELEASE).touch()
    wizard.go_to(WizardStep.TRAINING)
    click(qtbot, wizard.training.step.restart)
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)


def test_a_training_continues_in_the_background_and_is_shown_again(
    held: None, qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, tmp_path: Path
) -> None:
    to_method(qtbot, wizard, teaching.write_labelled(tmp_path / "many", 200, seed=5))
    click(qtbot, wizard.next)
    wizard.close()
    assert wizard.isVisible(), "the wizard asks first"
    assert "Close while training?" in texts(wizard)
    click(qtbot, wizard.training.step.background)
    assert not wizard.isVisible()
    assert "Training continues in the background." in window.notices.texts()
    qtbot.waitUntil(lambda: "Training many" in "".join(one.text() for one in window.status.findChildren(QPushButton)))
    window.status.training_wanted.emit()
    assert wizard.isVisible()
    (tmp_path / RELEASE).touch()
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
