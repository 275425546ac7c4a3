"""Detects changes that other programs make to models, unfinished training runs and settings."""

from __future__ import annotations

import threading
from typing import Final

from PySide6.QtCore import QObject, Signal

from core.base import paths
from core.models.change_token import ChangeToken, change_token, changed_ns
from gui.tasks.main_thread import Dispatcher

_EVERY_S: Final = 1.0


class LibraryWatch(QObject):
    """Checks once a second in its own thread.

    Attributes:
        changed: models or runs were added, removed or activated.
        settings_written: the settings were written, by this program or another.
    """

    changed = Signal()
    settings_written = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._dispatcher = Dispatcher(self)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="library-watch", daemon=True)

    def start(self) -> None:
        """Start watching; may be called only once."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _watch(self) -> None:  # in its own thread
        models, settings = _change_tokens(), changed_ns(paths.settings_file())
        while not self._stop.wait(_EVERY_S):
            models_now, settings_now = _change_tokens(), changed_ns(paths.settings_file())
            if models_now != models:
                self._dispatcher.post(lambda _: self.changed.emit(), None)
            if settings_now != settings:
                self._dispatcher.post(lambda _: self.settings_written.emit(), None)
            models, settings = models_now, settings_now


def _change_tokens() -> tuple[ChangeToken, ChangeToken]:
    return change_token(paths.user_models()), change_token(paths.unfinished_runs())
