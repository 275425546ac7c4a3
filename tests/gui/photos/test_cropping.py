"""Cropping and counting in *Photos*: switched on and off in the menu, seen in the gallery and the inspector."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from gui.photos import export
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.widgets.crop_frame import CropFrame
from gui.widgets.photo_panel import PhotoPreview
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.gui.photos.conftest import show
from tests.gui.serving import serve_engine_with_a_tiny_detector
from tests.tiny_detector import write_detector, write_things


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """A small apple in front of a blue wall, and the wall."""
    return [write_things(tmp_path / "apple.png", ("red", 1, 1)), write_things(tmp_path / "wall.png")]


@pytest.fixture
def detector(home: Path) -> Path:
    """The folder of the detector."""
    return write_detector(home / "detector")


@pytest.fixture
def viewer(qtbot: QtBot, tiny_model: str, detector: Path, photos: list[Path]) -> Iterator[MainWindow]:
    """The window with the photos, classified without the detector."""
    made = open_window(qtbot)
    show(qtbot, made, photos)
    yield made
    made.close()


def open_window(qtbot: QtBot) -> MainWindow:
    made = show_window(qtbot)
    made.session.engine.tasks._process._serve = serve_engine_with_a_tiny_detector
    return made


def tiles(window: MainWindow) -> list[str]:
    """What the tiles say, without the confidence."""
    model = window.photos_page.gallery.model()
    return [str(model.index(row, 0).data()).split("  ")[0] for row in range(model.rowCount())]


def texts(window: MainWindow) -> list[str]:
    return [one.text() for one in window.photos_page.inspector.findChildren(QLabel) if one.isVisibleTo(window)]


def wait_for(qtbot: QtBot, window: MainWindow, *expected: str) -> None:
    qtbot.waitUntil(lambda: tiles(window) == list(expected), timeout=PATIENCE_MS)


def test_the_crop_is_classified_and_framed_until_it_is_switched_off(viewer: MainWindow, qtbot: QtBot) -> None:
    inspector, switch = viewer.photos_page.inspector, viewer.actions_by_id[ActionId.CROP]
    crop, photo = inspector.findChild(CropFrame), inspector.findChild(PhotoPreview)
    assert crop is not None
    assert photo is not None
    assert not switch.isChecked()
    wait_for(qtbot, viewer, "blue", "blue")
    assert (crop.isVisible(), photo.frame, "Objects" in texts(viewer)) == (False, None, False)
    switch.trigger()
    wait_for(qtbot, viewer, "red", "blue")
    qtbot.waitUntil(crop.isVisible, timeout=PATIENCE_MS)
    assert switch.isChecked()
    assert crop.whole.text().startswith("Cropped to: apple. Whole photo: blue ")
    assert photo.frame is not None
    qtbot.mouseClick(crop.frame, Qt.MouseButton.LeftButton, pos=QPoint(8, crop.frame.height() // 2))
    assert photo.frame is None
    viewer.photos_page.gallery.select_row(1)
    assert not crop.isVisible()
    viewer.photos_page.gallery.select_row(0)
    switch.trigger()
    wait_for(qtbot, viewer, "blue", "blue")
    qtbot.waitUntil(lambda: not crop.isVisible(), timeout=PATIENCE_MS)
    assert not switch.isChecked()


def test_objects_are_counted_in_the_inspector_and_in_what_is_exported(
    viewer: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer.actions_by_id[ActionId.COUNT_OBJECTS].trigger()
    qtbot.waitUntil(lambda: "1 apple" in texts(viewer), timeout=PATIENCE_MS)
    assert "Objects" in texts(viewer)
    assert tiles(viewer)[0] == "blue", "it is counted, not cropped"
    viewer.actions_by_id[ActionId.CROP].trigger()
    wait_for(qtbot, viewer, "red", "blue")
    file = tmp_path / "out.csv"
    monkeypatch.setattr(export, "ask_where_to_save", lambda _, __, ___, on_chosen, ____: on_chosen(file))
    viewer.photos_page.export()
    qtbot.waitUntil(lambda: "Exported 2 photos to out.csv." in viewer.notices.texts(), timeout=PATIENCE_MS)
    first, second = csv.DictReader(file.read_text().splitlines())
    assert (first["label"], first["objects"], first["whole_label"]) == ("red", "1 apple", "blue")
    assert (second["label"], second["objects"], second["whole_label"]) == ("blue", "", "")


def test_the_choice_is_remembered(qtbot: QtBot, tiny_model: str, detector: Path, photos: list[Path]) -> None:
    settings.change(paths.settings_file(), crop=True)
    window = open_window(qtbot)
    assert window.actions_by_id[ActionId.CROP].isChecked()
    assert not window.actions_by_id[ActionId.COUNT_OBJECTS].isChecked()
    show(qtbot, window, photos)
    assert tiles(window) == ["red", "blue"]
    window.actions_by_id[ActionId.COUNT_OBJECTS].trigger()
    window.close()
    assert settings.load(paths.settings_file()).count_objects


def test_without_a_detector_photos_are_classified_whole_and_the_reason_is_shown(
    viewer: MainWindow, qtbot: QtBot, detector: Path, photos: list[Path]
) -> None:
    shutil.rmtree(detector)
    viewer.actions_by_id[ActionId.CROP].trigger()
    qtbot.waitUntil(lambda: "Detector" in texts(viewer), timeout=PATIENCE_MS)
    (reason,) = [one for one in texts(viewer) if "detector.json" in one]
    assert reason.endswith(" is missing. Install Fovea again.")
    notice = f"Photos are classified without cropping or counting. {reason}"
    assert notice in viewer.notices.texts()
    assert tiles(viewer) == ["blue", "blue"]
    viewer.session.photo_list.classify_again()
    qtbot.waitUntil(lambda: viewer.session.engine.waiting_count == 0, timeout=PATIENCE_MS)
    assert tiles(viewer) == ["blue", "blue"]
    viewer.actions_by_id[ActionId.CROP].trigger()
    qtbot.waitUntil(lambda: notice not in viewer.notices.texts(), timeout=PATIENCE_MS)
    assert "Detector" not in texts(viewer)
