"""Answers put right in the real window, and a model that learns from that: by keyboard, with real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.base.settings import Settings
from core.datasets import corrections
from core.models.library import open_library
from core.prediction import Prediction
from core.training.request import TrainRequest
from core.training.train import train
from gui.photos.retraining import Phase
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.widgets.class_chooser import ClassChooser
from tests import teaching, tiny
from tests.gui.conftest import PATIENCE_MS, show_window

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


@pytest.fixture
def taught(home: Path, tmp_path: Path) -> str:
    """A tiny model that knows what it was made of, chosen in this test's home."""
    teaching.replace_backbone(home)
    folder = teaching.write_labelled(tmp_path / "pictures", 12)
    asked = TrainRequest(folder, "mine", 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO)
    train(asked, open_library(), report=lambda _: None, token=CancelToken())
    settings.save(Settings(model="mine", provider=ProviderPreference.CPU), paths.settings_file())
    return "mine"


@pytest.fixture
def greys(tmp_path: Path) -> list[Path]:
    """Photos of what no class is."""
    return [tiny.write_solid(tmp_path / f"grey{side}.png", "grey", size=(side, side)) for side in (40, 44, 48)]


@pytest.fixture
def learner(qtbot: QtBot, taught: str, greys: list[Path]) -> Iterator[MainWindow]:
    """The window with that model and those photos."""
    made = show_window(qtbot)
    show(qtbot, made, greys)
    yield made
    made.close()


def show(qtbot: QtBot, window: MainWindow, photos: list[Path]) -> None:
    window.session.add(photos)
    qtbot.waitUntil(lambda: classified_by(window, len(photos)), timeout=2 * PATIENCE_MS)
    window.photos_page.gallery.setFocus()
    window.photos_page.gallery.select_row(0)


def classified_by(window: MainWindow, count: int, version: int | None = None) -> bool:
    photos = window.session.photos.photos()
    return len(photos) == count and all(
        isinstance(one.outcome, Prediction) and version in (None, one.version) for one in photos
    )


def texts(widget: QWidget) -> str:
    return "\n".join(one.text() for one in widget.findChildren(QLabel) if one.isVisible())


def chooser(window: MainWindow) -> ClassChooser:
    made = window.photos_page.correcting.chooser
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


def test_an_answer_is_put_right_by_keyboard(learner: MainWindow, qtbot: QtBot, greys: list[Path]) -> None:
    page = learner.photos_page
    said = learner.session.photos.photo(0).outcome
    assert isinstance(said, Prediction)
    qtbot.keyClick(page.gallery, Qt.Key.Key_Return)
    shown = texts(chooser(learner))
    assert "What is in this photo?" in shown
    assert f"The model says {said.best.label}" in shown
    assert chooser(learner).texts() == ["blue", "green", "red"]
    right = next(one for one in ("blue", "green") if one != said.best.label)
    qtbot.keyClicks(chooser(learner).line, right[:3])
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_Return)
    assert page.gallery.hasFocus()
    assert f"You say: {right}" in texts(page.inspector)
    assert said.best.label in texts(page.inspector)
    model_says = f"Unknown, perhaps {said.best.label}" if said.unknown else said.best.label
    assert f"{right}, you say; the model: {model_says}" in tile(learner, 0)
    assert right in str(learner.session.photos.index(0).data(Qt.ItemDataRole.ToolTipRole))
    learner.actions_by_id[ActionId.COPY].trigger()
    name, model, own = QGuiApplication.clipboard().text().split("\t")
    assert (name, own) == ("grey40.png", right)
    assert model.startswith(model_says)
    assert "1 correction waits." in texts(page.strip)
    qtbot.waitUntil(lambda: bool(corrections.load("mine")), timeout=2 * PATIENCE_MS)
    (kept,) = corrections.load("mine").values()
    assert (kept.path, kept.predicted, kept.label, kept.model) == (greys[0], said.best.label, right, "mine")


def test_a_number_chooses_and_escape_leaves(learner: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(learner, Qt.Key.Key_F2)
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_Escape)
    qtbot.keyClick(learner, Qt.Key.Key_F2)
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_Return)  # nobody said anything yet
    assert learner.photos_page.strip.isHidden()
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_2)
    assert tile(learner, 0).startswith("grey40.png: green")


