"""What a screen reader is given, and keys pressed where the keyboard focus is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from gui.widgets import announcing

_MOST_TABS = 60


def listen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The announcements from now on."""
    heard: list[str] = []
    monkeypatch.setattr(announcing.QAccessible, "updateAccessibility", lambda event: heard.append(event.message()))
    return heard


def interface(widget: QWidget) -> QAccessibleInterface:
    """What a screen reader knows of a widget."""
    found = QAccessible.queryAccessibleInterface(widget)
    assert found is not None
    return found


def described(widget: QWidget) -> tuple[QAccessible.Role, str]:
    """The role and the name of a widget."""
    return interface(widget).role(), interface(widget).text(QAccessible.Text.Name)


def value(widget: QWidget) -> float:
    """The value of a progress bar."""
    shown = interface(widget).valueInterface()
    assert shown is not None
    return float(shown.currentValue())


def cells(view: QWidget) -> list[str]:
    """The names of the items of a list or of the cells of a table."""
    view_interface = interface(view)
    return [
        child.text(QAccessible.Text.Name)
        for place in range(view_interface.childCount())
        if (child := view_interface.child(place)) is not None
    ]


def focused(window: QWidget) -> QWidget:
    """The widget with the keyboard focus."""
    found = window.focusWidget()
    assert found is not None
    assert found.isVisible()
    return found


def press(window: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key where the focus is."""
    QTest.keyClick(focused(window), key, modifiers)


def tab_to(window: QWidget, name: str) -> None:
    """Press Tab until the focus is on the widget with this name."""
    for _ in range(_MOST_TABS):
        if described(focused(window))[1] == name:
            return
        press(window, Qt.Key.Key_Tab)
    raise AssertionError(f"Tab does not lead to “{name}”")
