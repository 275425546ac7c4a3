"""Second windows open over the first, fit the screen, remember their size, and close by keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.layouts import vbox
from gui.widgets.second_window import SecondWindow

pytestmark = [
    pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise"),
    pytest.mark.usefixtures("home"),
]


@pytest.fixture
def first(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.setGeometry(40, 100, 500, 400)
    made.show()
    qtbot.waitExposed(made)
    return made


def open_over(first: QWidget, qtbot: QtBot, size: QSize, minimum: QSize | None = None) -> SecondWindow:
    made = SecondWindow("Second", "second", size, minimum or QSize(100, 100), first)
    vbox(QLineEdit(), parent=made)
    made.bring_up()
    qtbot.waitExposed(made)
    return made


def test_it_opens_over_the_first(first: QWidget, qtbot: QtBot) -> None:
    window = open_over(first, qtbot, QSize(300, 200))
    distance = window.frameGeometry().center() - first.frameGeometry().center()
    assert distance.manhattanLength() < 40, "as the frame's size is estimated"


def test_it_fits_the_screen(first: QWidget, qtbot: QtBot) -> None:
    screen = first.screen().availableGeometry()
    window = open_over(first, qtbot, 2 * screen.size(), screen.size() + QSize(100, 100))
    assert screen.contains(window.frameGeometry())


def test_it_remembers_its_size(first: QWidget, qtbot: QtBot) -> None:
    window = open_over(first, qtbot, QSize(300, 200))
    window.resize(350, 260)
    window.close()
    assert open_over(first, qtbot, QSize(300, 200)).size() == QSize(350, 260)


@pytest.mark.parametrize("keys", ["Escape", "Ctrl+W"])
def test_it_closes_by_keyboard(first: QWidget, qtbot: QtBot, keys: str) -> None:
    window = open_over(first, qtbot, QSize(300, 200))
    line = window.findChild(QLineEdit)
    assert line is not None
    if keys == "Escape":
        QTest.keyClick(line, Qt.Key.Key_Escape)
    else:
        QTest.keyClick(line, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert not window.isVisible()
