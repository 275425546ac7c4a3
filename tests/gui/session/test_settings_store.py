"""Settings that cannot be read are reported in the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

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
