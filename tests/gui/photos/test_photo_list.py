"""Filtering, sorting and exporting the photos in the real window, and the list after a restart."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QPushButton, QStyle, QStyleOptionComboBox
from pytestqt.qtbot import QtBot

from core.base import paths
from core.datasets.labels import Label, Source
from core.prediction import Prediction
from gui.photos import export
from gui.session import photo_order, photo_view
from gui.session.photo_list_store import MAX_KEPT
from gui.session.session import Session
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui.conftest import PATIENCE_MS, show_window

pytestmark = pytest.mark.qt_log_ignore("does not support (propagateSizeHints|raise|grabbing)")


@pytest.fixture
def filled(window: MainWindow, qtbot: QtBot, solids: dict[str, Path], tmp_path: Path) -> MainWindow:
    """The window with four photos and a file that is no photo; two of them are red."""
    broken = tmp_path / "broken.jpg"
    broken.write_text("no photo")
    window.session.photo_list.add(
        [*solids.values(), tiny.write_solid(tmp_path / "again.png", "red", size=(44, 30)), broken]
    )
    qtbot.waitUntil(lambda: is_classified(window.session, 5), timeout=PATIENCE_MS)
    return window


def is_classified(session: Session, count: int) -> bool:
    return len(session.photos.photos()) == count and all(one.outcome for one in session.photos.photos())


def names(window: MainWindow) -> list[str]:
    photos = window.session.photos
    return [photos.photo(row).path.stem for row in range(photos.rowCount())]


def choose(box: QComboBox, text: str) -> None:
    """Choose an entry of a list like a user, who opens it first."""
    box.showPopup()
    while not box.view().isVisible():  # many photos are counted first
        QApplication.processEvents()
    index = next(row for row in range(box.count()) if box.itemText(row).startswith(text))
    box.view().setCurrentIndex(box.model().index(index, 0))
    QTest.keyClick(box.view(), Qt.Key.Key_Return)


def test_photos_are_filtered_and_the_current_one_stays(filled: MainWindow, qtbot: QtBot) -> None:
    bar, page = filled.photos_page.bar, filled.photos_page
    page.gallery.select_row(3)
    choose(bar.filter, "red (2)")
    assert names(filled) == ["red", "again"]
    assert page.gallery.current_row() == 1
    assert bar.count.text() == "2 of 5 photos"
    choose(bar.filter, "Unreadable (1)")
    assert names(filled) == ["broken"]
    filled.actions_by_id[ActionId.REMOVE].trigger()
    assert names(filled) == []
    assert page.gallery.isVisible()
    qtbot.mouseClick(bar.clear, Qt.MouseButton.LeftButton)
    assert names(filled) == ["red", "green", "blue", "again"]
    filled.actions_by_id[ActionId.UNDO].trigger()
    assert names(filled)[-1] == "broken"


def test_the_filter_fits_what_it_shows(filled: MainWindow, qtbot: QtBot) -> None:
    filled.resize(900, 600)
    box, export = filled.photos_page.bar.filter, filled.photos_page.bar.findChildren(QPushButton)[-1]
    qtbot.mouseClick(filled.status._unreadable, Qt.MouseButton.LeftButton)
    assert box.currentText() == "Unreadable (1)"
    qtbot.waitUntil(lambda: box.fontMetrics().horizontalAdvance(box.currentText()) <= text_room(box))
    assert filled.width() == 900
    assert [one.text() for one in (export, filled.photos_page.bar.remove)] == ["Export…", "Remove from list"]
    for one in (export, filled.photos_page.bar.remove):
        assert one.visibleRegion().boundingRect() == one.rect()


def text_room(box: QComboBox) -> int:
    """The width for the text of a closed combo box, in pixels."""
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    part = QStyle.SubControl.SC_ComboBoxEditField
    return box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, box).width()


def test_a_photo_added_to_a_filtered_list_is_seen(filled: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    choose(filled.photos_page.bar.filter, "red (2)")
    filled.session.photo_list.add([tiny.write_solid(tmp_path / "new.png", "green", size=(48, 30))])
    qtbot.waitUntil(lambda: names(filled)[-1] == "new", timeout=PATIENCE_MS)
    assert filled.photos_page.bar.filter.currentText() == "All photos"
    choose(filled.photos_page.bar.filter, "red (2)")
    filled.actions_by_id[ActionId.CLEAR].trigger()
    assert not filled.session.photos.photos()


def test_photos_are_sorted(filled: MainWindow) -> None:
    bar = filled.photos_page.bar
    choose(bar.sort, "Lowest confidence first")
    outcomes = [filled.session.photos.photo(row).outcome for row in range(5)]
    sure = [one.best.probability for one in outcomes if isinstance(one, Prediction)]
    assert sure == sorted(sure)
    assert names(filled)[-1] == "broken"
    choose(bar.sort, "By class")
    assert [name.replace("again", "red") for name in names(filled)] == ["blue", "green", "red", "red", "broken"]
    choose(bar.sort, "By name")
    assert names(filled) == ["again", "blue", "broken", "green", "red"]
    choose(bar.sort, "In the order added")
    assert names(filled)[0] == "red"


@pytest.fixture
def _long(filled: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of more than two photos are arranged in steps."""
    monkeypatch.setattr(photo_view, "AT_ONCE", 2)


