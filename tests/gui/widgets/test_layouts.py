"""Rows and columns hold their items in order, with their stretch and alignment."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.basic import ScrollColumn
from gui.widgets.layouts import CENTRE, SPACE, Placed, fill, hbox, vbox


def test_items_are_placed_in_order(qtbot: QtBot) -> None:
    parent, names = QWidget(), [QLabel(text) for text in "abc"]
    qtbot.addWidget(parent)
    inner = hbox(names[1], SPACE)
    box = vbox(names[0], 12, fill(inner), Placed(names[2], 2, CENTRE), parent=parent, margins=(1, 2, 3, 4), spacing=5)
    assert parent.layout() is box
    assert box.getContentsMargins() == (1, 2, 3, 4)
    assert box.spacing() == 5
    assert box.itemAt(0).widget() is names[0]
    assert box.itemAt(1).spacerItem().sizeHint().height() == 12
    assert box.itemAt(2).layout() is inner
    assert [box.stretch(place) for place in range(4)] == [0, 0, 1, 2]
    assert box.itemAt(3).alignment() == CENTRE
    assert all(name.parentWidget() is parent for name in names)


def test_margins_and_spacing_are_those_of_the_style_if_wanted(qtbot: QtBot) -> None:
    plain, ours = QWidget(), QWidget()
    for widget in (plain, ours):
        qtbot.addWidget(widget)
    wanted = QHBoxLayout(plain)
    assert hbox(parent=ours, margins=None).getContentsMargins() == wanted.getContentsMargins()
    assert hbox().getContentsMargins() == (0, 0, 0, 0)
    assert ours.layout() is not None
    assert ours.layout().spacing() == wanted.spacing()


def test_a_column_that_scrolls_replaces_its_items(qtbot: QtBot) -> None:
    area = ScrollColumn("Things")
    qtbot.addWidget(area)
    area.show_column(QLabel("old"))
    column = area.show_column(QLabel("new"), SPACE)
    assert [label.text() for label in area.findChildren(QLabel)] == ["new"]
    assert area.widget() is column.parentWidget()
    assert area.accessibleName() == "Things"