def test_several_at_once_are_taken_back_by_one_undo(learner: MainWindow, qtbot: QtBot) -> None:
    page = learner.photos_page
    page.gallery.setFocus()
    correct(qtbot, learner, 0, "green")
    learner.actions_by_id[ActionId.SELECT_ALL].trigger()
    qtbot.keyClick(learner, Qt.Key.Key_F2)
    assert "What is in these 3 photos?" in texts(chooser(learner))
    qtbot.keyClicks(chooser(learner).line, "fog")
    assert chooser(learner).texts() == ["Add “fog” as a new class"]
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_Return)
    assert all("fog, you say" in tile(learner, row) for row in range(3))
    assert "3 corrections wait." in texts(page.strip)
    learner.actions_by_id[ActionId.UNDO].trigger()
    assert "green" in tile(learner, 0)
    assert "you say" not in tile(learner, 1) + tile(learner, 2)
    learner.actions_by_id[ActionId.REMOVE_CORRECTION].trigger()
    assert page.strip.isHidden()
    learner.actions_by_id[ActionId.UNDO].trigger()
    assert "1 correction waits." in texts(page.strip)
    learner.actions_by_id[ActionId.UNDO].trigger()
    assert page.strip.isHidden()
    qtbot.waitUntil(lambda: corrections.load("mine") == {}, timeout=2 * PATIENCE_MS)


def test_a_new_word_is_offered_again(learner: MainWindow, qtbot: QtBot) -> None:
    correct(qtbot, learner, 0, "fog")
    learner.photos_page.gallery.select_row(1)
    qtbot.keyClick(learner, Qt.Key.Key_F2)
    assert chooser(learner).texts() == ["blue", "green", "red", "fog"]


def test_the_inspector_has_buttons_for_it(learner: MainWindow, qtbot: QtBot) -> None:
    buttons = {one.text(): one for one in learner.photos_page.inspector.findChildren(QPushButton) if one.isVisible()}
    assert list(buttons) == ["Not right? (F2)"]
    click(qtbot, buttons["Not right? (F2)"])
    qtbot.keyClick(chooser(learner).line, Qt.Key.Key_1)
    buttons = {one.text(): one for one in learner.photos_page.inspector.findChildren(QPushButton) if one.isVisible()}
    assert list(buttons) == ["Change (F2)", "Take back (Shift+F2)"]
    click(qtbot, buttons["Take back (Shift+F2)"])
    assert learner.photos_page.strip.isHidden()


def test_corrections_survive_the_window(qtbot: QtBot, learner: MainWindow, greys: list[Path]) -> None:
    correct(qtbot, learner, 1, "fog")
    learner.close()
    again = show_window(qtbot)
    show(qtbot, again, greys)
    qtbot.waitUntil(lambda: "fog, you say" in tile(again, 1), timeout=2 * PATIENCE_MS)
    assert "1 correction waits." in texts(again.photos_page.strip)
    again.close()


def test_without_an_answer_there_is_nothing_to_put_right(window: MainWindow) -> None:
    window.actions_by_id[ActionId.CORRECT].trigger()
    assert "Choose a photo" in window.notices.texts()[0]
    window.actions_by_id[ActionId.RETRAIN].trigger()
    assert "No correction waits" in window.notices.texts()[1]
    window.actions_by_id[ActionId.SHOW_CHANGES].trigger()
    window.actions_by_id[ActionId.UNDO_RETRAINING].trigger()
    assert len(window.notices.texts()) == 3


