"""Choosing a class by typing, arrow keys, number keys or mouse, and cancelling."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from core.base.label_sets import NO_CLASS
from core.base.settings import Theme
from gui.widgets import theme
from gui.widgets.class_chooser import ClassChooser

ANIMALS = ["cat", "dog", "guinea pig", "pig", "wild cat"]
MANY = [f"bird {number}" for number in range(20)]
pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


class Window(QWidget):
    """A window with a chooser and another widget that accepts the keyboard focus."""

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
def window(qtbot: QtBot) -> Window:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    application.setStyle("Fusion")
    theme.apply(application, Theme.LIGHT)
    made = Window()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.elsewhere.setFocus()
    made.chooser.open(ANIMALS, title="What is in this photo?", about="Prediction: dog.", current="dog")
    return made


def test_the_question_and_the_current_class_are_shown(window: Window) -> None:
    shown = [one.text() for one in window.chooser.findChildren(QLabel) if one.isVisible()]
    assert shown == ["What is in this photo?", "Prediction: dog."]
    assert window.chooser.texts() == ANIMALS
    assert window.chooser.list.currentIndex().data() == "dog"
    assert "What is in this photo?" in window.chooser.line.accessibleName()
    assert window.chooser.line.accessibleDescription() == "dog, 2 of 5"
    assert window.chooser.line.hasFocus()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("cat", ["cat", "wild cat"]),
        ("PI", ["pig", "guinea pig", "Add “PI” as a new class"]),
        (" fox ", ["Add “fox” as a new class"]),
        ("   ", ANIMALS),
    ],
)
def test_typing_filters(window: Window, qtbot: QtBot, typed: str, found: list[str]) -> None:
    qtbot.keyClicks(window.chooser.line, typed)
    assert window.chooser.texts() == found


def test_enter_alone_chooses_nothing_without_a_current_class(window: Window, qtbot: QtBot) -> None:
    window.chooser.open(ANIMALS, title="What is in this photo?", likely=["dog"])
    line = window.chooser.line
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.keyClicks(line, "d")
    qtbot.keyClick(line, Qt.Key.Key_Backspace)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert (window.chosen, window.chooser.isVisible(), line.accessibleDescription()) == ([], True, "")
    qtbot.keyClick(line, Qt.Key.Key_Up)
    assert line.accessibleDescription() == "wild cat, 5 of 5"
    qtbot.keyClick(line, Qt.Key.Key_Down)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert window.chosen == ["cat"]


def test_whole_words_come_before_prefixes(window: Window, qtbot: QtBot) -> None:
    window.chooser.open(["catamaran", "concatenation", "Egyptian cat", "wild catamaran", "cat"], title="Which?")
    qtbot.keyClicks(window.chooser.line, "cat")
    assert window.chooser.texts() == ["cat", "Egyptian cat", "catamaran", "wild catamaran", "concatenation"]


def test_enter_chooses_the_selected_class(window: Window, qtbot: QtBot) -> None:
    line = window.chooser.line
    qtbot.keyClicks(line, "pig")
    qtbot.keyClick(line, Qt.Key.Key_Down)
    assert line.accessibleDescription() == "guinea pig, 2 of 2"
    qtbot.keyClick(line, Qt.Key.Key_Down)
    qtbot.keyClick(line, Qt.Key.Key_Up)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert (window.chosen, window.left, window.chooser.isVisible()) == (["guinea pig"], 1, False)
    assert window.elsewhere.hasFocus()


def test_a_new_class_can_be_added(window: Window, qtbot: QtBot) -> None:
    qtbot.keyClicks(window.chooser.line, " red fox")
    qtbot.keyClick(window.chooser.line, Qt.Key.Key_Enter)
    assert window.chosen == ["red fox"]


def test_a_class_in_different_case_is_not_new(window: Window, qtbot: QtBot) -> None:
    qtbot.keyClicks(window.chooser.line, "DOG")
    assert window.chooser.texts() == ["dog"]


def test_number_keys_choose_while_nothing_is_typed(window: Window, qtbot: QtBot) -> None:
    line = window.chooser.line
    qtbot.keyClicks(line, "a")
    qtbot.keyClick(line, Qt.Key.Key_2)
    assert (window.chosen, line.text()) == ([], "a2")
    line.clear()
    qtbot.keyClick(line, Qt.Key.Key_7)  # there is no seventh class
    assert window.chooser.isVisible()
    qtbot.keyClick(line, Qt.Key.Key_3)
    assert window.chosen == ["guinea pig"]


def test_escape_cancels(window: Window, qtbot: QtBot) -> None:
    qtbot.keyClick(window.chooser.line, Qt.Key.Key_Escape)
    assert (window.chosen, window.left, window.chooser.isVisible()) == ([], 1, False)
    assert window.elsewhere.hasFocus()


def test_a_click_outside_cancels_and_a_click_on_a_row_chooses(window: Window, qtbot: QtBot) -> None:
    qtbot.mouseClick(window.elsewhere, Qt.MouseButton.LeftButton)
    assert not window.chooser.isVisible()
    window.chooser.open(ANIMALS, title="Again?")
    rows = window.chooser.list
    row = rows.visualRect(rows.model().index(3, 0)).center()
    qtbot.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert window.chosen == ["pig"]


def test_likely_classes_come_first_and_the_list_fits_the_window(window: Window, qtbot: QtBot) -> None:
    many = [f"class {number}" for number in range(1000)]
    window.chooser.open(many, title="Which?", likely=["class 500", "class 3", "no class"])
    assert window.chooser.texts()[:4] == ["class 500", "class 3", "class 0", "class 1"]
    for _ in range(2):
        qtbot.keyClick(window.chooser.line, Qt.Key.Key_PageDown)
    assert 10 < window.chooser.list.currentIndex().row() < 40
    window.resize(500, 400)
    assert window.rect().contains(window.chooser.geometry())
    qtbot.keyClick(window.chooser.line, Qt.Key.Key_Up)
    assert window.chooser.isVisible()


@pytest.mark.parametrize(
    ("likely", "typed", "chosen"),
    [
        ([], "pig", "pig"),
        ([], "Wild", "wild cat"),
        ([], "guinea pig", "guinea pig"),
        ([], "ca", "ca"),  # the start of a class is not that class
        (["cat"], "ca", "ca"),
        ([], "i", "i"),
        ([], "bird", "bird"),  # a word of many
        (["bird 7"], "bird", "bird 7"),
        (["bird 7", "bird 9"], "bird", "bird"),
    ],
)
def test_among_many_classes_enter_chooses_only_what_is_clearly_meant(
    window: Window, qtbot: QtBot, likely: list[str], typed: str, chosen: str
) -> None:
    window.chooser.open([*ANIMALS, *MANY], title="What is in these 3 photos?", likely=likely)
    qtbot.keyClicks(window.chooser.line, typed)
    qtbot.keyClick(window.chooser.line, Qt.Key.Key_Return)
    assert window.chosen == [chosen]


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        ("ca", ["cat"]),  # the start of a name ranks before the start of a later word
        ("pig", ["pig"]),
        ("gu", ["guinea pig"]),
        ("i", []),
        ("owl", ["owl"]),
    ],
)
def test_among_a_few_classes_letters_of_only_one_choose_it(
    window: Window, qtbot: QtBot, typed: str, chosen: list[str]
) -> None:
    qtbot.keyClicks(window.chooser.line, typed)
    qtbot.keyClick(window.chooser.line, Qt.Key.Key_Return)
    assert window.chosen == chosen


def test_what_is_typed_is_the_class_although_another_begins_so(window: Window, qtbot: QtBot) -> None:
    line = window.chooser.line
    for keys, chosen in (((), "bird"), ((Qt.Key.Key_Down,), "birdhouse")):
        window.chooser.open(
            ["birdhouse", "ladybird", *(f"fox {number}" for number in range(20))], title="Which?", likely=["birdhouse"]
        )
        qtbot.keyClicks(line, "bird")
        assert window.chooser.texts() == ["Add “bird” as a new class", "birdhouse", "ladybird"]
        for key in (*keys, Qt.Key.Key_Return):
            qtbot.keyClick(line, key)
        assert window.chosen[-1] == chosen


def test_the_photo_is_not_covered_where_there_is_room(window: Window) -> None:
    window.elsewhere.setGeometry(600, 100, 280, 300)
    window.chooser.open(ANIMALS, title="What is in this photo?", beside=window.elsewhere)
    assert window.chooser.geometry().right() < 600
    window.elsewhere.setGeometry(0, 100, 880, 300)
    window.chooser.open(ANIMALS, title="What is in this photo?", beside=window.elsewhere)
    assert window.chooser.geometry().right() in range(860, 881)


# ---- several classes


@pytest.fixture
def several(window: Window) -> Window:
    window.chooser.open(ANIMALS, title="What is in this photo?", likely=["dog"], several=("dog", "pig"))
    return window


def checked(window: Window) -> list[str]:
    rows = window.chooser.list.model()
    texts = [str(rows.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole)) for row in range(rows.rowCount())]
    return [text.removesuffix(": chosen") for text in texts if text.endswith(": chosen")]


def test_classes_are_added_and_removed_before_enter_chooses_all(several: Window, qtbot: QtBot) -> None:
    line = several.chooser.line
    assert checked(several) == ["dog", "pig"]
    qtbot.keyClick(line, Qt.Key.Key_1)
    qtbot.keyClick(line, Qt.Key.Key_2)
    assert line.accessibleDescription() == "dog: not chosen"
    qtbot.keyClicks(line, "gui")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert (line.text(), checked(several)) == ("", ["cat", "guinea pig", "pig"])
    assert several.chosen == []
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert (several.chosen, several.left) == (["cat\nguinea pig\npig"], 1)
    assert not several.chooser.isVisible()


def test_a_new_class_is_one_of_several(several: Window, qtbot: QtBot) -> None:
    qtbot.keyClicks(several.chooser.line, "fox")
    qtbot.keyClick(several.chooser.line, Qt.Key.Key_Return)
    assert several.chooser.texts() == [*ANIMALS, "fox"]
    qtbot.mouseClick(several.chooser.done, Qt.MouseButton.LeftButton)
    assert several.chosen == ["dog\nfox\npig"]


def test_none_of_the_classes_can_be_chosen(several: Window, qtbot: QtBot) -> None:
    for key in (Qt.Key.Key_2, Qt.Key.Key_4, Qt.Key.Key_Return):
        qtbot.keyClick(several.chooser.line, key)
    assert several.chosen == [NO_CLASS]


def test_escape_chooses_nothing(several: Window, qtbot: QtBot) -> None:
    qtbot.keyClick(several.chooser.line, Qt.Key.Key_1)
    qtbot.keyClick(several.chooser.line, Qt.Key.Key_Escape)
    assert (several.chosen, several.left) == ([], 1)
    several.chooser.open(ANIMALS, title="What is in this photo?")
    assert checked(several) == []
    assert not several.chooser.done.isVisible()
