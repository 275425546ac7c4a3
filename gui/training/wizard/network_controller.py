"""Adds a published network to the library, for the training that is being set up."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.api import model_files
from core.training.networks import BackboneRequest
from gui.session.library_controller import LibraryController
from gui.tasks.task import Task, Tasks
from gui.training.wizard.network_form import NetworkForm


class NetworkController(QObject):
    """Adds the network that the form asks for.

    Attributes:
        added: the name of the network in the library, which is being listed again.
    """

    added = Signal(str)

    def __init__(self, form: NetworkForm, tasks: Tasks, library: LibraryController) -> None:
        super().__init__(form)
        self._form, self._tasks, self._library = form, tasks, library
        self._adding: Task | None = None
        form.wanted.connect(self._add)
        form.cancel_wanted.connect(self._cancel)

    def _add(self, request: BackboneRequest) -> None:
        self._form.begin()
        task = self._adding = self._tasks.start(model_files.provide_backbone, request)
        task.progressed.connect(self._form.strip.show_progress)
        task.succeeded.connect(self._on_added)
        task.failed.connect(self._form.end)
        task.stopped.connect(lambda: self._form.end())

    def _on_added(self, name: str) -> None:
        self._form.end()
        self.added.emit(name)
        self._library.refresh()

    def _cancel(self) -> None:
        if self._adding is not None:
            self._adding.cancel()
