"""A row of buttons breaks into lines where it does not fit."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from gui.widgets.flow import FlowRow
from gui.widgets.layouts import vbox
from tests.patience import PATIENCE_MS


@pytest.mark.qt_log_ignore("does not support propagateSizeHints")
def test_what_does_not_fit_begins_another_line(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    buttons = [QPushButton(text) for text in ("Use this version", "Show evaluation", "Hidden", "Remove this version")]
    vbox(FlowRow(*buttons), parent=page)
    buttons[2].hide()
    shown = [buttons[0], buttons[1], buttons[3]]
    page.resize(900, 200)
    page.show()
    assert len({one.y() for one in shown}) == 1
    page.resize(buttons[0].width() + buttons[1].width() + 20, 200)
    qtbot.waitUntil(lambda: buttons[3].y() > buttons[0].y(), timeout=PATIENCE_MS)
    assert buttons[3].x() == buttons[0].x()
    assert buttons[0].y() == buttons[1].y()
    assert page.minimumSizeHint().width() < sum(one.width() for one in shown)
