"""A folder classified and reviewed without a mouse, by what a screen reader says."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from gui.folders.page import FoldersPage
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from tests.gui.conftest import PATIENCE_MS
from tests.gui.folders.conftest import loaded
from tests.gui.screen_reader import cells, described, focused, interface, listen, press, tab_to, value

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")
Key, Role = Qt.Key, QAccessible.Role
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def classify_by_keyboard(page: FoldersPage, window: MainWindow, folder: Path, qtbot: QtBot) -> None:
    """Classify a folder, whose dialog belongs to the system, and wait until its results are shown."""
    qtbot.keyClick(window, Key.Key_F, CONTROL | SHIFT)
    dialog = page.stack.form.findChildren(QFileDialog)[-1]
    dialog.fileSelected.emit(str(folder))
    dialog.close()
    window.activateWindow()  # as a window manager does
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.waitUntil(page.stack.form.begin.isEnabled, timeout=PATIENCE_MS)
    tab_to(window, "Classify")
    press(window, Key.Key_Return)
    qtbot.waitUntil(lambda: loaded(page), timeout=PATIENCE_MS)


def test_a_folder_is_classified_and_reviewed_by_keyboard(
    page: FoldersPage, window: MainWindow, tree: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = listen(monkeypatch)
    classify_by_keyboard(page, window, tree, qtbot)
    qtbot.waitUntil(lambda: any("10 photos" in text or "9 photos" in text for text in heard), timeout=PATIENCE_MS)
    assert described(page.stack.results.table)[0] is Role.Table
    assert any(cell.startswith("red 0.png: red") for cell in cells(page.stack.results.table))

    qtbot.waitUntil(window.actions_by_id[ActionId.REVIEW].isEnabled, timeout=PATIENCE_MS)
    qtbot.keyClick(window, Key.Key_F6)
    review = page.stack.review
    qtbot.waitUntil(lambda: review._shown is not None, timeout=PATIENCE_MS)
    assert focused(window) is review
    assert interface(review).text(QAccessible.Text.Name) == "Review predictions"
    first = review._shown
    assert first is not None
    assert heard[-1].startswith(first.label or "")
    assert described(review._bar) == (Role.ProgressBar, "Photos reviewed")
    assert described(review.choices.right) == (Role.Button, f"Confirm {first.label}")

    press(window, Key.Key_Return)
    assert heard[-1].startswith(f"{first.path.name}: confirmed {first.label}. ")
    assert value(review._bar) == 1
    second = review._shown
    assert second is not None
    press(window, Key.Key_P)  # letters type a class
    assert described(focused(window))[0] is Role.EditableText
    assert described(focused(window))[1].startswith("What is in this photo?")
    qtbot.keyClicks(focused(window), "urple")
    assert interface(focused(window)).text(QAccessible.Text.Description) == "Add “purple” as a new class, 1 of 1"
    press(window, Key.Key_Return)
    assert heard[-1].startswith(f"{second.path.name} → purple. ")
    press(window, Key.Key_Right)
    assert "skipped" in heard[-1]
    for _ in range(2):
        press(window, Key.Key_Z, CONTROL)
    assert review.trace.text() == f"{second.path.name}: review undone"
    press(window, Key.Key_Z, CONTROL | SHIFT)
    assert heard[-1].startswith(f"{second.path.name} → purple. ")
    press(window, Key.Key_Escape)
    assert page.stack.shows_results
    assert focused(window).isVisible()