def test_it_learns_says_what_changed_and_is_undone(learner: MainWindow, qtbot: QtBot, greys: list[Path]) -> None:
    page, strip = learner.photos_page, learner.photos_page.strip
    correct(qtbot, learner, 0, "fog")
    correct(qtbot, learner, 1, "fog")
    assert strip.retrain.text() == "Retrain with 2 corrections"
    qtbot.keyClick(learner, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert "Learning 2 corrections" in texts(strip)
    assert strip.bar.isVisible()
    qtbot.waitUntil(lambda: page.retraining.phase is Phase.DONE, timeout=3 * PATIENCE_MS)
    assert "2 of 2 corrected photos are now named rightly; of 10 test photos" in texts(strip)
    qtbot.waitUntil(lambda: classified_by(learner, 3, version=2), timeout=2 * PATIENCE_MS)
    assert "fog" in tile(learner, 0)
    assert "as you say" in tile(learner, 0)
    assert learner.session.model is not None
    assert "fog" in learner.session.model.card.classes
    assert not page.retraining.pending()
    click(qtbot, strip.show_changes)
    assert page._changes is not None
    shown = texts(page._changes)
    assert "The photos you corrected" in shown
    assert "“fog”" in shown
    if page.retraining.photos_changed():  # the third looks like the two
        assert "Other photos in your list" in shown
    QTest.keyClick(page._changes, Qt.Key.Key_Escape)
    assert not page._changes.isVisible()
    click(qtbot, strip.undo)
    qtbot.waitUntil(lambda: classified_by(learner, 3, version=1), timeout=2 * PATIENCE_MS)
    assert "2 corrections wait." in texts(strip)
    assert "fog, you say" in tile(learner, 0)
    assert open_library().find("mine").version == 1
    click(qtbot, strip.retrain)
    qtbot.waitUntil(lambda: page.retraining.phase is Phase.DONE, timeout=3 * PATIENCE_MS)
    assert open_library().find("mine").version == 3


def test_more_corrections_can_be_learnt_after_the_first(learner: MainWindow, qtbot: QtBot) -> None:
    page = learner.photos_page
    for row, label in enumerate(("fog", "mist")):
        correct(qtbot, learner, row, label)
        assert page.strip.retrain.text() == "Retrain with 1 correction"
        click(qtbot, page.strip.retrain)
        qtbot.waitUntil(lambda row=row: classified_by(learner, 3, version=row + 2), timeout=2 * PATIENCE_MS)
        assert page.retraining.phase is Phase.DONE
    assert open_library().find("mine").card.classes == ("blue", "fog", "green", "mist", "red")
    click(qtbot, page.strip.close_button)
    assert page.strip.isHidden()


def test_it_is_called_off(learner: MainWindow, qtbot: QtBot) -> None:
    page = learner.photos_page
    correct(qtbot, learner, 0, "fog")
    click(qtbot, page.strip.retrain)
    click(qtbot, page.strip.cancel)
    assert not page.strip.cancel.isEnabled()
    qtbot.waitUntil(lambda: page.retraining.phase in (Phase.PENDING, Phase.DONE), timeout=2 * PATIENCE_MS)
    assert page.retraining.phase is Phase.PENDING
    assert "1 correction waits." in texts(page.strip)
    assert open_library().numbers("mine") == (1,)


def test_what_cannot_be_learnt_from_is_told(learner: MainWindow, qtbot: QtBot, greys: list[Path]) -> None:
    page = learner.photos_page
    correct(qtbot, learner, 0, "fog")
    greys[0].unlink()
    click(qtbot, page.strip.retrain)
    qtbot.waitUntil(lambda: page.retraining.phase is Phase.FAILED, timeout=2 * PATIENCE_MS)
    assert "no corrections to train on" in texts(page.strip)
    assert "grey40.png" in texts(page.strip)
    assert page.strip.retrain.isVisible()
    click(qtbot, page.strip.close_button)
    assert "1 correction waits." in texts(page.strip)


def test_a_model_that_cannot_learn_says_so_and_opens_the_wizard(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path]
) -> None:
    show(qtbot, window, list(solids.values()))
    correct(qtbot, window, 0, "green")
    strip = window.photos_page.strip
    assert "“colours” cannot learn from it, for nobody kept" in texts(strip)
    assert strip.retrain.isHidden()
    click(qtbot, strip.train)
    wizard = window.wizard_controller.wizard
    assert wizard is not None
    assert wizard.isVisible()
    qtbot.waitUntil(lambda: wizard.photos.read is not None, timeout=2 * PATIENCE_MS)
    assert wizard.photos.read is not None
    assert "green" in [one.name for one in wizard.photos.read.classes]
    window.wizard_controller.wizard.close()
    window.actions_by_id[ActionId.RETRAIN].trigger()
    assert "“colours” cannot learn from it" in window.notices.texts()[-1]


def test_the_shipped_model_learns_on_a_machine_without_its_photos(qtbot: QtBot, home: Path, photos: Path) -> None:
    settings.save(Settings(model="everyday"), paths.settings_file())
    cup = Path(__file__).resolve().parents[3] / "gui" / "samples" / "coffee.jpg"
    window = show_window(qtbot)
    show(qtbot, window, [cup, photos / "bird" / "chicken_profile.png"])
    assert "bird" in tile(window, 1)
    correct(qtbot, window, 0, "cup")
    click(qtbot, window.photos_page.strip.retrain)
    retraining = window.photos_page.retraining
    qtbot.waitUntil(lambda: retraining.phase is Phase.DONE, timeout=4 * PATIENCE_MS)
    assert "1 of 1 corrected photo is now named rightly; of 28 test photos" in texts(window.photos_page.strip)
    qtbot.waitUntil(lambda: classified_by(window, 2, version=1), timeout=2 * PATIENCE_MS)
    assert "cup" in tile(window, 0)
    assert "bird" in tile(window, 1)
    click(qtbot, window.photos_page.strip.undo)
    qtbot.waitUntil(lambda: classified_by(window, 2, version=0), timeout=2 * PATIENCE_MS)
    assert open_library().find("everyday").is_builtin
    window.close()
