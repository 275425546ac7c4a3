"""The panel beside the photo under review shows as many class buttons as fit, and none over another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from core.base.label_sets import NO_CLASS
from core.base.settings import Theme
from core.prediction import Evidence, Level
from gui.folders.review_choices import ReviewChoices
from gui.widgets import theme
from tests.rows import classified

CLASSES = tuple(f"class {number}" for number in range(9))
LONG = "a thing whose name takes more than two lines of a narrow panel, as some of ImageNet's do"


@pytest.fixture
def place(qtbot: QtBot, qapp: QApplication) -> QWidget:
    """Where the panel is, in the window's style, which is higher than Qt's own."""
    qapp.setStyle("Fusion")
    theme.apply(qapp, Theme.LIGHT)
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def panel_in(place: QWidget, height: int) -> ReviewChoices:
    """The panel, visible in this height."""
    panel = ReviewChoices()
    panel.setParent(place)
    place.resize(panel.width(), height)
    panel.resize(panel.width(), height)
    place.show()
    return panel


@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("best", ["cat", LONG])
def test_buttons_never_overlap(place: QWidget, best: str, *, unknown: bool) -> None:
    panel = panel_in(place, 456)
    scores = [(label, 1 / 10) for label in (best, *CLASSES)]
    panel.show_row(classified(Path("a.jpg"), *scores, unknown=unknown), (best, *CLASSES))
    panel.body.activate()
    buttons = [button for button in panel.offers if button.isVisible()]
    assert len(buttons) >= 2
    assert all(button.height() >= button.sizeHint().height() for button in buttons)
    assert not any(
        one.geometry().intersects(other.geometry()) for one in buttons for other in buttons if one is not other
    )
    assert panel.body.totalHeightForWidth(panel.width()) <= panel.height()


def test_in_the_smallest_window_a_wrapped_answer_leaves_one_button(place: QWidget) -> None:
    panel = panel_in(place, 334)
    scores = [(label, 1 / 10) for label in ("water buffalo", *CLASSES)]
    panel.show_row(classified(Path("a.jpg"), *scores), ("water buffalo", *CLASSES))
    assert panel.answer.text() == "Not sure, maybe water buffalo"
    assert panel.body.totalHeightForWidth(panel.width()) <= panel.height()
    assert sum(button.isVisible() for button in panel.offers) == 1


@pytest.mark.parametrize("unknown", [False, True])
def test_the_answer_is_whole_where_no_button_fits(place: QWidget, *, unknown: bool) -> None:
    panel = panel_in(place, 275)
    scores = [(label, 1 / 10) for label in ("water buffalo", *CLASSES)]
    panel.show_row(classified(Path("a.jpg"), *scores, unknown=unknown), ("water buffalo", *CLASSES))
    panel.body.activate()
    assert panel.answer.height() >= panel.answer.heightForWidth(panel.answer.width())
    assert panel.body.totalHeightForWidth(panel.width()) <= panel.height()
    panel_in(place, 900)
    panel.resize(panel.width(), 900)
    assert sum(button.isVisible() for button in panel.offers) >= 8


def test_a_high_panel_shows_all(place: QWidget) -> None:
    panel = panel_in(place, 900)
    panel.show_row(classified(Path("a.jpg"), *((label, 1 / 9) for label in CLASSES), unknown=False), CLASSES)
    assert sum(button.isVisible() for button in panel.offers) == 8


def test_probabilities_fall_from_the_first_button_on(place: QWidget) -> None:
    panel = panel_in(place, 900)
    scores = [(label, share) for label, share in zip(reversed(CLASSES), (0.4, 0.2, 0.15, 0.12, 0.1), strict=False)]
    panel.show_row(classified(Path("a.jpg"), *scores, unknown=True), CLASSES)
    shown = [one.accessibleName() for one in panel.offers if one.isVisible()]
    assert [name.split()[-1] for name in shown[:5]] == ["40%", "20%", "15%", "12%", "10%"]
    assert not any("%" in name for name in shown[5:])


def test_a_group_that_is_sure_can_be_chosen_alone(place: QWidget, qtbot: QtBot) -> None:
    panel = panel_in(place, 700)
    row = classified(Path("a.jpg"), ("owl", 0.5), ("hawk", 0.44))
    assert row.prediction is not None
    panel.show_row(row, ("owl", "hawk"))
    assert not panel.group.isVisible()
    evidence = Evidence(0.1, levels=(Level(("animal",), 0.99), Level(("animal", "bird"), 0.94)))
    panel.show_row(replace(row, outcome=replace(row.prediction, evidence=evidence)), ("owl", "hawk"))
    assert panel.answer.text() == "bird, maybe owl"
    assert panel.group.text() == "Only bird"
    with qtbot.waitSignal(panel.chosen) as chosen:
        panel.choose(0)
    assert chosen.args == ["bird"]


# ---- several classes


@pytest.fixture
def several(place: QWidget) -> ReviewChoices:
    """The panel for a photo that shows classes 0 and 2 by a multi-label model."""
    row = classified(Path("a.jpg"), *((label, 0.9) for label in CLASSES), unknown=False)
    assert row.prediction is not None
    panel = panel_in(place, 900)
    panel.show_row(replace(row, outcome=replace(row.prediction, labels=(CLASSES[2], CLASSES[0]))), CLASSES)
    return panel


def test_digits_add_and_remove_classes(several: ReviewChoices, qtbot: QtBot) -> None:
    chosen: list[str] = []
    several.chosen.connect(chosen.append)
    assert several.answer.text() == "class 2, class 0"
    assert several.right.text() == "Confirm class 0, class 2"
    several.choose(1)
    several.choose(5)
    assert several.answer.text() == "class 2, class 4"
    assert several.right.text() == "Save class 2, class 4"
    assert [one.text() for one in several.offers if one.isChecked()] == ["class 2", "class 4"]
    assert (several.chosen_label, chosen) == ("class 2\nclass 4", []), "nothing is stored before it is confirmed"
    qtbot.mouseClick(several.offers[4], Qt.MouseButton.LeftButton)
    several.choose(3)
    assert (several.answer.text(), several.right.text()) == ("No class", "Save no class")
    assert several.chosen_label == NO_CLASS


def test_exactly_one_class_is_chosen_at_once(place: QWidget) -> None:
    panel, chosen = panel_in(place, 900), list[str]()
    panel.chosen.connect(chosen.append)
    panel.show_row(classified(Path("a.jpg"), *((label, 1 / 9) for label in CLASSES), unknown=False), CLASSES)
    panel.choose(3)
    assert (chosen, panel.chosen_label) == ([CLASSES[2]], None)
