"""Another model is asked about the photo that is shown."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from core.models.heads import LinearHead
from core.models.library import open_library
from core.prediction import Prediction
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui.conftest import PATIENCE_MS
from tests.gui.photos.conftest import show


def shown(window: MainWindow) -> list[str]:
    opinion = window.photos_page.inspector.opinion
    return [one.text() for one in opinion.findChildren(QLabel) if one.isVisible() and one.text()]


def choose(window: MainWindow, title: str) -> None:
    """Choose a model by keyboard, as the first letters do in a combo box."""
    choice = window.photos_page.inspector.opinion.choice
    choice.setFocus()
    QTest.keyClicks(choice, title)


def install_opposite() -> None:
    """A model on another backbone that takes each colour for another one."""
    weights = tiny.head().weights[:, [1, 2, 0]].copy()
    open_library().install(
        *tiny.packaged_model("opposite", own_head=LinearHead(weights, tiny.head().bias), title="Opposite")
    )


def test_another_model_is_asked_about_each_photo(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    install_opposite()
    window.session.models.refresh()
    qtbot.waitUntil(lambda: "opposite" in window.session.models.installed, timeout=PATIENCE_MS)
    show(qtbot, window, [solids["red"], solids["green"]])
    opinion = window.photos_page.inspector.opinion
    assert opinion.isVisible()
    assert shown(window) == ["Also ask"]
    choose(window, "Opposite")
    qtbot.waitUntil(lambda: "blue" in shown(window), timeout=PATIENCE_MS)
    assert shown(window)[:2] == ["Also ask", "blue"]
    window.photos_page.gallery.select_row(1)
    qtbot.waitUntil(lambda: shown(window)[1:2] == ["red"], timeout=PATIENCE_MS)
    outcome = window.session.photos.photo(1).outcome
    assert isinstance(outcome, Prediction)
    assert outcome.best.label == "green"
    assert window.session.models.name == "colours"
    QTest.keyClick(opinion.choice, Qt.Key.Key_Home)
    assert shown(window) == ["Also ask"]


def test_a_model_that_cannot_be_asked_says_why(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    install_opposite()
    window.session.models.refresh()
    qtbot.waitUntil(lambda: "opposite" in window.session.models.installed, timeout=PATIENCE_MS)
    (window.session.models.installed["opposite"].folder / tiny.HEAD_FILE).write_bytes(b"torn")
    show(qtbot, window, [solids["red"]])
    choose(window, "Opposite")
    qtbot.waitUntil(lambda: any("damaged" in one for one in shown(window)), timeout=PATIENCE_MS)


def test_the_model_in_use_is_not_another_one(window: MainWindow, qtbot: QtBot, solids: dict[str, Path]) -> None:
    show(qtbot, window, [solids["red"]])
    choice = window.photos_page.inspector.opinion.choice
    assert "Colours" not in [choice.itemText(row) for row in range(choice.count())]
    assert Qt.FocusPolicy.NoFocus is not choice.focusPolicy()