@pytest.mark.usefixtures("_long")
def test_a_long_list_is_sorted_in_steps_while_it_changes(
    filled: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that comes in the meantime is appended, one that is removed stays removed, the last choice counts."""
    bar, photos, sort_rows = filled.photos_page.bar, filled.session.photos, photo_order.sort_rows

    def sort_while_one_comes(keys: Sequence[bytes]) -> photo_view.Steps[list[int]]:
        photos.add([Path("/nowhere/new.jpg")])
        return sort_rows(keys)

    monkeypatch.setattr(photo_order, "sort_rows", sort_while_one_comes)
    choose(bar.sort, "By class")
    choose(bar.sort, "By name")
    assert names(filled) == ["red", "green", "blue", "again", "broken"]
    qtbot.waitUntil(lambda: names(filled) == ["again", "blue", "broken", "green", "red", "new"], timeout=PATIENCE_MS)
    assert bar.sort.currentText() == "By name"
    choose(bar.sort, "In the order added")
    filled.session.photo_list.remove([0])
    qtbot.waitUntil(lambda: names(filled) == ["red", "green", "blue", "broken", "new"], timeout=PATIENCE_MS)
    filled.actions_by_id[ActionId.UNDO].trigger()
    assert names(filled) == ["red", "green", "blue", "again", "broken", "new"]


@pytest.mark.usefixtures("_long")
def test_a_photo_classified_while_a_long_list_is_filtered_is_shown_once(filled: MainWindow, qtbot: QtBot) -> None:
    photos = filled.session.photos
    choose(filled.photos_page.bar.filter, "Unreadable (1)")
    qtbot.waitUntil(lambda: names(filled) == ["broken"], timeout=PATIENCE_MS)
    red = photos.photos()[0].outcome
    assert red is not None
    choose(filled.photos_page.bar.filter, "red (2)")
    for _ in range(2):
        photos.set_outcome(red)
    qtbot.waitUntil(lambda: names(filled) == ["red", "again"], timeout=PATIENCE_MS)


def test_what_is_shown_is_exported_with_the_labels(
    filled: MainWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "out.csv"
    monkeypatch.setattr(export, "ask_where_to_save", lambda _, __, ___, on_chosen, ____: on_chosen(file))
    outcome = filled.session.photos.photo(3).outcome
    assert isinstance(outcome, Prediction)
    label = Label.of(outcome, "brick", Source.GALLERY)
    filled.session.corrections.update({outcome.model: {outcome.path: label}})
    choose(filled.photos_page.bar.filter, "brick (1)")
    filled.photos_page.export()
    qtbot.waitUntil(lambda: "Exported 1 photo to out.csv." in filled.notices.texts(), timeout=PATIENCE_MS)
    (row,) = csv.DictReader(file.read_text("utf-8").splitlines())
    assert (row["path"], row["label"], row["answer"]) == (str(outcome.path), "red", "brick")


def test_pending_labels_are_shown_and_removed(filled: MainWindow, qtbot: QtBot) -> None:
    page, photos = filled.photos_page, filled.session.photos
    outcome = photos.photo(2).outcome
    assert isinstance(outcome, Prediction)
    page.gallery.select_row(2)
    filled.session.corrections.update({outcome.model: {outcome.path: Label.of(outcome, "green", Source.GALLERY)}})
    filled.actions_by_id[ActionId.REMOVE].trigger()  # only from the list: its label still waits
    qtbot.mouseClick(page.strip.show_labels, Qt.MouseButton.LeftButton)
    assert names(filled) == ["blue"]
    qtbot.waitUntil(lambda: is_classified(filled.session, 5), timeout=PATIENCE_MS)
    filled.actions_by_id[ActionId.REMOVE_CORRECTION].trigger()
    assert page.strip.isHidden()
    assert names(filled) == ["blue"]


def test_the_list_survives_a_restart_without_what_is_gone(filled: MainWindow, qtbot: QtBot) -> None:
    gone = filled.session.photos.photo(1).path
    filled.close()
    gone.unlink()
    again = show_window(qtbot)
    qtbot.waitUntil(lambda: is_classified(again.session, 4), timeout=PATIENCE_MS)
    assert names(again) == ["red", "blue", "again", "broken"]
    assert again.photos_page.gallery.hasFocus()
    assert again.notices.texts() == []
    again.actions_by_id[ActionId.CLEAR].trigger()
    again.close()
    assert json.loads(paths.photo_list_file().read_bytes()) == {"photos": []}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"photos": 7}', b'{"photos": [null, "\\u0000", "relative.png"]}'])
def test_a_damaged_list_is_ignored(qtbot: QtBot, home: Path, content: bytes) -> None:
    paths.photo_list_file().parent.mkdir(parents=True, exist_ok=True)
    paths.photo_list_file().write_bytes(content)
    session = Session(None)  # type: ignore[arg-type]
    session.kept_list.start()
    session.close()
    assert not session.photos.photos()


def test_the_list_is_bounded(qtbot: QtBot, home: Path, tmp_path: Path) -> None:
    session = Session(None)  # type: ignore[arg-type]
    session.photos.add(tmp_path / f"{number}.png" for number in range(MAX_KEPT + 10))
    session.close()
    kept = json.loads(paths.photo_list_file().read_bytes())["photos"]
    assert len(kept) == MAX_KEPT
    assert kept[-1].endswith(f"{MAX_KEPT + 9}.png")
