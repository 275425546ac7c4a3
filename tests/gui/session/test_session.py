"""The session ends what runs in the background, and starts nothing for that."""

from __future__ import annotations

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core import api
from core.base import paths, settings
from core.models.library import open_library
from gui.session.session import Session
from gui.shell.main_window import MainWindow
from tests import tiny
from tests.gui.conftest import PATIENCE_MS


def test_the_helpers_of_the_library_and_of_trainings_end_with_the_session(qtbot: QtBot, tiny_model: str) -> None:
    parent = QObject()
    session = Session(parent)
    helpers = session.library.tasks, session.training
    for one in helpers:
        one.start(api.list_models)
    qtbot.waitUntil(lambda: all(one.process_id is not None for one in helpers), timeout=PATIENCE_MS)
    session.close()
    assert [one.process_id for one in helpers] == [None, None]


def test_closing_creates_no_helper(qtbot: QtBot, tiny_model: str) -> None:
    parent = QObject()
    session = Session(parent)
    session.close()
    assert session.library.tasks.process_id is None
    assert session.training.process_id is None


def test_the_model_chosen_in_a_terminal_is_opened(window: MainWindow, qtbot: QtBot) -> None:
    open_library().install(*tiny.packaged_model("hues", title="Hues"))
    settings.change(paths.settings_file(), model="hues")  # as `fovea models use hues` does
    qtbot.waitUntil(lambda: window.session.models.name == "hues", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: window.top_bar.switcher.currentText().startswith("Hues"), timeout=PATIENCE_MS)
