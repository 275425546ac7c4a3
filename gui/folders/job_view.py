"""A view of a job's rows, which the batch process keeps open."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from core.api import jobs as api
from core.base.errors import FoveaError
from core.services.job_values import ViewRequest, ViewUpdate
from gui.folders.review_outbox import ReviewOutbox
from gui.tasks.task import LatestTask, Task, Tasks


class JobView(QObject):
    """Opens one view at a time, and again after a crash of the batch process.

    Attributes:
        opened: another view is being opened, which replaces the one before.
        updated: the view was opened or changed.
        fetched: rows arrived: the version, the first place, and a `FetchedRows`; None if the view has changed since.
        failed: the rows cannot be read.
        version: the version that is shown, and of which rows are fetched.
    """

    opened = Signal()
    updated = Signal(ViewUpdate)
    fetched = Signal(object, int, object)
    failed = Signal(FoveaError)

    def __init__(self, name: str, tasks: Tasks, outbox: ReviewOutbox, parent: QObject) -> None:
        """Each part of the window gives its view a name of its own."""
        super().__init__(parent)
        self._name, self._tasks, self._outbox = name, tasks, outbox
        self._serving = LatestTask(tasks)
        self._request: ViewRequest | None = None
        self._job = ""
        self.version = 0
        self._tracked: int | None = None
        tasks.died.connect(self._reopen)

    def open(self, request: ViewRequest) -> None:
        """Open or change the view, as it is once the reviews so far are stored; the tracked row of a job is kept."""
        if request is not self._request:
            if request.job != self._job:
                self._job, self._tracked = request.job, None
            self._request = replace(request, tracked=self._tracked)
            self.opened.emit()
        self._serving.abandon()
        if self._outbox.is_storing:
            self._outbox.when_stored(self._reopen)
            return
        task = self._serving.start(api.open_view, self._name, self._request)
        task.progressed.connect(self.updated)
        task.failed.connect(self._on_failed)

    def close(self) -> None:
        """Close the view."""
        self._request = None
        self._serving.abandon()

    def track(self, row: int) -> None:
        """Report the place of a row with every update."""
        self._tracked = row
        if self._request is not None:
            self._request = replace(self._request, tracked=row)
            self._tasks.start(api.track_row, self._name, row)

    def fetch(self, first: int, count: int) -> Task:
        """Request rows from a place on."""
        task = self._tasks.start(api.fetch_rows, self.version, first, count)
        task.succeeded.connect(partial(self.fetched.emit, self.version, first))
        task.failed.connect(self._on_failed)
        return task

    def _reopen(self) -> None:
        if self._request is not None:
            self.open(self._request)

    def _on_failed(self, error: FoveaError) -> None:
        if error is not self._tasks.death:
            self.failed.emit(error)
