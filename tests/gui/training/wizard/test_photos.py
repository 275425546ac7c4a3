"""The step *Photos*: problems are fixed in place, classes are built, and changes are undone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from core.base import paths
from gui.shell.main_window import MainWindow
from gui.training.wizard.class_tiles import ClassTiles
from gui.training.wizard.problem_list import ProblemList
from gui.training.wizard.window import TrainingWizard, WizardStep
from gui.widgets.basic import Panel
from tests import teaching
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS
from tests.gui.training.wizard.walking import buttons, cell_text, click, read, texts

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with a photo in two classes, an unreadable one, and one outside the classes."""
    place = teaching.write_labelled(tmp_path / "mixed", 12)
    shutil.copy(place / "red" / "0.png", place / "blue" / "copy.png")
    (place / "green" / "broken.png").write_bytes(b"nothing")
    extra = teaching.write_labelled(tmp_path / "extra", 1, classes=["red"], seed=8)
    shutil.copy(extra / "red" / "0.png", place / "IMG_1.png")
    return place


def problem(problems: ProblemList, part: str) -> Panel:
    """The problem with this text."""
    (found,) = [one for one in problems.findChildren(Panel) if part in texts(one)]
    return found


def shows(wizard: TrainingWizard, text: str) -> bool:
    return text in texts(wizard)


def tile_texts(tiles: ClassTiles) -> list[str]:
    return [cell_text(tiles, row) for row in range(tiles.model().rowCount())]


def drop_on_tile(tiles: ClassTiles, row: int, files: Sequence[Path]) -> None:
    """Drag files over a tile and let go."""
    at: QPoint = tiles.visualRect(tiles.model().index(row, 0)).center()
    mime, copy, left = dragging.files(files), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    for kind, place in ((QDragEnterEvent, at), (QDragMoveEvent, at), (QDropEvent, QPointF(at))):
        event = kind(place, copy, mime, left, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(tiles.viewport(), event)
        assert event.isAccepted()


def test_a_photo_in_two_classes_is_moved_to_one_and_back(qtbot: QtBot, wizard: TrainingWizard, mixed: Path) -> None:
    read(qtbot, wizard, mixed)
    problems = wizard.photos.step.found.problems
    qtbot.waitUntil(lambda: shows(wizard, "different labels"), timeout=PATIENCE_MS)
    conflict = problem(problems, "different labels")
    assert {"Exclude 1 selected", "Move to class…", "Open"} <= set(buttons(conflict))
    click(qtbot, buttons(conflict)["Move to class…"])
    assert wizard.photos.chooser.isVisible()
    assert "What is in this photo?" in texts(wizard.photos.chooser)
    qtbot.keyClicks(wizard.photos.chooser.line, "blue")
    qtbot.keyClick(wizard.photos.chooser.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: shows(wizard, "moved to “blue”"), timeout=PATIENCE_MS)
    assert not shows(wizard, "different labels")
    assert shows(wizard, "Class blue, 13 photos")
    assert (mixed / "red" / "0.png").exists(), "the folder is as it was"
    click(qtbot, wizard.photos.step.found.undo)
    qtbot.waitUntil(lambda: shows(wizard, "different labels"), timeout=PATIENCE_MS)
    assert not shows(wizard, "moved to “blue”")


def test_an_unreadable_photo_is_excluded_and_changes_are_undone_one_by_one(
    qtbot: QtBot, wizard: TrainingWizard, mixed: Path
) -> None:
    read(qtbot, wizard, mixed)
    problems = wizard.photos.step.found.problems
    qtbot.waitUntil(lambda: shows(wizard, "broken.png"), timeout=PATIENCE_MS)
    click(qtbot, buttons(problem(problems, "broken.png"))["Exclude"])
    qtbot.waitUntil(lambda: shows(wizard, "broken.png: excluded"), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: shows(wizard, "IMG_1.png"), timeout=PATIENCE_MS)
    click(qtbot, buttons(problem(problems, "IMG_1.png"))["Move to class…"])
    qtbot.keyClicks(wizard.photos.chooser.line, "green")
    qtbot.keyClick(wizard.photos.chooser.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: shows(wizard, "moved to “green”"), timeout=PATIENCE_MS)
    assert shows(wizard, "Class green, 13 photos")
    undo = [one for one in problems.findChildren(type(wizard.next)) if "broken.png" in one.accessibleName()]
    click(qtbot, undo[0])
    qtbot.waitUntil(lambda: not shows(wizard, "excluded"), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: shows(wizard, "moved to “green”"), timeout=PATIENCE_MS)  # the other change remains


def test_classes_are_built_by_dragging_photos(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, folder: Path
) -> None:
    click(qtbot, buttons(wizard)["Build classes from photos"])
    found = wizard.photos.step.found
    tiles = found.tiles
    qtbot.waitUntil(found.isVisible, timeout=PATIENCE_MS)
    assert any("New class" in one for one in tile_texts(tiles))
    assert not wizard.next.isEnabled()
    drop_on_tile(tiles, 0, sorted((folder / "blue").iterdir()))
    qtbot.waitUntil(lambda: "Class class 1, 20 photos" in tile_texts(tiles), timeout=PATIENCE_MS)
    tiles.setCurrentIndex(tiles.model().index(0, 0))
    tiles.setFocus()
    qtbot.keyClick(tiles, Qt.Key.Key_F2)
    (editor,) = tiles.findChildren(QLineEdit)
    qtbot.keyClicks(editor, "sky")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Class sky, 20 photos" in tile_texts(tiles), timeout=PATIENCE_MS)
    drop_on_tile(tiles, 1, [folder / "green"])
    qtbot.waitUntil(lambda: "Class green, 20 photos" in tile_texts(tiles), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: wizard.next.isEnabled(), timeout=PATIENCE_MS)
    assert shows(wizard, "40 photos in 2 classes")
    assert (folder / "blue" / "0.png").exists(), "the originals stay where they are"
    found.name.setFocus()
    found.name.selectAll()
    qtbot.keyClicks(found.name, "Nature")
    qtbot.keyClick(found.name, Qt.Key.Key_Return)
    nature = paths.custom_datasets() / "Nature"
    qtbot.waitUntil(lambda: wizard.photos.read is not None and wizard.photos.read.folder == nature, timeout=PATIENCE_MS)
    assert nature.is_dir()
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)
    tiles.setCurrentIndex(tiles.model().index(0, 0))
    tiles.setFocus()
    qtbot.keyClick(tiles, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: shows(wizard, "20 photos in 1 class"), timeout=PATIENCE_MS)
    click(qtbot, found.undo)
    qtbot.waitUntil(lambda: shows(wizard, "40 photos in 2 classes"), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)
    click(qtbot, wizard.next)
    assert wizard.step is WizardStep.METHOD


