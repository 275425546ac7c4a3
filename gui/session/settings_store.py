"""The current settings: one value, whose changes are signalled and written in the background."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from core.base import paths, settings
from core.base.errors import StorageError
from core.base.settings import Settings
from gui.tasks.main_thread import Dispatcher


class SettingsStore(QObject):
    """Holds the settings.

    Attributes:
        changed: the settings changed.
        damaged: a warning that the stored settings could not be read; emitted once the event loop runs.
        failed: the settings could not be written.
    """

    changed = Signal(Settings)
    damaged = Signal(str)
    failed = Signal(StorageError)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        warnings: list[str] = []
        self.value = settings.load(paths.settings_file(), warnings.append)
        for warning in warnings:
            QTimer.singleShot(0, self, partial(self.damaged.emit, warning))
        self._dispatcher = Dispatcher(self)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="settings")

    def change(self, **fields: Any) -> None:  # noqa: ANN401 - checked by Settings itself
        """Change and store these fields."""
        self.value = replace(self.value, **fields)
        self._writer.submit(self._save, fields)
        self.changed.emit(self.value)

    def close(self) -> None:
        """Wait until everything is written."""
        self._writer.shutdown(wait=True)

    def _save(self, fields: Mapping[str, Any]) -> None:
        try:
            settings.change(paths.settings_file(), **fields)
        except StorageError as error:
            self._dispatcher.post(self.failed.emit, error)
