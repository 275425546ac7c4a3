"""A multi-label model in the real window: in *Photos*, and in the results and the review of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from core.base.label_sets import label_of
from core.base.settings import Settings
from core.jobs.values import JobState
from core.models.library import open_library
from gui.folders.plan_forms import SortForm
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.shell.rail import Page
from tests import tiny
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.gui.folders.conftest import begin, is_at, loaded
from tests.gui.photos.conftest import show
from tests.labels import given

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")
BOTH = label_of(("green", "red"))


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    names = ("grey", "red", "yellow")
    return [tiny.write_solid(tmp_path / "photos" / f"{name}.png", name) for name in names]


@pytest.fixture
def window(qtbot: QtBot, home: Path) -> Iterator[MainWindow]:
    open_library().install(*tiny.multi_label_model(shared=False))
    settings.save(Settings(model="several"), paths.settings_file())
    made = show_window(qtbot)
    qtbot.waitUntil(lambda: made.session.models.in_use is not None, timeout=PATIENCE_MS)
    yield made
    made.close()


def texts(widget: QWidget) -> str:
    return "\n".join(one.text() for one in widget.findChildren(QLabel) if one.isVisible())


def tile(window: MainWindow, row: int) -> str:
    return str(window.session.photos.index(row).data(Qt.ItemDataRole.AccessibleTextRole))


def test_photos_are_shown_and_corrected_with_all_their_classes(
    window: MainWindow, photos: list[Path], qtbot: QtBot
) -> None:
    show(qtbot, window, photos)
    page = window.photos_page
    assert [tile(window, row) for row in range(3)] == ["grey.png: no class", "red.png: red", "yellow.png: red, green"]
    assert "No class\nNone of the classes reaches its threshold." in texts(page.inspector)
    page.gallery.select_row(2)
    qtbot.waitUntil(lambda: "\nred, green\n" in texts(page.inspector), timeout=PATIENCE_MS)
    qtbot.keyClick(window, Qt.Key.Key_F2)
    chooser = page.browser.chooser
    assert chooser is not None
    for key in (Qt.Key.Key_1, Qt.Key.Key_3, Qt.Key.Key_Return):  # not red, but blue
        qtbot.keyClick(chooser.line, key)
    assert tile(window, 2) == "yellow.png: You: blue, green · Model: red, green"
    assert "\nblue, green\nModel: red, green\n" in texts(page.inspector)
    qtbot.waitUntil(lambda: bool(given("several")), timeout=PATIENCE_MS)
    (kept,) = given("several").values()
    assert (kept.label, kept.predicted, kept.is_confirmation) == (label_of(("blue", "green")), BOTH, False)
    window.actions_by_id[ActionId.UNDO].trigger()
    assert tile(window, 2) == "yellow.png: red, green"
    qtbot.waitUntil(lambda: not given("several"), timeout=PATIENCE_MS)


def test_what_needs_exactly_one_class_says_so(window: MainWindow, qtbot: QtBot) -> None:
    window.pages.show_page(Page.MODELS)
    page = window.pages.models
    qtbot.waitUntil(lambda: "several" in page.names, timeout=PATIENCE_MS)
    crop = window.actions_by_id[ActionId.CROP]
    assert (crop.isEnabled(), "several classes per photo" in crop.reason) == (False, True)
    page.show_version("several", 1)
    assert not page.buttons.compare.isEnabled()
    assert "exactly one class can be compared" in page.buttons.compare.toolTip()
    page.buttons.export.click()
    choice = page.export_panel.form
    entries = choice.model()
    assert isinstance(entries, QStandardItemModel)
    can = [choice.itemText(row) for row in range(choice.count()) if entries.item(row).isEnabled()]
    assert can == ["ONNX, unchanged", "ONNX, float32", "ONNX, float16"]
    assert choice.itemText(3) == "ONNX, int8 (only for models with one class per photo)"
    page.show_version("everyday", 0)
    page.buttons.export.click()
    assert entries.item(3).isEnabled()
    assert choice.itemText(3) == "ONNX, int8"


def test_photos_with_a_class_near_its_threshold_are_reviewed(
    window: MainWindow, photos: list[Path], qtbot: QtBot
) -> None:
    page = window.pages.folders
    begin(window, qtbot, photos[0].parent)
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
    panel = page.stack.results.filters.acceptance
    qtbot.waitUntil(panel.isVisible, timeout=PATIENCE_MS)
    assert panel.heading.text() == "Unsure photos"
    panel.bar.setValue(95)
    assert panel.text.text().startswith("For 33.3% of the photos, every class is 95% or more of the way")
    page.open_plan(SortForm)
    least = page.stack.plans[SortForm].get().form.threshold
    assert (least.isEnabled(), least.value()) == (False, 60), "the distance is no minimum confidence"
    assert "threshold for each class" in least.toolTip()
    assert not page.stack.form.crop.isEnabled()
    panel.review.click()
    review = page.stack.review
    qtbot.waitUntil(lambda: review._shown is not None, timeout=PATIENCE_MS)
    assert "2" in texts(review)


def test_a_folder_is_counted_and_reviewed_by_all_classes(window: MainWindow, photos: list[Path], qtbot: QtBot) -> None:
    page = window.pages.folders
    begin(window, qtbot, photos[0].parent)
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: loaded(page), timeout=PATIENCE_MS)
    rows = page.stack.results.rows
    assert [str(rows.index(row, 1).data()) for row in range(3)] == ["No class", "red", "red, green"]
    groups = page.stack.results.filters.groups
    qtbot.waitUntil(lambda: groups.texts()[:3] == ["All 3", "red 2", "green 1"], timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.REVIEW].trigger()
    review = page.stack.review
    qtbot.waitUntil(lambda: review._shown is not None, timeout=PATIENCE_MS)
    assert (review.choices.answer.text(), review.choices.right.text()) == ("No class", "Confirm no class")
    QTest.keyClick(review, Qt.Key.Key_Return)
    QTest.keyClick(review, Qt.Key.Key_3)
    assert review.choices.right.text().startswith("Save ")
    QTest.keyClick(review, Qt.Key.Key_Return)
    assert review.trace.text().endswith("red.png → blue, red")
    QTest.keyClick(review, Qt.Key.Key_Return)
    assert "The model was right on 2 of 3." in review.end.accessibleName()
    qtbot.waitUntil(lambda: len(given("several")) == 3, timeout=PATIENCE_MS)
