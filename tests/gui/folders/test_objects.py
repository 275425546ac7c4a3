"""Cropping and counting in *Folders*: asked for in the form, seen in the table and the inspector."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from core.base import paths
from core.jobs.values import JobState
from core.models.detector_card import CARD
from gui.folders.page import FoldersPage
from gui.folders.rows_model import Column
from gui.shell.main_window import MainWindow
from gui.widgets.crop_frame import CropFrame
from gui.widgets.photo_panel import PhotoPreview
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import Classify, begin, is_at, loaded

SAMPLES = Path(__file__).resolve().parents[3] / "gui" / "samples"


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Photos of a cup on a table, and of a rocket."""
    if not (paths.builtin_detector() / CARD).is_file():
        pytest.skip("the shipped models are not here")
    folder = tmp_path / "samples"
    folder.mkdir()
    for name in ("coffee.jpg", "rocket.jpg"):
        shutil.copy(SAMPLES / name, folder)
    return folder


def click_check_box(page: FoldersPage, qtbot: QtBot, *names: str) -> None:
    for name in names:
        box = getattr(page.stack.form, name)
        qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
        assert box.isChecked()


def test_the_table_counts_what_is_in_each_photo_and_the_inspector_frames_the_crop(
    page: FoldersPage, window: MainWindow, samples: Path, qtbot: QtBot
) -> None:
    page.open_form(samples)
    click_check_box(page, qtbot, "crop", "count_objects")
    begin(window, qtbot, samples)
    qtbot.waitUntil(lambda: is_at(page, JobState.FINISHED), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: loaded(page), timeout=PATIENCE_MS)
    results = page.stack.results
    window.resize(1600, 900)
    qtbot.waitUntil(lambda: not results.table.isColumnHidden(Column.OBJECTS), timeout=PATIENCE_MS)
    shown = [results.rows.index(row, Column.OBJECTS).data() for row in range(2)]
    assert shown == ["1 cup, 1 bowl, 1 dining table", ""]
    results.table.selectRow(0)
    crop = results.inspector.findChild(CropFrame)
    photo = results.inspector.findChild(PhotoPreview)
    assert crop is not None
    assert photo is not None
    qtbot.waitUntil(crop.isVisible, timeout=PATIENCE_MS)
    assert crop.whole.text().startswith("Cropped to: cup. Whole photo: ")
    framed = photo.frame
    assert framed is not None
    assert framed.left < 0.29 < 0.68 < framed.right
    qtbot.mouseClick(crop.frame, Qt.MouseButton.LeftButton, pos=QPoint(8, crop.frame.height() // 2))
    assert photo.frame is None
    results.table.selectRow(1)
    qtbot.waitUntil(lambda: not crop.isVisible(), timeout=PATIENCE_MS)


def test_without_counting_there_is_no_column(
    page: FoldersPage, classify: Classify, window: MainWindow, tree: Path
) -> None:
    window.resize(1600, 900)
    classify(tree)
    assert page.stack.results.table.isColumnHidden(Column.OBJECTS)
