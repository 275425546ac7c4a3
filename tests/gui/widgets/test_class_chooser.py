"""Choosing a class: by typing, by arrows, by number, by mouse, and not at all."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from core.base.settings import Theme
from gui.widgets import theme
from gui.widgets.class_chooser import ClassChooser

ANIMALS = ["cat", "dog", "guinea pig", "pig", "wild cat"]
pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


class Place(QWidget):
    """A window with something else in it that can have the keyboard, and a chooser."""

    def __init__(self) -> None:
        super().__init__()
        self.resize(900, 600)
        self.elsewhere = QLineEdit()
        column = QVBoxLayout(self)
        column.addWidget(self.elsewhere)
        column.addStretch()
        self.chosen: list[str] = []
        self.left = 0
        self.chooser = ClassChooser(self)
        self.chooser.chosen.connect(self.chosen.append)
        self.chooser.cancelled.connect(self._on_left)

    def _on_left(self) -> None:
        self.left += 1


@pytest.fixture
def place(qtbot: QtBot) -> Place:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    application.setStyle("Fusion")
    theme.apply(application, Theme.LIGHT)
    made = Place()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.elsewhere.setFocus()
    made.chooser.open(ANIMALS, title="What is in this photo?", about="The model says dog.", current="dog")
    return made


def test_it_says_what_is_asked_and_marks_what_is_said(place: Place) -> None:
    shown = [one.text() for one in place.chooser.findChildren(QLabel) if one.isVisible()]
    assert shown == ["What is in this photo?", "The model says dog."]
    assert place.chooser.texts() == ANIMALS
    assert place.chooser.list.currentIndex().data() == "dog"
    assert "What is in this photo?" in place.chooser.line.accessibleName()
    assert place.chooser.line.accessibleDescription() == "dog, 2 of 5"
    assert place.chooser.line.hasFocus()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("cat", ["cat", "wild cat"]),
        ("PI", ["pig", "guinea pig", "Add “PI” as a new class"]),
        (" fox ", ["Add “fox” as a new class"]),
        ("   ", ANIMALS),
    ],
)
def test_typing_filters(place: Place, qtbot: QtBot, typed: str, found: list[str]) -> None:
    qtbot.keyClicks(place.chooser.line, typed)
    assert place.chooser.texts() == found


def test_enter_alone_chooses_nothing_where_nothing_was_chosen_before(place: Place, qtbot: QtBot) -> None:
    place.chooser.open(ANIMALS, title="What is in this photo?", likely=["dog"])
    line = place.chooser.line
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.keyClicks(line, "d")
    qtbot.keyClick(line, Qt.Key.Key_Backspace)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert (place.chosen, place.chooser.isVisible(), line.accessibleDescription()) == ([], True, "")
    qtbot.keyClick(line, Qt.Key.Key_Up)
    assert line.accessibleDescription() == "wild cat, 5 of 5"
    qtbot.keyClick(line, Qt.Key.Key_Down)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert place.chosen == ["cat"]


def test_a_whole_word_comes_before_the_beginning_of_a_longer_one(place: Place, qtbot: QtBot) -> None:
    place.chooser.open(["catamaran", "concatenation", "Egyptian cat", "wild catamaran", "cat"], title="Which?")
    qtbot.keyClicks(place.chooser.line, "cat")
    assert place.chooser.texts() == ["cat", "Egyptian cat", "catamaran", "wild catamaran", "concatenation"]


def test_enter_takes_what_is_marked(place: Place, qtbot: QtBot) -> None:
    line = place.chooser.line
    qtbot.keyClicks(line, "pig")
    qtbot.keyClick(line, Qt.Key.Key_Down)
    assert line.accessibleDescription() == "guinea pig, 2 of 2"
    qtbot.keyClick(line, Qt.Key.Key_Down)
    qtbot.keyClick(line, Qt.Key.Key_Up)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert (place.chosen, place.left, place.chooser.isVisible()) == (["guinea pig"], 1, False)
    assert place.elsewhere.hasFocus()


def test_a_word_becomes_a_class(place: Place, qtbot: QtBot) -> None:
    qtbot.keyClicks(place.chooser.line, " red fox")
    qtbot.keyClick(place.chooser.line, Qt.Key.Key_Enter)
    assert place.chosen == ["red fox"]


def test_a_class_in_other_letters_is_no_new_one(place: Place, qtbot: QtBot) -> None:
    qtbot.keyClicks(place.chooser.line, "DOG")
    assert place.chooser.texts() == ["dog"]


def test_where_no_class_may_be_added_none_is(place: Place, qtbot: QtBot) -> None:
    chooser = ClassChooser(place, can_add=False)
    chooser.open(ANIMALS, title="Which?")
    qtbot.keyClicks(chooser.line, "fox")
    qtbot.keyClick(chooser.line, Qt.Key.Key_Return)
    assert chooser.texts() == []
    assert chooser.isVisible()


def test_a_number_chooses_while_nothing_is_typed(place: Place, qtbot: QtBot) -> None:
    line = place.chooser.line
    qtbot.keyClicks(line, "a")
    qtbot.keyClick(line, Qt.Key.Key_2)
    assert (place.chosen, line.text()) == ([], "a2")
    line.clear()
    qtbot.keyClick(line, Qt.Key.Key_7)  # there is no seventh
    assert place.chooser.isVisible()
    qtbot.keyClick(line, Qt.Key.Key_3)
    assert place.chosen == ["guinea pig"]


def test_escape_leaves(place: Place, qtbot: QtBot) -> None:
    qtbot.keyClick(place.chooser.line, Qt.Key.Key_Escape)
    assert (place.chosen, place.left, place.chooser.isVisible()) == ([], 1, False)
    assert place.elsewhere.hasFocus()


def test_a_click_elsewhere_leaves_and_one_on_a_row_chooses(place: Place, qtbot: QtBot) -> None:
    qtbot.mouseClick(place.elsewhere, Qt.MouseButton.LeftButton)
    assert not place.chooser.isVisible()
    place.chooser.open(ANIMALS, title="Again?")
    rows = place.chooser.list
    row = rows.visualRect(rows.model().index(3, 0)).center()
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert place.chosen == ["pig"]


def test_of_many_the_likely_come_first_and_it_stays_in_the_window(place: Place, qtbot: QtBot) -> None:
    many = [f"class {number}" for number in range(1000)]
    place.chooser.open(many, title="Which?", likely=["class 500", "class 3", "no class"])
    assert place.chooser.texts()[:4] == ["class 500", "class 3", "class 0", "class 1"]
    for _ in range(2):
        qtbot.keyClick(place.chooser.line, Qt.Key.Key_PageDown)
    assert 10 < place.chooser.list.currentIndex().row() < 40
    place.resize(500, 400)
    assert place.rect().contains(place.chooser.geometry())
    qtbot.keyClick(place.chooser.line, Qt.Key.Key_Up)
    assert place.chooser.isVisible()
