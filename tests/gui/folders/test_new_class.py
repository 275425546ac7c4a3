"""A new class from unknown photos that look alike, on the way of a newcomer and by its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.base.settings import Settings
from core.datasets.label_file import open_labels
from core.jobs.values import JobState
from core.models.library import open_library
from core.training import evidence_rules
from core.training.request import TrainRequest
from core.training.train import train
from gui.folders.page import FoldersPage
from gui.photos.retraining import Phase
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.widgets.class_chooser import ClassChooser
from tests import teaching
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.gui.folders.conftest import is_at
from tests.gui.menus import open_menu

pytestmark = pytest.mark.qt_log_ignore("does not support (propagateSizeHints|raise|grabbing)")

MAX_ACTIONS = 10


class Hand:
    """Clicks and presses keys as a user does, once what is needed is visible, and counts.

    Attributes:
        actions: the number of clicks, keys, drops and words typed so far.
    """

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self._window, self._qtbot = window, qtbot
        self.actions = 0

    def press(self, text: str) -> None:
        """Click the visible button with this text."""

        def found() -> list[QPushButton]:
            all_ = self._window.findChildren(QPushButton)
            return [one for one in all_ if one.text() == text and one.isVisible() and one.isEnabled()]

        self._qtbot.waitUntil(lambda: bool(found()), timeout=PATIENCE_MS)
        self.actions += 1
        self._qtbot.mouseClick(found()[0], Qt.MouseButton.LeftButton)

    def click(self, widget: QWidget, at: QPoint) -> None:
        self.actions += 1
        self._qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)

    def type(self, widget: QWidget, text: str) -> None:
        self.actions += 1
        self._qtbot.keyClicks(widget, text)

    def key(self, widget: QWidget, key: Qt.Key) -> None:
        self.actions += 1
        self._qtbot.keyClick(widget, key)

    def drop(self, folder: Path) -> None:
        self.actions += 1
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(folder))])
        self._window.take(data)


@pytest.fixture
def learner(home: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """The window with a tiny model that can be retrained and knows what is unknown."""
    monkeypatch.setattr(evidence_rules, "_SAME_COSINE", 0.9999)  # all photos have much the same eight features
    teaching.replace_backbone(home)
    folder = teaching.write_labelled(tmp_path / "pictures", 12)
    request = TrainRequest(folder, "mine", 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO)
    train(request, open_library(), report=lambda _: None, token=CancelToken())
    settings.save(Settings(model="mine", provider=ProviderPreference.CPU), paths.settings_file())
    window = opened(qtbot)
    yield window
    window.close()


def opened(qtbot: QtBot) -> MainWindow:
    """The window on the *Folders* page, once its model is open."""
    window = show_window(qtbot)
    qtbot.waitUntil(lambda: window.session.models.in_use is not None, timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.SHOW_FOLDERS].trigger()
    return window


@pytest.fixture
def outing(tmp_path: Path) -> Path:
    """Two photos of each class, and unknown ones: four yellow and three black."""
    folder = teaching.write_labelled(tmp_path / "outing", 2, seed=7)
    for name, colour, count in (("canary", (255, 255, 0), 4), ("raven", (8, 8, 8), 3)):
        for number in range(count):
            pixels = np.full((48 + number, 64, 3), colour, np.uint8)
            Image.fromarray(pixels).save(folder / f"{name} {number}.png")
    return folder


def listed(page: FoldersPage) -> list[str]:
    """The names of the rows, once all are loaded."""
    model = page.stack.results.rows
    found = [model.row(place) for place in range(model.rowCount())]
    return [row.path.stem.split(" ")[0] for row in found if row is not None]


def show_groups(page: FoldersPage, hand: Hand, folder: Path, qtbot: QtBot) -> None:
    """Classify a folder, and show its unknown photos in groups."""
    hand.drop(folder)
    hand.press("Classify")
    hand.press("Show unknown photos")
    groups, pages = ["canary"] * 4 + ["raven"] * 3, page.stack.results.rows.pages
    qtbot.waitUntil(
        lambda: listed(page) == groups and (first := pages.row(0)) is not None and first.group is not None,
        timeout=PATIENCE_MS,
    )


def click_row(page: FoldersPage, hand: Hand, name: str) -> None:
    table = page.stack.results.table
    place = listed(page).index(name)
    hand.click(table.viewport(), table.visualRect(page.stack.results.rows.index(place, 0)).center())


def chooser(page: FoldersPage) -> ClassChooser:
    assert page.stack.results.new_class.chooser is not None
    return page.stack.results.new_class.chooser


def text_of(widget: QWidget) -> str:
    return " ".join(one.text() for one in widget.findChildren(QLabel) if one.isVisible())


def named(page: FoldersPage, hand: Hand, name: str) -> None:
    """Name the new class."""
    hand.type(chooser(page).line, name)
    hand.key(chooser(page).line, Qt.Key.Key_Return)


def wait_until_learned(window: MainWindow, qtbot: QtBot) -> None:
    retraining = window.photos_page.retraining
    qtbot.waitUntil(lambda: retraining.phase is Phase.DONE, timeout=PATIENCE_MS)


def classes(window: MainWindow) -> Sequence[str]:
    """The classes of the model in use."""
    model = window.session.models.current
    return () if model is None else model.card.classes


def test_a_newcomer_makes_a_class_of_unknown_photos_in_ten_actions(
    learner: MainWindow, outing: Path, qtbot: QtBot
) -> None:
    page, hand = learner.pages.folders, Hand(learner, qtbot)
    show_groups(page, hand, outing, qtbot)
    click_row(page, hand, "canary")
    hand.press("New class from these 4 photos…")
    assert page.stack.results.selection.count == 4
    assert "4 photos are few" in text_of(chooser(page))
    named(page, hand, "canary")
    wait_until_learned(learner, qtbot)
    qtbot.waitUntil(lambda: "canary" in classes(learner), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: set(listed(page)) == {"raven"}, timeout=PATIENCE_MS)
    hand.press("Classify again")
    job = page.job
    assert job is not None
    qtbot.waitUntil(lambda: page.job is not None and page.job.version == job.version + 1, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
    assert hand.actions <= MAX_ACTIONS
    assert not page.stack.results.learn.again.isVisible()
    with open_labels() as store:
        found = store.of_model("mine", ())
    assert {path.stem.split(" ")[0]: label.label for path, label in found.items()} == {"canary": "canary"}
    assert len(found) == 4
    page.stack.results.filters.reset()
    qtbot.waitUntil(lambda: page.stack.results.rows.rowCount() == 13, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: predictions(page, "canary") == {"canary"}, timeout=PATIENCE_MS)
    assert predictions(page, "raven") != {"canary"}


def predictions(page: FoldersPage, name: str) -> set[str | None]:
    model = page.stack.results.rows
    found = [model.row(place) for place in range(model.rowCount())]
    return {row.label for row in found if row is not None and row.path.stem.startswith(name)}


def test_the_view_of_unknown_photos_is_opened_once(learner: MainWindow, outing: Path, qtbot: QtBot) -> None:
    page, hand = learner.pages.folders, Hand(learner, qtbot)
    show_groups(page, hand, outing, qtbot)
    page.stack.results.filters.reset()
    opened = list[None]()
    page.stack.results.rows.view.opened.connect(lambda: opened.append(None))
    assert page.job is not None
    page.show_unknown(page.job.id)
    assert len(opened) == 1
    assert page.stack.results.filters.clear.isVisible()
    qtbot.waitUntil(lambda: page.stack.results.rows.rowCount() == 7, timeout=PATIENCE_MS)


def test_labels_and_model_are_as_before_after_undo(learner: MainWindow, outing: Path, qtbot: QtBot) -> None:
    page, hand = learner.pages.folders, Hand(learner, qtbot)
    before = classes(learner)
    show_groups(page, hand, outing, qtbot)
    click_row(page, hand, "raven")
    learner.actions_by_id[ActionId.NEW_CLASS].trigger()
    named(page, hand, "raven")
    wait_until_learned(learner, qtbot)
    qtbot.waitUntil(lambda: "raven" in classes(learner), timeout=PATIENCE_MS)
    hand.press("Undo")
    qtbot.waitUntil(lambda: classes(learner) == before, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: learner.photos_page.retraining.phase is Phase.PENDING, timeout=PATIENCE_MS)
    learner.actions_by_id[ActionId.UNDO].trigger()
    qtbot.waitUntil(lambda: len(listed(page)) == 7, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: learner.photos_page.retraining.phase is Phase.IDLE, timeout=PATIENCE_MS)


def test_labels_are_kept_if_the_retraining_is_cancelled(
    learner: MainWindow, outing: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, hand, retraining = learner.pages.folders, Hand(learner, qtbot), learner.photos_page.retraining
    show_groups(page, hand, outing, qtbot)
    click_row(page, hand, "canary")
    hand.press("New class from these 4 photos…")
    phases = list[Phase]()
    retraining.changed.connect(lambda: phases.append(retraining.phase))
    retraining.changed.connect(lambda: retraining.stop() if retraining.phase is Phase.RUNNING else None)
    named(page, hand, "canary")
    qtbot.waitUntil(lambda: retraining.phase is Phase.PENDING, timeout=PATIENCE_MS)
    assert len(retraining.pending.labels) == 4
    assert "canary" not in classes(learner)
    phases.clear()
    hand.press("Retrain with 4 corrections")
    qtbot.waitUntil(lambda: Phase.RUNNING in phases, timeout=PATIENCE_MS)


def test_photos_selected_by_the_user_become_the_class(learner: MainWindow, outing: Path, qtbot: QtBot) -> None:
    page, hand = learner.pages.folders, Hand(learner, qtbot)
    show_groups(page, hand, outing, qtbot)
    table = page.stack.results.table
    click_row(page, hand, "canary")
    other = table.visualRect(page.stack.results.rows.index(5, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, other)
    assert page.stack.results.learn.new_class.text().startswith("New class from these 2 photos")
    menu = open_menu(table.viewport(), table.visualRect(page.stack.results.rows.index(0, 0)).center())
    menu["New class from these…"]()
    assert "New class from these 2 photos" in text_of(chooser(page))
    hand.key(chooser(page).line, Qt.Key.Key_Escape)
    assert page.stack.results.selection.count == 2
    assert not learner.photos_page.retraining.pending.labels


def test_a_model_without_training_data_gets_a_successor_that_keeps_its_classes(
    qtbot: QtBot, tiny_model: str, outing: Path
) -> None:
    window = opened(qtbot)
    page, hand = window.pages.folders, Hand(window, qtbot)
    hand.drop(outing)
    hand.press("Classify")
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: len(listed(page)) == 13, timeout=PATIENCE_MS)
    click_row(page, hand, "canary")
    window.actions_by_id[ActionId.NEW_CLASS].trigger()
    named(page, hand, "canary")
    wizard = window.wizard_controller
    qtbot.waitUntil(lambda: wizard.wizard is not None and wizard.wizard.isVisible(), timeout=PATIENCE_MS)
    assert wizard.wizard is not None
    photos = wizard.wizard.photos
    qtbot.waitUntil(lambda: photos.read is not None, timeout=PATIENCE_MS)
    assert photos.read is not None
    assert [(one.name, one.images) for one in photos.read.classes] == [("canary", 1)]
    assert window.session.models.extendable is not None
    window.close()
