"""Correcting predictions and retraining in the real window, by keyboard and with real processes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from core.base.settings import Settings
from core.models.library import open_library
from core.prediction import Prediction
from gui.photos import browser
from gui.photos.changes_window import _sections
from gui.photos.retraining import Phase
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.widgets.class_chooser import ClassChooser
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.gui.photos.conftest import classified_by, show
from tests.labels import given

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


def texts(widget: QWidget) -> str:
    return "\n".join(one.text() for one in widget.findChildren(QLabel) if one.isVisible())


def chooser(window: MainWindow) -> ClassChooser:
    made = window.photos_page.browser.chooser
    assert made is not None
    assert made.isVisible()
    return made


def correct(qtbot: QtBot, window: MainWindow, row: int, label: str) -> None:
    window.photos_page.gallery.setFocus()
    window.photos_page.gallery.select_row(row)
    qtbot.keyClick(window, Qt.Key.Key_F2)
    line = chooser(window).line
    qtbot.keyClicks(line, label)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def tile(window: MainWindow, row: int) -> str:
    return str(window.session.photos.index(row).data(Qt.ItemDataRole.AccessibleTextRole))


def click(qtbot: QtBot, button: QPushButton) -> None:
    assert button.isVisible()
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_prediction_is_corrected_by_keyboard(learner: MainWindow, qtbot: QtBot, greys: list[Path]) -> None:
    page = learner.photos_page
    outcome = learner.session.photos.photo(0).outcome
    assert isinstance(outcome, Prediction)
    qtbot.keyClick(page.gallery, Qt.Key.Key_Return)
    shown = texts(chooser(learner))
    assert "What is in this photo?" in shown
    assert f"Prediction: {'unknown, maybe ' if outcome.unknown else ''}{outcome.best.label}" in shown
    assert chooser(learner).texts() == ["blue", "green", "red"]
    right = next(one for one in ("blue", "green") if one != outcome.best.label)
    qtbot.keyClicks(chooser(learner).line, right)
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_Return)
    assert page.gallery.hasFocus()
    assert f"\n{right}\nModel: " in texts(page.inspector)
    assert outcome.best.label in texts(page.inspector)
    prediction = f"Unknown, maybe {outcome.best.label}" if outcome.unknown else outcome.best.label
    assert f"You: {right} · Model: {prediction}" in tile(learner, 0)
    assert right in str(learner.session.photos.index(0).data(Qt.ItemDataRole.ToolTipRole))
    learner.actions_by_id[ActionId.COPY].trigger()
    name, model, own = QGuiApplication.clipboard().text().split("\t")
    assert (name, own) == ("grey40.png", right)
    assert model.startswith(prediction)
    assert "1 correction not learned yet" in texts(page.strip)
    qtbot.waitUntil(lambda: bool(given("mine")), timeout=PATIENCE_MS)
    (kept,) = given("mine").values()
    assert (kept.path, kept.predicted, kept.label, kept.model) == (greys[0], outcome.best.label, right, "mine")


def test_a_number_key_chooses_and_escape_cancels(learner: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(learner, Qt.Key.Key_F2)
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_Escape)
    qtbot.keyClick(learner, Qt.Key.Key_F2)
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_Return)  # nothing is selected yet
    assert learner.photos_page.strip.isHidden()
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_2)
    assert tile(learner, 0).startswith("grey40.png: You: green · Model: ")


def test_correcting_several_photos_is_undone_at_once(learner: MainWindow, qtbot: QtBot) -> None:
    page = learner.photos_page
    page.gallery.setFocus()
    correct(qtbot, learner, 0, "green")
    learner.actions_by_id[ActionId.SELECT_ALL].trigger()
    qtbot.keyClick(learner, Qt.Key.Key_F2)
    assert "What is in these 3 photos?" in texts(chooser(learner))
    qtbot.keyClicks(chooser(learner).line, "fog")
    assert chooser(learner).texts() == ["Add “fog” as a new class"]
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_Return)
    assert all("You: fog · " in tile(learner, row) for row in range(3))
    qtbot.waitUntil(lambda: "fog 3" in texts(page.inspector.selection), timeout=PATIENCE_MS)
    assert "3 corrections not learned yet" in texts(page.strip)
    learner.actions_by_id[ActionId.UNDO].trigger()
    assert "green" in tile(learner, 0)
    assert "You: " not in tile(learner, 1) + tile(learner, 2)
    learner.actions_by_id[ActionId.REMOVE_CORRECTION].trigger()
    assert page.strip.isHidden()
    learner.actions_by_id[ActionId.UNDO].trigger()
    assert "1 correction not learned yet" in texts(page.strip)
    learner.actions_by_id[ActionId.UNDO].trigger()
    assert page.strip.isHidden()
    qtbot.waitUntil(lambda: given("mine") == {}, timeout=PATIENCE_MS)


def test_many_photos_are_labelled_in_the_background(
    learner: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "MAX_AT_ONCE", 2)
    page = learner.photos_page
    learner.actions_by_id[ActionId.SELECT_ALL].trigger()
    page.browser.label_selected("fog")
    assert "Saving the labels of 3 photos" in " ".join(learner.notices.texts())
    qtbot.waitUntil(lambda: all("You: fog · " in tile(learner, row) for row in range(3)), timeout=PATIENCE_MS)
    assert "3 corrections not learned yet" in texts(page.strip)
    learner.actions_by_id[ActionId.REMOVE_CORRECTION].trigger()
    qtbot.waitUntil(page.strip.isHidden, timeout=PATIENCE_MS)
    learner.actions_by_id[ActionId.UNDO].trigger()
    qtbot.waitUntil(lambda: "3 corrections not learned yet" in texts(page.strip), timeout=PATIENCE_MS)


def test_a_new_class_is_offered_again(learner: MainWindow, qtbot: QtBot) -> None:
    correct(qtbot, learner, 0, "fog")
    learner.photos_page.gallery.select_row(1)
    qtbot.keyClick(learner, Qt.Key.Key_F2)
    assert chooser(learner).texts() == ["blue", "green", "red", "fog"]


def test_the_inspector_has_buttons_to_correct(learner: MainWindow, qtbot: QtBot) -> None:
    buttons = {one.text(): one for one in learner.photos_page.inspector.findChildren(QPushButton) if one.isVisible()}
    assert list(buttons) == ["Correct… (F2)"]
    click(qtbot, buttons["Correct… (F2)"])
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_1)
    buttons = {one.text(): one for one in learner.photos_page.inspector.findChildren(QPushButton) if one.isVisible()}
    assert list(buttons) == ["Change… (F2)", "Remove label (Shift+F2)"]
    click(qtbot, buttons["Remove label (Shift+F2)"])
    assert learner.photos_page.strip.isHidden()


def test_corrections_are_kept_after_closing_the_window(qtbot: QtBot, learner: MainWindow, greys: list[Path]) -> None:
    correct(qtbot, learner, 1, "fog")
    learner.close()
    again = show_window(qtbot)
    show(qtbot, again, greys)
    qtbot.waitUntil(lambda: "You: fog · " in tile(again, 1), timeout=PATIENCE_MS)
    assert "1 correction not learned yet" in texts(again.photos_page.strip)
    again.close()


def test_without_predictions_nothing_can_be_corrected(window: MainWindow) -> None:
    reasons = {
        ActionId.CORRECT: "Select a photo first.",
        ActionId.RETRAIN: "No corrections to learn. Select photos and press F2 to correct them.",
        ActionId.SHOW_CHANGES: "The model has not been retrained since you opened Fovea.",
        ActionId.UNDO_RETRAINING: "The model has not been retrained since you opened Fovea.",
        ActionId.UNDO: "There is nothing to undo here.",
    }
    for id_, reason in reasons.items():
        action = window.actions_by_id[id_]
        assert not action.isEnabled()
        assert (action.toolTip(), action.statusTip()) == (reason, reason)


def test_retraining_reports_changes_and_can_be_undone(learner: MainWindow, qtbot: QtBot, greys: list[Path]) -> None:
    page, strip = learner.photos_page, learner.photos_page.strip
    correct(qtbot, learner, 0, "fog")
    correct(qtbot, learner, 1, "fog")
    learner.actions_by_id[ActionId.SHOW_MAP].trigger()
    legend = page.inspector.map.legend
    qtbot.waitUntil(lambda: "Where the model saw" in legend.text(), timeout=PATIENCE_MS)
    assert "fog" not in legend.text()
    assert strip.retrain.text() == "Retrain with 2 corrections"
    qtbot.keyClick(learner, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert "Learning 2 corrections" in texts(strip)
    assert strip.bar.isVisible()
    qtbot.waitUntil(lambda: page.retraining.phase is Phase.DONE, timeout=PATIENCE_MS)
    assert "All 2 corrected photos are now right." in texts(strip)
    assert "10 test photos" in texts(strip)
    qtbot.waitUntil(lambda: classified_by(learner, 3, version=2), timeout=PATIENCE_MS)
    assert "fog" in tile(learner, 0)
    assert "Confirmed by you" in tile(learner, 0)
    assert learner.session.models.current is not None
    assert "fog" in learner.session.models.current.card.classes
    assert not page.retraining.pending.labels
    qtbot.waitUntil(lambda: legend.text() == "Where the model saw “fog”", timeout=PATIENCE_MS)
    learner.actions_by_id[ActionId.UNDO].trigger()
    assert "Confirmed by you" not in tile(learner, 1)
    learner.actions_by_id[ActionId.REDO].trigger()
    assert "Confirmed by you" in tile(learner, 1)
    assert not page.retraining.pending.labels, "the model has learned this label"
    click(qtbot, strip.show_changes)
    assert page._changes is not None
    shown = texts(page._changes)
    assert "Photos you corrected" in shown
    assert "“fog”" in shown
    assert page.retraining.summary is not None
    _, _, corrected = next(_sections(page.retraining.summary, ()))
    assert all(re.fullmatch(r"\w+ .*\d% →\n✓ fog .*%", text) for _, text in corrected)
    if page.retraining.photos_changed():  # the third photo resembles the other two
        assert "Other photos in your list" in shown
    QTest.keyClick(page._changes, Qt.Key.Key_Escape)
    assert not page._changes.isVisible()
    click(qtbot, strip.undo)
    qtbot.waitUntil(lambda: classified_by(learner, 3, version=1), timeout=PATIENCE_MS)
    assert "2 corrections not learned yet" in texts(strip)
    assert "You: fog · " in tile(learner, 0)
    assert open_library().find("mine").version == 1
    click(qtbot, strip.retrain)
    qtbot.waitUntil(lambda: page.retraining.phase is Phase.DONE, timeout=PATIENCE_MS)
    assert open_library().find("mine").version == 3


def test_retraining_can_be_repeated(learner: MainWindow, qtbot: QtBot) -> None:
    page = learner.photos_page
    for row, label in enumerate(("fog", "mist")):
        correct(qtbot, learner, row, label)
        assert page.strip.retrain.text() == "Retrain with 1 correction"
        click(qtbot, page.strip.retrain)
        qtbot.waitUntil(lambda row=row: classified_by(learner, 3, version=row + 2), timeout=PATIENCE_MS)
        assert page.retraining.phase is Phase.DONE
    assert open_library().find("mine").card.classes == ("blue", "fog", "green", "mist", "red")
    click(qtbot, page.strip.close_button)
    assert page.strip.isHidden()
    assert page.gallery.hasFocus(), "not a control that happens to come next"


def test_retraining_can_be_cancelled(learner: MainWindow, qtbot: QtBot) -> None:
    page = learner.photos_page
    correct(qtbot, learner, 0, "fog")
    click(qtbot, page.strip.retrain)
    click(qtbot, page.strip.cancel)
    assert not page.strip.cancel.isEnabled()
    qtbot.waitUntil(lambda: page.retraining.phase in (Phase.PENDING, Phase.DONE), timeout=PATIENCE_MS)
    assert page.retraining.phase is Phase.PENDING
    assert "1 correction not learned yet" in texts(page.strip)
    assert open_library().numbers("mine") == (1,)


def test_an_unusable_correction_is_reported(learner: MainWindow, qtbot: QtBot, greys: list[Path]) -> None:
    page = learner.photos_page
    correct(qtbot, learner, 0, "fog")
    greys[0].unlink()
    click(qtbot, page.strip.retrain)
    qtbot.waitUntil(lambda: page.retraining.phase is Phase.FAILED, timeout=PATIENCE_MS)
    assert "no corrections to train on" in texts(page.strip)
    assert "grey40.png" in texts(page.strip)
    assert page.strip.retrain.isVisible()
    click(qtbot, page.strip.close_button)
    assert "1 correction not learned yet" in texts(page.strip)


def test_photos_left_out_are_shown_with_the_reason(learner: MainWindow, qtbot: QtBot, greys: list[Path]) -> None:
    page = learner.photos_page
    correct(qtbot, learner, 0, "fog")
    correct(qtbot, learner, 1, "fog")
    greys[0].unlink()
    click(qtbot, page.strip.retrain)
    qtbot.waitUntil(lambda: page.retraining.phase is Phase.DONE, timeout=PATIENCE_MS)
    assert "1 photo was left out." in texts(page.strip)
    click(qtbot, page.strip.show_labels)
    assert learner.session.photos.rowCount() == 1
    assert learner.session.photos.photo(0).path == greys[0]
    qtbot.waitUntil(lambda: "Left out of the retraining: " in texts(page.inspector), timeout=PATIENCE_MS)


def test_a_model_without_training_data_offers_the_wizard(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path]
) -> None:
    show(qtbot, window, list(solids.values()))
    correct(qtbot, window, 0, "green")
    strip = window.photos_page.strip
    assert "“Colours” can't be retrained: its training data was not saved." in texts(strip)
    assert strip.retrain.isHidden()
    click(qtbot, strip.train)
    wizard = window.wizard_controller.wizard
    assert wizard is not None
    assert wizard.isVisible()
    qtbot.waitUntil(lambda: wizard.photos.read is not None, timeout=PATIENCE_MS)
    assert wizard.photos.read is not None
    assert "green" in [one.name for one in wizard.photos.read.classes]
    window.wizard_controller.wizard.close()
    assert "can't be retrained" in window.actions_by_id[ActionId.RETRAIN].toolTip()


def test_the_built_in_model_is_retrained_without_its_training_photos(qtbot: QtBot, home: Path, photos: Path) -> None:
    settings.save(Settings(model="everyday"), paths.settings_file())
    cup = Path(__file__).resolve().parents[3] / "gui" / "samples" / "coffee.jpg"
    window = show_window(qtbot)
    show(qtbot, window, [cup, photos / "bird" / "chicken_profile.png"])
    assert "bird" in tile(window, 1)
    correct(qtbot, window, 0, "cup")
    click(qtbot, window.photos_page.strip.retrain)
    retraining = window.photos_page.retraining
    qtbot.waitUntil(lambda: retraining.phase is Phase.DONE, timeout=PATIENCE_MS)
    assert "The corrected photo is now right." in texts(window.photos_page.strip)
    assert "29 test photos" in texts(window.photos_page.strip)
    qtbot.waitUntil(lambda: classified_by(window, 2, version=1), timeout=PATIENCE_MS)
    assert "cup" in tile(window, 0)
    assert "bird" in tile(window, 1)
    click(qtbot, window.photos_page.strip.undo)
    qtbot.waitUntil(lambda: classified_by(window, 2, version=0), timeout=PATIENCE_MS)
    assert open_library().find("everyday").is_builtin
    window.close()
