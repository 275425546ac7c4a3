"""The library as the window sees it: what is installed, and the changes that pages ask for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from core import api
from core.base.errors import FoveaError
from core.services.processes import serve_library
from gui.tasks.task import Task, Tasks

_DEATH: Final = FoveaError(
    "The part of Fovea that looks after models ended unexpectedly.",
    hint="Try again. If it happens again, one of the files or photos is to blame.",
)


class LibraryController(QObject):
    """Asks the library process, and tells every page what changed.

    Attributes:
        tasks: the process; exports, imports and comparisons are started there by whoever shows them.
        listed: what there is; a `LibraryListing`.
        failed: why nothing was listed or changed.
        activated: a name means this version now.
        rolled_back: a name means this version again.
        removed: a name, the version that was removed or None for all, and the version that the name means now or None.
        restored: a name, and the version that is back or None for all.
        run_discarded: the unfinished training of this name is deleted.
        changed: any of these; told last.
    """

    listed = Signal(api.LibraryListing)
    failed = Signal(FoveaError)
    activated = Signal(str, int)
    rolled_back = Signal(str, int)
    removed = Signal(str, object, object)
    restored = Signal(str, object)
    run_discarded = Signal(str)
    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.tasks = Tasks(serve_library, _DEATH, self)
        self._listing: Task | None = None
        self._lists_again = False

    def close(self) -> None:
        """End the library process, whatever it does."""
        self.tasks.close()

    def refresh(self) -> None:
        """List what there is; while that is under way, list again afterwards: the answer may be out of date."""
        self._lists_again = self._listing is not None
        if self._listing is None:
            self._listing = self.tasks.start(api.list_library)
            self._listing.succeeded.connect(self.listed)
            self._listing.failed.connect(self.failed)
            self._listing.ended.connect(self._on_listing_ended)

    def activate(self, name: str, version: int) -> None:
        """Make a name mean a version."""
        self._change(lambda _: self.activated.emit(name, version), api.activate, name, version)

    def roll_back(self, name: str) -> None:
        """Make a name mean the version again that was active before."""
        self._change(partial(self.rolled_back.emit, name), api.roll_back, name)

    def remove(self, name: str, version: int | None = None) -> None:
        """Remove a version, or the model with all of them."""
        self._change(partial(self.removed.emit, name, version), api.remove, name, version)

    def restore(self, name: str, version: int | None = None) -> None:
        """Bring back what was removed."""
        self._change(lambda _: self.restored.emit(name, version), api.restore, name, version)

    def discard_run(self, name: str) -> None:
        """Delete an unfinished training."""
        self._change(lambda _: self.run_discarded.emit(name), api.discard_run, name)

    def _change(self, on_done: Callable[[Any], object], verb: Callable[..., Any], *arguments: object) -> None:
        task = self.tasks.start(verb, *arguments)
        task.succeeded.connect(on_done)
        task.succeeded.connect(self.changed)
        task.failed.connect(self.failed)

    def _on_listing_ended(self) -> None:
        self._listing = None
        if self._lists_again:
            self.refresh()
