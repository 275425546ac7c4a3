"""Notices what other programs do to the models and the unfinished runs."""

from __future__ import annotations

import threading
from typing import Final

from PySide6.QtCore import QObject, Signal

from core.base import paths
from core.models.change_token import Stamp, stamp
from gui.tasks.main_thread import Relay

_EVERY_S: Final = 1.0


class LibraryWatch(QObject):
    """Looks once a second, in a thread of its own.

    Attributes:
        changed: models or runs came, went, or were chosen.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._relay = Relay(self)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="library-watch", daemon=True)

    def start(self) -> None:
        """Begin to look; once only."""
        self._thread.start()

    def close(self) -> None:
        """Look no longer."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _watch(self) -> None:  # a thread of its own
        seen = _look()
        while not self._over.wait(_EVERY_S):
            now = _look()
            if now != seen:
                seen = now
                self._relay.post(lambda _: self.changed.emit(), None)


def _look() -> tuple[Stamp, Stamp]:
    return stamp(paths.own_models()), stamp(paths.unfinished_runs())