def test_photos_are_removed_from_a_class_and_a_new_class_is_named(
    qtbot: QtBot, wizard: TrainingWizard, folder: Path
) -> None:
    wizard.build("Set", {label: tuple(sorted((folder / label).glob("?.png"))) for label in ("red", "blue")})
    found = wizard.photos.step.found
    qtbot.waitUntil(lambda: shows(wizard, "20 photos in 2 classes"), timeout=PATIENCE_MS)
    wall = found.class_photos.wall
    qtbot.waitUntil(lambda: wall.count() == 10, timeout=PATIENCE_MS)
    wall.setFocus()
    wall.setCurrentRow(3)
    qtbot.keyClick(wall, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: shows(wizard, "19 photos in 2 classes"), timeout=PATIENCE_MS)
    click(qtbot, found.class_photos.new_class)
    (editor,) = found.tiles.findChildren(QLineEdit)
    qtbot.keyClicks(editor, "third")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Class third, 0 photos" in tile_texts(found.tiles), timeout=PATIENCE_MS)
    for count in ("19 photos in 2 classes", "20 photos in 2 classes"):
        click(qtbot, found.undo)
        qtbot.waitUntil(lambda count=count: shows(wizard, count), timeout=PATIENCE_MS)


def test_a_custom_dataset_is_offered_after_a_restart(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, folder: Path
) -> None:
    wizard.build("Kept", {label: (folder / label,) for label in ("red", "blue")})
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)
    again = TrainingWizard(window.session, window)
    qtbot.addWidget(again)
    again.show()
    qtbot.waitUntil(lambda: any("Open “Kept”" in text for text in buttons(again)), timeout=PATIENCE_MS)
    (text,) = [text for text in buttons(again) if "Kept" in text]
    assert "2 classes" in text
    click(qtbot, buttons(again)[text])
    qtbot.waitUntil(lambda: again.photos.can_continue, timeout=PATIENCE_MS)
    assert again.photos.step.found.name.text() == "Kept"


def test_photos_are_dragged_out_of_the_gallery_as_files(
    qtbot: QtBot, window: MainWindow, solids: dict[str, Path]
) -> None:
    window.session.photo_list.add(list(solids.values()))
    qtbot.waitUntil(lambda: window.session.photos.rowCount() == 3, timeout=PATIENCE_MS)
    gallery, photos = window.photos_page.gallery, window.session.photos
    assert gallery.dragEnabled()
    assert photos.flags(photos.index(0)) & Qt.ItemFlag.ItemIsDragEnabled
    mime = photos.mimeData([photos.index(row) for row in range(3)])
    assert [Path(url.toLocalFile()) for url in mime.urls()] == [photos.photo(row).path for row in range(3)]


def test_the_wizard_opens_with_given_classes(
    qtbot: QtBot, window: MainWindow, wizard: TrainingWizard, folder: Path
) -> None:
    window.wizard_controller.open_with(
        {"red": [folder / "red" / "1.png"], "blue": [folder / "blue" / "1.png"]}, "Corrected"
    )
    qtbot.waitUntil(lambda: shows(wizard, "2 photos in 2 classes"), timeout=PATIENCE_MS)
    assert wizard.photos.step.found.name.text() == "Corrected"


def test_many_classes_are_shown_at_once(qtbot: QtBot, wizard: TrainingWizard, tmp_path: Path) -> None:
    wizard.resize(900, 600)
    source = teaching.write_labelled(tmp_path / "s", 1, classes=["red"])
    wizard.build("Many", {f"class {number:03}": (source / "red" / "0.png",) for number in range(200)})
    qtbot.waitUntil(lambda: shows(wizard, "200 photos in 200 classes"), timeout=PATIENCE_MS)
    assert wizard.photos.step.found.tiles.model().rowCount() == 201
