"""The settings in use: one value, told to whoever shows it, written off the window's thread."""

from __future__ import annotations

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
        changed: there are new settings.
        damaged: those that were kept could not be read, and what came of that; told once the event loop runs.
        failed: they could not be written, and why.
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
        """Use these values from now on."""
        self.value = replace(self.value, **fields)
        self._writer.submit(self._save, self.value)
        self.changed.emit(self.value)

    def close(self) -> None:
        """Wait until everything is written."""
        self._writer.shutdown(wait=True)

    def _save(self, value: Settings) -> None:
        try:
            settings.save(value, paths.settings_file())
        except StorageError as error:
            self._dispatcher.post(self.failed.emit, error)
