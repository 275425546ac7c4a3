"""Photos dropped, pasted and opened in the real window, and the texts shown for them."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from core.prediction import Failure, Prediction
from gui.app.application import open_request
from gui.app.single_instance import OpenRequest
from gui.session.photos_model import PhotosModel, Role
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.tasks.engine_client import _MAX_IN_FLIGHT
from tests import tiny
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS, show_window


def all_classified(window: MainWindow, count: int) -> bool:
    photos = window.session.photos.photos()
    return len(photos) == count and all(photo.outcome is not None for photo in photos)


def visible_texts(widget: QWidget) -> list[str]:
    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]


def labels_shown(window: MainWindow) -> list[str]:
    photos = window.session.photos
    return [photos.index(row).data() for row in range(photos.rowCount())]


def test_dropped_photos_are_classified(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    assert dragging.drop(window, dragging.files(list(solids.values())))
    qtbot.waitUntil(lambda: all_classified(window, 3), timeout=PATIENCE_MS)

    assert [text.split()[0] for text in labels_shown(window)] == list(solids)
    assert window.photos_page.gallery.isVisible()
    shown = visible_texts(window.photos_page.inspector)
    assert "red" in shown
    assert any(text.endswith(" ms") for text in shown)
    assert "CPU, float32" in shown


def test_a_dropped_folder_adds_images_of_all_subfolders(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path], tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    (tree / "deep" / "deeper").mkdir(parents=True)
    (tree / "notes.txt").write_text("not a photo")
    solids["red"].rename(tree / "red.png")
    solids["blue"].rename(tree / "deep" / "deeper" / "blue.png")

    assert dragging.drop(window, dragging.files([tree]))
    qtbot.waitUntil(lambda: all_classified(window, 2), timeout=PATIENCE_MS)
    assert sorted(text.split()[0] for text in labels_shown(window)) == ["blue", "red"]


def test_an_unreadable_image_is_listed_with_the_reason(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path], tmp_path: Path
) -> None:
    bad = tmp_path / "notes.jpg"
    bad.write_text("this is no image")
    empty = tmp_path / "empty.png"
    empty.touch()
    window.session.photo_list.add([bad, solids["green"], empty])
    qtbot.waitUntil(lambda: all_classified(window, 3), timeout=PATIENCE_MS)

    outcomes = [photo.outcome for photo in window.session.photos.photos()]
    assert [type(outcome) for outcome in outcomes] == [Failure, Prediction, Failure]
    window.photos_page.gallery.select_row(0)
    assert "Couldn't read this photo" in visible_texts(window.photos_page.inspector)
    (unreadable,) = (one for one in window.status.findChildren(QPushButton) if "unreadable" in one.text())
    qtbot.waitUntil(lambda: unreadable.isVisible() and unreadable.text() == "2 unreadable", timeout=PATIENCE_MS)
    assert window.notices.texts() == []
    qtbot.mouseClick(unreadable, Qt.MouseButton.LeftButton)
    assert window.session.photos.rowCount() == 2
    qtbot.mouseClick(window.photos_page.bar.remove, Qt.MouseButton.LeftButton)
    assert [photo.path for photo in window.session.photos.photos()] == [solids["green"]]
    assert window.session.photos.rowCount() == 1
    assert window.notices.texts() == ["Removed 2 photos from the list. The files were not deleted."]


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_file_names_that_are_not_valid_text_are_supported(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path]
) -> None:
    odd = solids["blue"].with_name(os.fsdecode(b'caf\xe9 "x"\n.png'))
    solids["blue"].rename(odd)
    assert dragging.drop(window, dragging.files([odd]))
    qtbot.waitUntil(lambda: all_classified(window, 1), timeout=PATIENCE_MS)
    assert labels_shown(window)[0].startswith("blue")


def test_an_image_dragged_from_another_program_is_saved_to_a_file(window: MainWindow, qtbot: QtBot) -> None:
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(QColor("blue"))
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/picture.png")])  # a browser offers both an address and an image
    mime.setImageData(image)
    assert dragging.drop(window, mime)
    qtbot.waitUntil(lambda: all_classified(window, 1), timeout=PATIENCE_MS)
    assert labels_shown(window)[0].startswith("blue")
    assert window.session.photos.photo(0).path.is_file()


def test_paste_accepts_files_and_images(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    QGuiApplication.clipboard().setMimeData(dragging.files([solids["green"]]))
    window.actions_by_id[ActionId.PASTE].trigger()
    qtbot.waitUntil(lambda: all_classified(window, 1), timeout=PATIENCE_MS)
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    QGuiApplication.clipboard().setImage(image)
    window.actions_by_id[ActionId.PASTE].trigger()
    qtbot.waitUntil(lambda: all_classified(window, 2), timeout=PATIENCE_MS)
    assert [text.split()[0] for text in labels_shown(window)] == ["green", "red"]


@pytest.mark.parametrize(
    ("address", "words"), [("https://example.org/a.jpg", "web address"), (None, "That is not a photo")]
)
def test_unsupported_content_is_rejected_visibly(window: MainWindow, address: str | None, words: str) -> None:
    mime = QMimeData()
    if address:
        mime.setUrls([QUrl(address)])
    else:
        mime.setText("some words")
    _, may_drop = dragging.enter(window, mime)
    assert not may_drop
    assert window.overlay.isVisible()
    assert words in window.overlay.message.text()


def test_pasted_text_is_rejected_with_a_notice(window: MainWindow) -> None:
    QGuiApplication.clipboard().setText("some words")
    window.actions_by_id[ActionId.PASTE].trigger()
    assert "That is not a photo" in window.notices.texts()[0]
    assert window.photos_page.empty.isVisible()


def test_samples_can_be_tried_from_the_empty_window(window: MainWindow, qtbot: QtBot) -> None:
    button = next(b for b in window.photos_page.empty.findChildren(QPushButton) if "sample" in b.accessibleName())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: all_classified(window, 1), timeout=PATIENCE_MS)
    assert isinstance(window.session.photos.photo(0).outcome, Prediction)


def test_removing_and_clearing_can_be_undone(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    window.session.photo_list.add(list(solids.values()))
    qtbot.waitUntil(lambda: all_classified(window, 3), timeout=PATIENCE_MS)
    before = labels_shown(window)
    window.photos_page.gallery.select_row(1)
    window.actions_by_id[ActionId.REMOVE].trigger()
    assert labels_shown(window) == [before[0], before[2]]
    window.actions_by_id[ActionId.CLEAR].trigger()
    assert window.photos_page.empty.isVisible()
    window.actions_by_id[ActionId.UNDO].trigger()
    window.actions_by_id[ActionId.UNDO].trigger()
    assert labels_shown(window) == before
    assert all(path.is_file() for path in solids.values())


LISTED_IN_PARTS = 620


@pytest.mark.skipif(os.name == "nt", reason="SIGSTOP is not on this system")
@pytest.mark.qt_log_ignore("does not support raise")
def test_the_first_dropped_photo_is_selected_and_classified_first(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path], tmp_path: Path
) -> None:
    folder, engine = tmp_path / "many", window.session.engine.tasks.process_id
    folder.mkdir()
    for number in range(LISTED_IN_PARTS):
        shutil.copy(solids["green"], folder / f"{number:03}.png")
    answered_rows: list[int] = []
    window.session.photos.outcome_changed.connect(answered_rows.append)
    assert engine is not None
    os.kill(engine, signal.SIGSTOP)  # so that photos wait
    assert dragging.drop(window, dragging.files([folder]))
    qtbot.waitUntil(lambda: window.session.photos.rowCount() == LISTED_IN_PARTS, timeout=PATIENCE_MS)
    assert shown_photo(window) == (0, "000.png")

    window.actions_by_id[ActionId.SHOW_MODELS].trigger()
    new = solids["blue"]
    assert dragging.drop(window, dragging.files([new, folder / "600.png", folder / "007.png"]))
    qtbot.waitUntil(lambda: shown_photo(window) == (LISTED_IN_PARTS, "blue.png"), timeout=PATIENCE_MS)
    os.kill(engine, signal.SIGCONT)
    qtbot.waitUntil(lambda: LISTED_IN_PARTS in answered_rows, timeout=PATIENCE_MS)
    assert answered_rows.index(LISTED_IN_PARTS) < 2 * _MAX_IN_FLIGHT
    qtbot.waitUntil(lambda: "2 of 3 photos were already in the list." in window.notices.texts(), timeout=PATIENCE_MS)

    QGuiApplication.clipboard().setMimeData(dragging.files([folder / "600.png"]))
    window.actions_by_id[ActionId.PASTE].trigger()
    qtbot.waitUntil(lambda: shown_photo(window) == (600, "600.png"), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "This photo was already in the list." in window.notices.texts(), timeout=PATIENCE_MS)
    window.photos_page.browser.resize_photos(1)
    qtbot.waitUntil(lambda: shown_photo(window) == (600, "600.png"), timeout=PATIENCE_MS)
    open_request(window, OpenRequest((folder / "003.png", folder / "004.png"), ""))
    qtbot.waitUntil(lambda: shown_photo(window) == (3, "003.png"), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "All 2 photos were already in the list." in window.notices.texts(), timeout=PATIENCE_MS)

    window.actions_by_id[ActionId.REMOVE].trigger()
    window.photos_page.gallery.select_row(500)
    window.actions_by_id[ActionId.UNDO].trigger()
    qtbot.waitUntil(lambda: shown_photo(window) == (3, "003.png"), timeout=PATIENCE_MS)
    assert window.session.photos.rowCount() == LISTED_IN_PARTS + 1


def shown_photo(window: MainWindow) -> tuple[int, str] | None:
    """Row and name of the only selected photo, if it is visible in the gallery and shown in the inspector."""
    gallery = window.photos_page.gallery
    index = gallery.currentIndex()
    is_visible = gallery.isVisible() and gallery.viewport().rect().intersects(gallery.visualRect(index))
    if not is_visible or list(gallery.selected_rows()) != [index.row()]:
        return None
    name = index.data(Role.PATH).name
    return (index.row(), name) if name in visible_texts(window.photos_page.inspector) else None


def test_the_same_file_by_a_relative_path_is_listed_once(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(solids["red"].parent)
    window.session.photo_list.add([Path("red.png")])  # like `fovea red.png`
    window.session.photo_list.add([solids["red"]])
    qtbot.waitUntil(lambda: window.notices.texts() == ["This photo was already in the list."], timeout=PATIENCE_MS)
    assert window.session.photos.rowCount() == 1


def test_a_folder_without_photos_is_reported_and_nothing_is_offered(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    (tmp_path / "empty" / "notes.txt").touch()
    assert dragging.drop(window, dragging.files([tmp_path / "empty"]))
    qtbot.waitUntil(lambda: bool(window.notices.texts()), timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.SHOW_FOLDERS].trigger()
    assert dragging.drop(window, dragging.files([tmp_path / "empty"]))
    qtbot.waitUntil(lambda: not window.session.pictures.is_listing, timeout=PATIENCE_MS)
    assert window.notices.texts() == ["No photos found in “empty”."]
    assert window.pages.folders.stack.list.isVisible()


def test_predictions_are_copied_as_lines(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    window.session.photo_list.add(list(solids.values()))
    qtbot.waitUntil(lambda: all_classified(window, 3), timeout=PATIENCE_MS)
    window.photos_page.gallery.setFocus()
    window.actions_by_id[ActionId.SELECT_ALL].trigger()
    window.actions_by_id[ActionId.COPY].trigger()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["red.png", "green.png", "blue.png"]
    assert lines[0].split("\t")[1].startswith("red")


def test_photos_are_navigated_by_keyboard(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    window.session.photo_list.add(list(solids.values()))
    qtbot.waitUntil(lambda: all_classified(window, 3), timeout=PATIENCE_MS)
    gallery = window.photos_page.gallery
    gallery.setFocus()
    assert gallery.current_row() == 0
    qtbot.keyClick(gallery, Qt.Key.Key_Right)
    assert "green" in visible_texts(window.photos_page.inspector)
    qtbot.keyClick(gallery, Qt.Key.Key_End)
    assert "blue" in visible_texts(window.photos_page.inspector)


def test_the_built_in_model_recognises_a_hen_and_a_gorilla(qtbot: QtBot, photos: Path) -> None:
    window = show_window(qtbot)
    hen, gorilla = photos / "bird" / "chicken_profile.png", photos / "mammal" / "gorilla.png"
    assert dragging.drop(window, dragging.files([hen, gorilla]))
    qtbot.waitUntil(lambda: all_classified(window, 2), timeout=PATIENCE_MS)
    named = [photo.outcome.best.label for photo in window.session.photos.photos()]  # type: ignore[union-attr]
    assert named[0] in ("hen", "cock")
    assert named[1] == "gorilla"
    window.close()


def test_the_list_model_is_a_valid_qt_model(
    window: MainWindow, qtbot: QtBot, qtmodeltester: object, solids: dict[str, Path]
) -> None:
    model: PhotosModel = window.session.photos
    qtmodeltester.check(model)  # type: ignore[attr-defined]
    model.add(solids.values())
    removed = model.remove([model.photo(1)])
    assert [model.row_of(path) for path in solids.values()] == [0, None, 1]
    model.restore(removed)
    assert [model.row_of(path) for path in solids.values()] == [0, 1, 2]
    assert [photo.path for photo in model.photos()] == list(solids.values())


def test_several_selected_photos_are_summed_up(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path], tmp_path: Path
) -> None:
    window.session.photo_list.add([*solids.values(), tiny.write_solid(tmp_path / "other.png", "red", size=(44, 30))])
    qtbot.waitUntil(lambda: all_classified(window, 4), timeout=PATIENCE_MS)
    gallery, panel = window.photos_page.gallery, window.photos_page.inspector.selection
    assert panel.isHidden()
    gallery.setFocus()
    qtbot.keyClick(gallery, Qt.Key.Key_End, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(panel.isVisible, timeout=PATIENCE_MS)
    assert visible_texts(panel) == ["4 selected", "red 2, green 1, blue 1"]
    remove = next(one for one in panel.findChildren(QPushButton) if one.text() == "Remove from list")
    qtbot.mouseClick(remove, Qt.MouseButton.LeftButton)
    assert window.session.photos.rowCount() == 0


def test_tiles_show_the_whole_photo_or_are_filled_with_it(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.photo_list.add([tiny.write_solid(tmp_path / "tower.png", "red", size=(30, 300))])
    qtbot.waitUntil(lambda: all_classified(window, 1), timeout=PATIENCE_MS)
    gallery = window.photos_page.gallery
    window.photos_page.inspector.setFocus()

    def red_part() -> float:
        tile = gallery.viewport().grab(gallery.visualRect(gallery.currentIndex())).toImage()
        row = [tile.pixelColor(x, tile.height() // 3) for x in range(tile.width())]
        return sum(one.red() > 200 and one.green() < 60 for one in row) / len(row)

    qtbot.waitUntil(lambda: 0 < red_part() < 0.2, timeout=PATIENCE_MS)
    height = gallery.gridSize().height()
    window.actions_by_id[ActionId.FILL_TILES].trigger()
    assert red_part() > 0.8
    window.actions_by_id[ActionId.FILE_NAMES].trigger()
    assert gallery.gridSize().height() > height
    window.close()
    again = show_window(qtbot)
    assert again.actions_by_id[ActionId.FILL_TILES].isChecked()
    again.actions_by_id[ActionId.FILL_TILES].trigger()
    again.actions_by_id[ActionId.FILE_NAMES].trigger()
    again.close()


def test_the_overlay_covers_the_page_and_says_what_a_drop_does(window: MainWindow, solids: dict[str, Path]) -> None:
    dragging.enter(window, dragging.files(list(solids.values())))
    assert window.overlay.message.text() == "Add 3 photos"
    place = window.pages.mapTo(window, window.pages.rect().topLeft())
    assert window.overlay.geometry().topLeft() == place + QPoint(12, 12)


@pytest.mark.qt_log_ignore("does not support raise")
def test_a_model_that_cannot_be_retrained_says_so_before_the_work(
    window: MainWindow, qtbot: QtBot, solids: dict[str, Path]
) -> None:
    window.session.photo_list.add([solids["red"]])
    qtbot.waitUntil(lambda: all_classified(window, 1), timeout=PATIENCE_MS)
    window.actions_by_id[ActionId.CORRECT].trigger()
    chooser = window.photos_page.browser.chooser
    assert chooser is not None
    assert "can't be retrained" in " ".join(visible_texts(chooser))
    qtbot.keyClick(chooser.line, Qt.Key.Key_Escape)
    buttons = window.photos_page.inspector.findChildren(QPushButton)
    offer = next(one for one in buttons if one.text() == "Train your own model…")
    qtbot.mouseClick(offer, Qt.MouseButton.LeftButton)
    assert window.wizard_controller.wizard is not None
    assert window.wizard_controller.wizard.isVisible()


def test_a_clicked_photo_stays_under_the_pointer(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.photo_list.add(tiny.write_solid(tmp_path / f"{number}.png", "red") for number in range(40))
    qtbot.waitUntil(lambda: all_classified(window, 40), timeout=PATIENCE_MS)
    gallery = window.photos_page.gallery
    gallery.select_row(0)
    bar, bottom = gallery.verticalScrollBar(), gallery.viewport().rect().bottom()
    qtbot.waitUntil(lambda: bar.maximum() > 0, timeout=PATIENCE_MS)
    row = next(row for row in range(40) if gallery.visualRect(gallery.model().index(row, 0)).bottom() > bottom)
    index = gallery.model().index(row, 0)
    place = gallery.visualRect(index).topLeft() + QPoint(20, 10)
    qtbot.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert gallery.current_row() == row
    gallery.scrollTo(index)  # as Qt does some time after a click
    assert bar.value() == 0
    qtbot.keyClick(gallery, Qt.Key.Key_Down)
    assert bar.value() > 0
