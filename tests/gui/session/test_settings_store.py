"""The settings of the window: damaged ones are reported, changes by other programs are kept."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from core.base.settings import Settings, Theme
from gui.session.settings_store import SettingsStore


def test_damaged_settings_are_set_aside_and_reported(home: Path, qtbot: QtBot) -> None:
    home.mkdir()
    (home / "settings.json").write_bytes(b'{"model": "everyday", "top_')
    owner = QObject()
    store = SettingsStore(owner)
    with qtbot.waitSignal(store.damaged) as warned:
        assert store.value.model == "everyday"
    assert "settings.json.damaged-" in warned.args[0]
    store.close()


def test_what_another_program_stored_meanwhile_stays(home: Path) -> None:
    owner = QObject()
    store = SettingsStore(owner)
    settings.change(paths.settings_file(), model="everyday")
    store.change(theme=Theme.DARK)
    store.close()
    assert settings.load(paths.settings_file()) == Settings(model="everyday", theme=Theme.DARK)


def test_what_another_program_changes_is_taken_over(home: Path, qtbot: QtBot) -> None:
    owner = QObject()
    store = SettingsStore(owner)
    store.change(theme=Theme.DARK)
    qtbot.waitUntil(lambda: settings.load(paths.settings_file()).theme is Theme.DARK)
    settings.change(paths.settings_file(), model="everyday")
    with qtbot.waitSignal(store.changed_elsewhere) as changed:
        store.read_again()
    assert changed.args == [frozenset({"model"})]
    assert store.value == Settings(model="everyday", theme=Theme.DARK)
    paths.settings_file().unlink()
    store.read_again()  # nothing was chosen
    store.change(top_k=3)
    store.close()
    store.read_again()  # as the watch may ask late
    assert store.value == Settings(model="everyday", theme=Theme.DARK, top_k=3)
