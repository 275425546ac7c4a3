"""Notices: newest first, without duplicates, and never so many that they fill the window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.notices import Notices

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints")


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[QWidget]:
    """A window with room for notices, and nothing else."""
    made = QWidget()
    made.resize(900, 900)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.close()


@pytest.fixture
def notices(window: QWidget) -> Notices:
    """A stack without notices."""
    column, made = QVBoxLayout(window), Notices(window)
    column.addWidget(made)
    column.addStretch()
    return made


def visible_texts(notices: Notices) -> list[str]:
    """The visible notices, from the top."""
    frames = [one for one in notices.findChildren(QFrame, "notice") if one.isVisible()]
    return [one.text for one in sorted(frames, key=lambda one: one.y())]  # type: ignore[attr-defined]


def more(notices: Notices) -> list[QPushButton]:
    return [one for one in notices.findChildren(QPushButton) if one.isVisible() and one.text().endswith(" more")]


def test_the_newest_notices_are_shown_without_duplicates(notices: Notices, qtbot: QtBot) -> None:
    for text in ("one", "two", "three", "four", "two"):
        notices.show_notice(text)
    assert notices.texts() == ["three", "four", "two"]
    qtbot.waitUntil(lambda: visible_texts(notices) == ["two", "four", "three"])
    assert not more(notices)


def test_a_low_window_shows_older_notices_on_request(window: QWidget, notices: Notices, qtbot: QtBot) -> None:
    for text in ("one", "two", "three"):
        notices.show_notice(text)
    window.resize(900, 600)
    qtbot.waitUntil(lambda: visible_texts(notices) == ["three"])
    (button,) = more(notices)
    assert button.text() == "Show 2 more"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: visible_texts(notices) == ["three", "two", "one"])
    assert not more(notices)


def test_the_next_notice_appears_when_the_newest_is_dismissed(window: QWidget, notices: Notices, qtbot: QtBot) -> None:
    window.resize(900, 600)
    notices.show_notice("one")
    notices.show_notice("two", action=("Do it", lambda: None))
    qtbot.waitUntil(lambda: visible_texts(notices) == ["two"])
    (button,) = [one for one in notices.findChildren(QPushButton) if one.text() == "Do it"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: visible_texts(notices) == ["one"])
    assert not more(notices)
