"""The current settings: one value, whose changes are signalled and written in the background."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
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
        changed_elsewhere: another program changed the settings, after which `changed` was emitted; the names of the
            fields.
        damaged: a warning that the stored settings could not be read; emitted once the event loop runs.
        failed: the settings could not be written.
    """

    changed = Signal(Settings)
    changed_elsewhere = Signal(object)
    damaged = Signal(str)
    failed = Signal(StorageError)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        warnings: list[str] = []
        self.value = settings.load(paths.settings_file(), warnings.append)
        for warning in warnings:
            QTimer.singleShot(0, self, partial(self.damaged.emit, warning))
        self._stored, self._is_closed = self.value, False  # the first is only for the writer's thread
        self._dispatcher = Dispatcher(self)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="settings")

    def change(self, **fields: Any) -> None:  # noqa: ANN401 - checked by Settings itself
        """Change and store these fields."""
        self.value = replace(self.value, **fields)
        self._writer.submit(self._save, fields)
        self.changed.emit(self.value)

    def read_again(self) -> None:
        """Take over what other programs changed in the file; what they did not change stays as it is here."""
        if not self._is_closed:  # the watch may have seen a change just before
            self._writer.submit(self._read)

    def close(self) -> None:
        """Wait until everything is written."""
        self._is_closed = True
        self._writer.shutdown(wait=True)

    def _save(self, fields: Mapping[str, Any]) -> None:  # in the writer's thread, as is `_read`
        try:
            self._read()
            settings.change(paths.settings_file(), **fields)
            self._stored = replace(self._stored, **fields)
        except StorageError as error:
            self._dispatcher.post(self.failed.emit, error)

    def _read(self) -> None:
        file, warnings = paths.settings_file(), list[str]()
        stored = settings.load(file, warnings.append)
        if warnings or not file.exists():  # these would be the defaults
            return
        values, before = asdict(stored), asdict(self._stored)
        self._stored = stored
        changes = {name: value for name, value in values.items() if value != before[name]}
        if changes:
            self._dispatcher.post(self._take_over, changes)

    def _take_over(self, changes: Mapping[str, Any]) -> None:
        changes = {name: value for name, value in changes.items() if value != getattr(self.value, name)}
        if changes:
            self.value = replace(self.value, **changes)
            self.changed.emit(self.value)
            self.changed_elsewhere.emit(frozenset(changes))
