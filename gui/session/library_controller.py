"""The window's access to the model library: what is installed, and the changes that pages request."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from core import api
from core.api.library_values import LibraryListing
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.settings import Settings
from core.services.processes import serve_library
from gui.session.model_controller import ModelController
from gui.tasks.task import Task, Tasks


class LibraryController(QObject):
    """Sends requests to the library process and signals what changed; the model in use follows.

    Attributes:
        tasks: the process; pages start exports, imports and comparisons there.
        listed: the content of the library.
        failed: listing or changing the library failed.
        activated: this version of a model is active now.
        rolled_back: this earlier version of a model is active again.
        removed: a name, the removed version or None for all of them, and the version that is active now or None.
        restored: a name, and the restored version or None for all of them.
        run_discarded: the unfinished training run of this name was deleted.
        changed: any of these changes happened; emitted last.
    """

    listed = Signal(LibraryListing)
    failed = Signal(FoveaError)
    activated = Signal(str, int)
    rolled_back = Signal(str, int)
    removed = Signal(str, object, object)
    restored = Signal(str, object)
    run_discarded = Signal(str)
    changed = Signal()

    def __init__(self, models: ModelController, parent: QObject) -> None:
        super().__init__(parent)
        self._models = models
        self.tasks = Tasks(serve_library, _exit_error(), self)
        self._listing: Task | None = None
        self._lists_again = False
        self._removed_in_use = ""
        self.activated.connect(self._on_activated)
        self.removed.connect(self._on_removed)
        self.restored.connect(self._on_restored)
        self.changed.connect(self._on_changed)

    def refresh(self) -> None:
        """List the library; if that is already running, list again afterwards, as its result may be out of date."""
        self._lists_again = self._listing is not None
        if self._listing is None:
            self._listing = self.tasks.start(api.list_library)
            self._listing.succeeded.connect(self._on_listed)
            self._listing.failed.connect(self.failed)
            self._listing.ended.connect(self._on_listing_ended)

    def _on_listed(self, listing: LibraryListing) -> None:
        self._models.learn_titles(listing.names)
        self.listed.emit(listing)

    def activate(self, name: str, version: int) -> Task:
        """Activate a version of a model, and use it."""
        return self._change(lambda _: self.activated.emit(name, version), api.activate, name, version)

    def roll_back(self, name: str) -> None:
        """Activate the previously active version of a model again."""
        self._change(lambda found: self.rolled_back.emit(name, found.version), api.roll_back, name)

    def remove(self, name: str, version: int | None = None) -> None:
        """Remove a version, or a model with all its versions."""
        self._change(partial(self.removed.emit, name, version), api.remove, name, version)

    def restore(self, name: str, version: int | None = None) -> None:
        """Restore what was removed."""
        self._change(lambda _: self.restored.emit(name, version), api.restore, name, version)

    def discard_run(self, name: str) -> None:
        """Delete an unfinished training run."""
        self._change(lambda _: self.run_discarded.emit(name), api.discard_run, name)

    def _change(self, on_done: Callable[[Any], object], verb: Callable[..., Any], *arguments: object) -> Task:
        task = self.tasks.start(verb, *arguments)
        task.succeeded.connect(on_done)
        task.succeeded.connect(self.changed)
        task.failed.connect(self.failed)
        return task

    def _on_activated(self, name: str) -> None:
        if name != self._models.name:
            self._models.open(model=name)

    def _on_removed(self, name: str, _: int | None, active: int | None) -> None:
        if active is None and name == self._models.name:
            self._removed_in_use = name
            self._models.open(model=Settings().model)

    def _on_restored(self, name: str) -> None:
        """Use a restored model again if it was in use when it was removed, and no other was chosen since."""
        if name == self._removed_in_use and (self._models.opening or self._models.name) == Settings().model:
            self._models.open(model=name)
        self._removed_in_use = ""

    def _on_changed(self) -> None:
        self._models.refresh()
        self.refresh()

    def _on_listing_ended(self) -> None:
        self._listing = None
        if self._lists_again:
            self.refresh()


def _exit_error() -> FoveaError:
    return FoveaError(
        tr("The part of Fovea that manages models stopped unexpectedly."),
        hint=tr("Try again. If it happens again, one of the files or photos may be damaged."),
    )
