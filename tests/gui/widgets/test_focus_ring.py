"""The focus ring of buttons: shown while the keyboard is in use; Enter presses what has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.basic import button, icon_button
from gui.widgets.focus_ring import FocusRings
from gui.widgets.layouts import vbox

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def pressed() -> list[str]:
    return []


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, pressed: list[str]) -> Iterator[QWidget]:
    """Two buttons and one that is only an icon."""
    made = QWidget()
    FocusRings(qapp, made)
    buttons = [button(name, lambda name=name: pressed.append(name)) for name in ("one", "two")]
    vbox(*buttons, icon_button("x", "three", lambda: pressed.append("three")), parent=made)
    qtbot.addWidget(made)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    yield made
    made.close()


def ringed(window: QWidget) -> list[QWidget]:
    return [one for one in window.findChildren(QWidget) if one.property("ring")]


def test_the_ring_appears_with_the_keyboard_only(window: QWidget, qtbot: QtBot) -> None:
    window.findChildren(QAbstractButton)[0].setFocus()  # as the program does at its start
    assert ringed(window) == []
    focused = window.focusWidget()
    qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert ringed(window) == [window.focusWidget()] != [focused]
    focused.setFocus()  # the program moves it: whoever uses the keyboard has to see that
    assert ringed(window) == [focused]


def test_enter_presses_what_has_the_focus(window: QWidget, qtbot: QtBot, pressed: list[str]) -> None:
    window.findChildren(QAbstractButton)[0].setFocus()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Return):
        qtbot.keyClick(window.focusWidget(), key)
        qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
    assert pressed == ["one", "two", "three"]
