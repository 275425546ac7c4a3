"""The step *Result*: a wrong label is corrected, the training repeated, and the model exported."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from core.evaluation.values import Accuracy, BaselineComparison, PairedComparison
from core.exporting.formats import ExportFormat
from core.models.exchange import import_model
from core.models.library import open_library
from core.training.outlook_text import outlook_lines
from gui.models.result_photos import ResultPhotos
from gui.shell.main_window import MainWindow
from gui.training.wizard.result_step import compared_text
from gui.training.wizard.window import TrainingWizard, WizardStep
from gui.widgets.score_bars import ScoreBars
from tests import teaching
from tests.gui.conftest import PATIENCE_MS
from tests.gui.training.wizard.walking import buttons, click, in_use, texts, to_result

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


@pytest.fixture
def mislabelled(tmp_path: Path) -> Path:
    """A folder in which every fifth red photo is labelled blue."""
    place = teaching.write_labelled(tmp_path / "tints", 25)
    for number in range(0, 25, 5):
        shutil.move(place / "red" / f"{number}.png", place / "blue" / f"red {number}.png")
    return place


def shown_photos(wizard: TrainingWizard) -> ResultPhotos:
    assert wizard.result.step.view.photos is not None
    return wizard.result.step.view.photos


def test_a_wrong_label_is_corrected_by_keyboard_and_the_training_repeated(
    qtbot: QtBot, wizard: TrainingWizard, mislabelled: Path
) -> None:
    to_result(qtbot, wizard, mislabelled)
    photos = shown_photos(wizard)
    assert "Mistakes, most confident first" in texts(photos)
    advice = texts(wizard.result.step.view)
    assert "What more photos would do" in advice
    assert wizard.result.step.result is not None
    assert wizard.result.step.result.outlook is not None
    lines = outlook_lines(wizard.result.step.result.outlook)
    assert "“red” is taken for “blue”" in " ".join(lines) or "“blue” is taken for “red”" in " ".join(lines)
    assert all(line in advice for line in lines)
    wall = photos.wall
    row = next(row for row in range(wall.count()) if "Label: blue\nModel: red" in wall.item(row).text())
    wall.setFocus()
    wall.setCurrentRow(row)
    qtbot.keyClick(wall, Qt.Key.Key_F2)
    assert wizard.photos.chooser.isVisible()
    qtbot.keyClicks(wizard.photos.chooser.line, "red")
    qtbot.keyClick(wizard.photos.chooser.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: wall.item(row).text() == "now red\nwas blue", timeout=PATIENCE_MS)
    assert wizard.result.step.again.text() == "Train again with 1 change"
    click(qtbot, wizard.result.step.undo)
    qtbot.waitUntil(lambda: wizard.result.step.again.text() == "Train again", timeout=PATIENCE_MS)
    suspects = wizard.result.step.view.suspects
    assert suspects is not None
    assert "photos may have a wrong label, the most likely first" in texts(suspects)
    wall = suspects.wall
    assert "Label: blue\nModel: red" in wall.item(0).text()
    wizard.result.step.view.ensureWidgetVisible(wall)
    wall.setFocus()
    wall.setCurrentRow(1)
    confirmed = wall.item(1).toolTip().splitlines()[-1]
    qtbot.keyClick(wall, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: wall.item(1).text().endswith("\nconfirmed"), timeout=PATIENCE_MS)
    assert wizard.result.step.again.text() == "Train again"
    wall.setFocus()
    wall.setCurrentRow(0)
    qtbot.keyClick(wall, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: wall.item(0).text() == "now red\nwas blue", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: wizard.result.step.again.text() == "Train again with 1 change", timeout=PATIENCE_MS)
    click(qtbot, wizard.result.step.again)
    assert wizard.step is WizardStep.TRAINING
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
    assert wizard.result.step.result is not None
    assert wizard.result.step.result.version == 2
    assert wizard.result.step.again.text() == "Train again", "the correction was used"
    assert confirmed not in {str(one.path) for one in wizard.result.step.result.suspects}
    assert len(list((mislabelled / "blue").iterdir())) == 30, "the folder is unchanged"


def test_a_mistake_shows_where_the_new_model_saw_the_class(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, mislabelled: Path
) -> None:
    to_result(qtbot, wizard, mislabelled)
    assert wizard.result.step.result is not None
    assert window.session.models.in_use is not None
    assert window.session.models.in_use.name != wizard.result.step.result.name, "it need not be in use"
    photos = shown_photos(wizard)
    wall = photos.wall
    wall.setFocus()
    wall.setCurrentRow(0)
    qtbot.keyClick(wall, Qt.Key.Key_M)
    assert photos.closer is not None
    assert photos.closer.isVisible()
    shown = photos.closer.map
    qtbot.waitUntil(lambda: shown.shown is not None, timeout=PATIENCE_MS)
    assert shown.question is not None
    before = shown.question
    assert f"Where the model saw “{before[1]}”" in texts(photos)
    assert wall.item(0).text().replace("\n", " · ") in texts(photos)
    qtbot.keyClick(photos.closer.findChildren(ScoreBars)[0], Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: shown.question != before and shown.shown is not None, timeout=PATIENCE_MS)
    assert f"Where the model saw “{shown.question[1]}”" in texts(photos), "the class that the photo is labelled with"
    qtbot.keyClick(wall, Qt.Key.Key_M)
    assert not photos.closer.isVisible()
    assert photos.why.text() == "Show why"


def test_a_version_that_is_not_active_is_activated_to_be_used(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, folder: Path
) -> None:
    to_result(qtbot, wizard, folder)
    step = wizard.result.step
    click(qtbot, step.again)
    click(qtbot, wizard.next)
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=PATIENCE_MS)
    assert step.result is not None
    name = step.result.name
    open_library().activate(name, 1)
    step.result = replace(step.result, in_use=False)
    click(qtbot, step.use)
    qtbot.waitUntil(lambda: step.use.text() == "In use", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: in_use(window) == name, timeout=PATIENCE_MS)
    assert open_library().active(name) == 2


def test_the_model_is_exported_from_a_dialog_that_does_not_block(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path, tmp_path: Path
) -> None:
    to_result(qtbot, wizard, folder)
    click(qtbot, buttons(wizard)["Export…"])
    panel, result = wizard.result.step.exporting, wizard.result.step.result
    assert result is not None
    assert panel.heading.text() == f"Export “{result.name} · v{result.version}”"
    panel.form.setCurrentIndex(panel.form.findData(ExportFormat.ONNX_INT8))
    assert panel.save.isEnabled(), "the training photos are preselected"
    panel.form.setCurrentIndex(panel.form.findData(ExportFormat.ONNX_FLOAT32))
    click(qtbot, panel.save)
    (dialog,) = [one for one in wizard.findChildren(QFileDialog) if one.isVisible()]
    dialog.reject()
    panel.write(tmp_path / "out")
    assert panel.isVisible()
    qtbot.waitUntil(lambda: any("Exported “" in text for text in wizard.notices.texts()), timeout=PATIENCE_MS)
    assert not wizard.result.step.exporting.isVisible()
    imported = import_model(tmp_path / "out.onnx", open_library())
    assert imported.model.card.classes == result.card.classes


def test_a_failed_export_shows_the_reason(qtbot: QtBot, wizard: TrainingWizard, folder: Path, tmp_path: Path) -> None:
    to_result(qtbot, wizard, folder)
    wizard.result.step.exporting.open("gone@3")
    wizard.result.step.exporting.write(tmp_path / "out.onnx")
    qtbot.waitUntil(lambda: any("gone" in text for text in wizard.notices.texts()), timeout=PATIENCE_MS)
    assert not (tmp_path / "out.onnx").exists()


@pytest.mark.parametrize(
    ("overlap", "text"),
    [
        (0, "“Old”, in use before, gets 90.0% on the same photos: 1 fixed, 0 broken. The difference could be chance."),
        (9, "Not compared with “Old”, in use before: it was trained on 9 of these 10 photos."),
    ],
)
def test_a_model_that_was_trained_on_the_test_photos_is_not_compared(overlap: int, text: str) -> None:
    before, now = Accuracy(10, 0.9, (0.6, 0.98)), Accuracy(10, 1.0, (0.7, 1.0))
    found = PairedComparison(before, now, only_a_correct=0, only_b_correct=1, p=1.0, classes=())
    assert compared_text(BaselineComparison("old", 1, overlap, found, 0.3, ()), "Old") == text


def test_the_title_of_the_step_is_not_cut(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    wizard.resize(900, 600)
    titles = [one for one in wizard.findChildren(QLabel) if one.text()[:1].isdigit() and one.isVisible()]
    assert [one.text() for one in titles] == ["1  Photos", "2  Method", "3  Training", "4  Result"]
    places = [one.pos() for one in titles]
    to_result(qtbot, wizard, folder)
    assert titles[-1].width() >= titles[-1].sizeHint().width()
    assert [one.pos() for one in titles] == places


def test_without_test_photos_the_result_says_so_once(qtbot: QtBot, wizard: TrainingWizard, folder: Path) -> None:
    to_result(qtbot, wizard, folder)
    step, sentence = wizard.result.step, "There were no test photos, so its accuracy is unknown."
    assert step.result is not None
    step.show_result(replace(step.result, evaluation=None, notes=(sentence,)), folder)
    assert texts(step).count(sentence) == 1
