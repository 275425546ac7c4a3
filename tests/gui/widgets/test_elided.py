"""Texts that are too long for their place end in an ellipsis."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QStyleOptionComboBox
from pytestqt.qtbot import QtBot

from core.base.settings import Theme
from gui.widgets import theme
from gui.widgets.basic import Choice
from gui.widgets.elided import ElidedLabel


def shown_in(choice: Choice, width: int) -> str:
    """The text that a combo box of this width, in pixels, paints."""
    choice.resize(width, choice.sizeHint().height())
    option = QStyleOptionComboBox()
    choice.initStyleOption(option)
    text: str = option.currentText
    return text


def test_a_choice_elides_its_text(qapp: QApplication, qtbot: QtBot) -> None:
    theme.apply(qapp, Theme.LIGHT)
    choice = Choice("Sort order", {0: "Lowest confidence first"})
    qtbot.addWidget(choice)
    assert shown_in(choice, choice.sizeHint().width()) == "Lowest confidence first"
    short = shown_in(choice, 100)
    assert short.endswith("…")
    assert "Lowest confidence first".startswith(short[:-1].rstrip())
    assert choice.currentText() == "Lowest confidence first"


def test_a_label_keeps_both_ends_of_a_path(qtbot: QtBot) -> None:
    path = ElidedLabel("muted", Qt.TextElideMode.ElideMiddle)
    qtbot.addWidget(path)
    path.setText("/home/me/Pictures/holidays/2024/mountains")
    path.resize(path.sizeHint())
    assert path.shown_text == path.text()
    path.resize(path.minimumSizeHint())
    assert path.shown_text.startswith("/home")
    assert "…" in path.shown_text
    assert path.shown_text.endswith("ns")
    assert path.width() < path.sizeHint().width() / 2
