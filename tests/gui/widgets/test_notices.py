"""Notices: newest first, without duplicates, never so many that they fill the window; what leaves, and what stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QFrame, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from core.base.errors import FoveaError
from gui.tasks.notice import Notice, NoticeKind
from gui.widgets import announcing
from gui.widgets import notices as notices_module
from gui.widgets.layouts import SPACE, vbox
from gui.widgets.notice_list import NoticesButton
from gui.widgets.notices import Notices

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


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
    notices = Notices(window)
    vbox(SPACE, notices, parent=window)
    return notices


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[QAccessibleAnnouncementEvent]:
    """What a screen reader is given."""
    found: list[QAccessibleAnnouncementEvent] = []
    monkeypatch.setattr(announcing.QAccessible, "updateAccessibility", found.append)
    return found


def toast(notices: Notices, text: str) -> QFrame:
    """The toast with this text."""
    (found,) = [one for one in notices.findChildren(QFrame, "notice") if text in one.accessibleName()]
    return found


def described_role(widget: QWidget) -> tuple[str, QAccessible.Role]:
    """The name and the role that a screen reader is given."""
    interface = QAccessible.queryAccessibleInterface(widget)
    assert interface is not None
    return interface.text(QAccessible.Text.Name), interface.role()


def press(notices: Notices, name: str, qtbot: QtBot) -> None:
    (found,) = [one for one in notices.findChildren(QAbstractButton) if one.text() == name]
    qtbot.mouseClick(found, Qt.MouseButton.LeftButton)


def visible_texts(notices: Notices) -> list[str]:
    """The visible notices, from the top."""
    frames = [one for one in notices.findChildren(QFrame, "notice") if one.isVisible()]
    return [one.notice.text for one in sorted(frames, key=lambda one: one.y())]  # type: ignore[attr-defined]


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


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notices leave as soon as they may."""
    monkeypatch.setattr(notices_module, "_SECONDS", dict.fromkeys((NoticeKind.SUCCESS, NoticeKind.INFORMATION), 0))


def test_a_success_leaves_and_an_error_stays(quick: None, notices: Notices, qtbot: QtBot) -> None:
    notices.show_success("saved")
    notices.show_notice("fyi")
    notices.show_notice("choose", action=("Do it", lambda: None))
    qtbot.waitUntil(lambda: notices.texts() == ["choose"])
    notices.show_warning("careful")
    notices.show_error(FoveaError("It broke.", hint="Mend it."))
    qtbot.waitUntil(lambda: notices.texts() == ["choose", "careful", "It broke. Mend it."])
    QTest.qWait(1)
    assert len(notices.texts()) == 3


def test_what_is_read_stays(quick: None, window: QWidget, notices: Notices, qtbot: QtBot) -> None:
    window.activateWindow()
    field = QLineEdit(window)
    field.show()
    qtbot.waitUntil(window.isActiveWindow)
    field.setFocus()
    notices.show_notice("choose", action=("Do it", lambda: None))
    (offer,) = [one for one in notices.findChildren(QPushButton) if one.text() == "Do it"]
    offer.setFocus()
    notices.show_success("saved")
    QTest.qWait(1)
    assert "saved" in notices.texts()
    qtbot.keyClick(offer, Qt.Key.Key_Escape)  # dismisses it, and the focus goes back to where it was
    assert window.focusWidget() is field
    qtbot.waitUntil(lambda: notices.texts() == [])


def test_a_key_replaces_and_removes(notices: Notices) -> None:
    notices.show_success("sorted", action=("Undo", lambda: None), key="sorting")
    notices.show_success("undone", key="sorting")
    assert notices.texts() == ["undone"]
    notices.remove("sorting")
    assert notices.texts() == []
    assert not notices.kept


def test_notices_are_announced_with_their_kind(announced: list[QAccessibleAnnouncementEvent], notices: Notices) -> None:
    notices.show_success("saved")
    notices.show_one(Notice("broken", NoticeKind.ERROR))
    polite, assertive = QAccessible.AnnouncementPoliteness.Polite, QAccessible.AnnouncementPoliteness.Assertive
    assert [(one.message(), one.politeness()) for one in announced] == [
        ("Done: saved", polite),
        ("Error: broken", assertive),
    ]
    roles = [described_role(toast(notices, text)) for text in ("broken", "saved")]
    assert roles == [
        ("Error: broken", QAccessible.Role.AlertMessage),
        ("Done: saved", QAccessible.Role.Notification),
    ]


def test_notices_stand_below_the_page(window: QWidget, notices: Notices, qtbot: QtBot) -> None:
    page = QLabel("page", window)
    layout = window.layout()
    assert isinstance(layout, QVBoxLayout)
    layout.insertWidget(0, page, 1)
    notices.show_error(FoveaError("It broke.", hint="Mend it. " * 60))
    qtbot.waitUntil(lambda: notices.isVisible() and notices.height() > 60)
    assert page.geometry().bottom() < notices.geometry().top()  # no control is covered
    assert notices.geometry().bottom() == window.rect().bottom()
    (message,) = [one for one in notices.findChildren(QLabel) if "It broke" in one.text()]
    assert message.height() >= message.heightForWidth(message.width())


def test_the_last_ten_are_in_a_list(window: QWidget, notices: Notices, qtbot: QtBot) -> None:
    done: list[str] = []
    bell = NoticesButton(notices)
    bell.setParent(window)
    bell.show()
    assert not bell.isEnabled()
    for number in range(12):
        notices.show_notice(f"notice {number}", action=("Do it", lambda number=number: done.append(str(number))))
    qtbot.mouseClick(bell, Qt.MouseButton.LeftButton)
    assert bell.popup is not None
    texts = [one.text() for one in bell.popup.findChildren(QLabel) if one.text().startswith("notice")]
    assert texts == [f"notice {number}" for number in range(11, 1, -1)]
    qtbot.mouseClick(bell.popup.findChildren(QPushButton)[0], Qt.MouseButton.LeftButton)
    assert len(done) == 1
