"""Help: the guide and the shortcuts, opened by their keys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QLabel, QTreeWidgetItemIterator
from pytestqt.qtbot import QtBot

from gui.shell.actions import ActionId
from gui.shell.guide_window import pages, title_of
from gui.shell.main_window import MainWindow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def rows(window: MainWindow, *, shown: bool = True) -> dict[str, str]:
    """The rows of the list of shortcuts: what, and its keys."""
    found, place = {}, QTreeWidgetItemIterator(window.help.shortcuts.list)
    while (item := place.value()) is not None:
        if item.isHidden() is not shown:
            found[item.text(0)] = item.text(1)
        place += 1
    return found


def test_f1_opens_the_guide_and_its_links_lead_on(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_F1)
    guide = window.help.guide
    qtbot.waitUntil(guide.isVisible)
    assert guide.contents.item(0).text() == "Classifying folders"
    assert "Classifying folders" in guide.text.toPlainText()
    guide.text.anchorClicked.emit(QUrl("models.md"))
    assert "Models" in guide.contents.currentItem().text()
    qtbot.keyClick(guide.text, Qt.Key.Key_Escape)
    assert not guide.isVisible()
    assert "convolutions" not in vars(window.help)  # created only when it is wanted
    window.actions_by_id[ActionId.CONVOLUTIONS].trigger()
    assert window.help.convolutions.isVisible()
    window.help.convolutions.close()


def test_the_guide_has_its_pictures_and_they_fit(window: MainWindow, qtbot: QtBot) -> None:
    guide = window.help.guide
    guide.show()
    kind = QTextDocument.ResourceType.ImageResource
    for page in pages():
        assert title_of(page)
        guide.text.setSource(QUrl.fromLocalFile(str(page)))
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text("utf-8")):
            picture = guide.text.loadResource(kind.value, QUrl(name))
            assert 0 < picture.width() <= guide.text.viewport().width()  # type: ignore[attr-defined]
        for link in re.findall(r"(?<!!)\[[^\]]*\]\(([^)#:]+\.md)", page.read_text("utf-8")):
            assert (page.parent / link).resolve().is_relative_to(Path(page).parents[1])
    guide.close()


def test_a_question_mark_shows_the_shortcuts_by_menu(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, "?")
    sheet = window.help.shortcuts
    qtbot.waitUntil(sheet.isVisible)
    shown = rows(window)
    assert {"File", "Edit", "View", "Help"} <= shown.keys()
    assert shown["Correct"] == "F2"
    assert shown["User guide"] == "F1"
    qtbot.keyClicks(sheet.search, "f2")
    assert set(rows(window)) == {"Edit", "Correct", "Remove label"}
    qtbot.keyClick(sheet.search, Qt.Key.Key_Escape)
    assert not sheet.isVisible()
    assert window.notices.texts() == []


def test_recent_notices_open_by_key(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(window.isActiveWindow)
    for text, expected in (("", "No notices yet."), ("Something happened.", "Something happened.")):
        if text:
            window.notices.show_notice(text)
        window.actions_by_id[ActionId.SHOW_NOTICES].trigger()
        popup = window.status.bell.popup
        assert popup is not None
        assert expected in [one.text() for one in popup.findChildren(QLabel)]
        qtbot.keyClick(popup, Qt.Key.Key_Escape)
