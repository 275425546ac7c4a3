"""Fixtures with the real window and a tiny model of their own."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from core.base.settings import Settings
from core.models.library import open_library
from gui.shell.main_window import MainWindow
from gui.tasks import helper_process
from gui.widgets import notices
from tests import tiny
from tests.gui import warm
from tests.patience import PATIENCE_MS, PATIENCE_S


class PatientBot(QtBot):
    """Waits as long for everything, unless a test says otherwise; Qt's five seconds pass quickly on a busy machine."""

    waitUntil = partialmethod(QtBot.waitUntil, timeout=PATIENCE_MS)  # noqa: N815 - as pytest-qt calls it
    waitSignal = partialmethod(QtBot.waitSignal, timeout=PATIENCE_MS)  # noqa: N815
    waitExposed = partialmethod(QtBot.waitExposed, timeout=PATIENCE_MS)  # noqa: N815


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    """What presses, types and waits."""
    return PatientBot(request)


@pytest.fixture(scope="session", autouse=True)
def _helpers_start_warm() -> Iterator[None]:
    """Fork helpers from a warm server: their imports would take most of the time of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(helper_process, "_CONTEXT", warm.context())
        yield


@pytest.fixture(scope="session", autouse=True)
def _notices_stay() -> Iterator[None]:
    """Let no notice leave before a test on a busy machine has seen it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notices, "_SECONDS", dict.fromkeys(notices._SECONDS, PATIENCE_S))
        yield


@pytest.fixture(autouse=True)
def _cycles_end_on_this_thread() -> Iterator[None]:
    """Collect garbage only between tests, on this thread, as the program does."""
    gc.disable()
    gc.collect(1)
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def _clipboard_is_empty() -> Iterator[None]:
    """Leave no `QMimeData` made in Python: without a screen, Qt deletes it after Python has ended, and crashes."""
    yield
    if QApplication.instance() is not None:
        QApplication.clipboard().clear()


@pytest.fixture
def tiny_model(home: Path) -> str:
    """A model that recognises red, green and blue, installed and selected in this test's home."""
    card, files = tiny.packaged_model()
    name = open_library().install(card, files).card.name
    settings.save(Settings(model=name), paths.settings_file())
    return name


@pytest.fixture
def window(qtbot: QtBot, tiny_model: str) -> Iterator[MainWindow]:
    """The window, shown, with the tiny model open."""
    made = show_window(qtbot)
    models = made.session.models
    qtbot.waitUntil(lambda: models.in_use is not None and bool(models.installed), timeout=PATIENCE_MS)
    yield made
    made.close()


def show_window(qtbot: QtBot) -> MainWindow:
    """Open the window like the program does."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    if application.property("fusion") is None:  # setting it again would restyle all widgets
        application.setProperty("fusion", application.setStyle("Fusion") is not None)
    window = MainWindow()
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    return window


@pytest.fixture
def solids(tmp_path: Path) -> dict[str, Path]:
    """One image for each class of the tiny model, by its label."""
    return {colour: tiny.write_solid(tmp_path / f"{colour}.png", colour) for colour in ("red", "green", "blue")}
