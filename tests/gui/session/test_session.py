"""The session ends what runs in the background, and starts nothing for that."""

from __future__ import annotations

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core import api
from gui.session.session import Session
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
