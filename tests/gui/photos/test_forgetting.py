"""Forgetting training photos in the real window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.models.installed import load_examples
from core.models.library import open_library
from core.prediction import Prediction
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.tasks.notice import NoticeKind
from gui.widgets.neighbours import NeighbourStrip
from tests.gui.conftest import PATIENCE_MS
from tests.gui.menus import open_menu
from tests.gui.photos.conftest import classified_by

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def notice(window: MainWindow) -> tuple[str, NoticeKind]:
    """The last notice."""
    last = window.notices.kept[-1].notice
    return last.text, last.kind


def press(qtbot: QtBot, window: MainWindow, text: str) -> None:
    """Press a button of a notice."""
    (found,) = [one for one in window.findChildren(QPushButton) if one.text() == text and one.isVisible()]
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)


def trained_on() -> set[Path]:
    examples = load_examples(open_library().find("mine"))
    assert examples is not None
    return {one.path for one in examples}


def test_a_similar_training_photo_is_forgotten(learner: MainWindow, qtbot: QtBot) -> None:
    outcome = learner.session.photos.photo(0).outcome
    assert isinstance(outcome, Prediction)
    assert outcome.evidence is not None
    photo = outcome.evidence.nearest[1].path
    assert photo in trained_on()
    qtbot.waitUntil(lambda: "mine" in learner.session.models.installed, timeout=PATIENCE_MS)
    (strip,) = [one for one in learner.photos_page.findChildren(NeighbourStrip) if one.isVisible()]
    tiles = strip._tiles
    width = tiles.width() // 3
    open_menu(tiles, QPoint(width + 20, 10))["Forget this photo…"]()
    text, kind = notice(learner)
    assert text.startswith(f"Forget “{photo.name}”? “mine” is trained without it from the start")
    assert text.endswith("This can't be undone.")
    assert kind is NoticeKind.WARNING
    assert photo in trained_on()
    press(qtbot, learner, "Forget")
    qtbot.waitUntil(lambda: notice(learner)[1] is NoticeKind.SUCCESS, timeout=PATIENCE_MS)
    assert notice(learner)[0].startswith("Forgot 1 photo: no version of “mine” knows it any more.")
    assert photo not in trained_on()
    qtbot.waitUntil(lambda: classified_by(learner, 3, version=2), timeout=PATIENCE_MS)
    now = learner.session.photos.photo(0).outcome
    assert isinstance(now, Prediction)
    assert now.evidence is not None
    assert photo not in {one.path for one in now.evidence.nearest}


def test_a_retraining_cannot_be_undone_after_its_version_was_forgotten(
    learner: MainWindow, qtbot: QtBot, greys: list[Path]
) -> None:
    page = learner.photos_page
    page.browser.label(learner.session.photos.photos_in([0]), "blue")
    qtbot.waitUntil(lambda: page.retraining.can_start, timeout=PATIENCE_MS)
    learner.actions_by_id[ActionId.RETRAIN].trigger()
    qtbot.waitUntil(lambda: classified_by(learner, 3, version=2), timeout=PATIENCE_MS)
    undo = learner.actions_by_id[ActionId.UNDO_RETRAINING]
    assert undo.isEnabled()
    assert greys[0] in trained_on()
    page.gallery.select_row(0)
    learner.actions_by_id[ActionId.FORGET].trigger()
    press(qtbot, learner, "Forget")
    qtbot.waitUntil(lambda: classified_by(learner, 3, version=3), timeout=PATIENCE_MS)
    assert greys[0] not in trained_on()
    assert not undo.isEnabled()
    assert page.strip.isHidden()
    assert learner.session.photos.correction(learner.session.photos.photo(0)) is None


def test_a_photo_that_was_not_learned_is_not_forgotten(learner: MainWindow, qtbot: QtBot) -> None:
    learner.actions_by_id[ActionId.FORGET].trigger()
    press(qtbot, learner, "Forget")
    qtbot.waitUntil(lambda: notice(learner)[1] is NoticeKind.ERROR, timeout=PATIENCE_MS)
    assert notice(learner)[0].startswith("“grey40.png” is not among the photos that “mine” was trained on.")
    assert open_library().numbers("mine") == (1,)


def test_other_models_have_nothing_to_forget(window: MainWindow) -> None:
    action = window.actions_by_id[ActionId.FORGET]
    assert not action.isEnabled()
    assert action.toolTip() == "The model in use doesn't know which photos it was trained on."
