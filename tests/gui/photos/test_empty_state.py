"""The empty state of *Photos* in windows of any height."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gui.photos.empty_state import EmptyState

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.mark.parametrize(("height", "samples"), [(320, 0), (420, 3), (700, 3)])
def test_what_is_shown_fits(qtbot: QtBot, height: int, samples: int) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    state = EmptyState([QAction("Open photos…", window), QAction("Paste", window)], window)
    window.resize(600, height)
    state.resize(window.size())
    window.show()
    buttons = [one for one in state.findChildren(QPushButton) if one.isVisible()]
    assert len(buttons) == 2 + samples
    for one in (*buttons, *(one for one in state.findChildren(QLabel) if one.isVisible())):
        assert one.height() >= one.minimumSizeHint().height()
