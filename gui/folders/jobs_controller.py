"""The jobs: those that this window runs, and all others that there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from core.api import jobs as api
from core.base.errors import FoveaError
from core.jobs.values import JobState, JobSummary
from core.services.job_values import JobEnd
from gui.tasks.task import Task, Tasks

_REFRESH_MS: Final = 2000
"""How often the jobs are listed again while another program runs one: it sends no notifications."""


class JobsController(QObject):
    """Runs jobs in the batch process, and knows the state of every job.

    Attributes:
        all: all jobs by their ids, the newest first.
        changed: the jobs or the state of one changed.
        ended: a job of this window finished, was stopped or failed.
        removed: a job was removed from the list.
        restored: a removed job is in the list again.
        failed: a request failed; why.
        lost: the process died; the ids of the jobs that it was running.
    """

    changed = Signal()
    ended = Signal(JobEnd)
    removed = Signal(JobSummary)
    restored = Signal(str)
    failed = Signal(FoveaError)
    lost = Signal(object)

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self.all: dict[str, JobSummary] = {}
        self._running: dict[str, Task] = {}
        self._lost: list[str] = []
        self._last_listing = 0
        self._timer = QTimer(self, interval=_REFRESH_MS, singleShot=True)
        self._timer.timeout.connect(self.refresh)
        tasks.died.connect(self._on_died)

    # ---- requests

    def refresh(self) -> Task:
        """List all jobs, including those of other programs."""
        task = self._tasks.start(api.list_jobs)
        task.succeeded.connect(partial(self._on_listed, task.call.id))
        return task

    def run(
        self,
        verb: Callable[..., Any],
        about: object,
        on_started: Callable[[str], object] = lambda _: None,
        on_refused: Callable[[FoveaError], object] | None = None,
    ) -> None:
        """Run a job until it ends or is stopped.

        Args:
            verb: how, such as `run_job` or `watch_job` of `core.api.jobs`.
            about: the request or the id that the verb takes.
            on_started: called with the id once the job has started, or if it was running already.
            on_refused: called with the reason if the job cannot start; by default, `failed` is emitted.
        """
        task = self._tasks.start(verb, about)
        task.progressed.connect(partial(self._on_status, task))
        task.progressed.connect(lambda job: on_started(job.id), Qt.ConnectionType.SingleShotConnection)
        task.succeeded.connect(self._on_ended)
        task.failed.connect(partial(self._on_failed, task, on_refused or self.failed.emit))

    def pause(self, job: str, *, on: bool) -> None:
        """Pause or resume a running job."""
        if job in self._running:
            task = self._running[job]
            (task.pause if on else task.resume)()
            self._on_status(task, replace(self.all[job], state=JobState.RUNNING))

    def stop(self, job: str) -> None:
        """Stop a job or watching its folder."""
        if job in self._running:
            self._running[job].cancel()

    def remove(self, job: JobSummary) -> None:
        """Remove a job that is not running from the list."""
        self._change(api.remove_job, job.id, lambda _: self.removed.emit(job))

    def restore(self, job: str) -> None:
        """Restore a removed job."""
        self._change(api.restore_job, job, lambda _: self.restored.emit(job))

    def _change(self, verb: Callable[[str], None], job: str, on_listed: Callable[[object], object]) -> None:
        task = self._tasks.start(verb, job)
        task.succeeded.connect(lambda _: self.refresh().succeeded.connect(on_listed))
        task.failed.connect(self.failed)

    # ---- running jobs

    def _on_status(self, task: Task, job: JobSummary) -> None:
        if self._running.setdefault(job.id, task) is not task:
            return  # it was already running
        if task.is_paused and job.state is JobState.RUNNING:
            job = replace(job, state=JobState.PAUSED)
        self.all = {**self.all, job.id: job} if job.id in self.all else {job.id: job, **self.all}
        self.changed.emit()

    def _on_ended(self, end: JobEnd | None) -> None:
        if end is not None:
            del self._running[end.job.id]
            self.all = {**self.all, end.job.id: end.job}
            self.changed.emit()
            self.ended.emit(end)

    def _on_failed(self, task: Task, on_refused: Callable[[FoveaError], object], error: FoveaError) -> None:
        job = next((id_ for id_, running in self._running.items() if running is task), None)
        if job is None:
            on_refused(error)
        elif error is self._tasks.death:
            del self._running[job]
            self._lost.append(job)
        else:
            self._on_ended(JobEnd(self.all[job], error, ()))
            self.refresh()

    def _on_died(self) -> None:
        """List the jobs, which starts the process again."""
        lost, self._lost = tuple(sorted(self._lost)), []
        self.refresh()
        self.lost.emit(lost)

    # ---- all jobs

    def _on_listed(self, listing: int, jobs: tuple[JobSummary, ...]) -> None:
        if listing < self._last_listing:
            return  # a later one was faster
        self._last_listing = listing
        listed = {job.id: self._current(job) for job in jobs}
        self.all = {**listed, **{id_: self.all[id_] for id_ in self._running if id_ not in listed}}
        if any(job.state is JobState.EXTERNAL for job in self.all.values()):
            self._timer.start()
        self.changed.emit()

    def _current(self, job: JobSummary) -> JobSummary:
        """A listed job; the state of a running one is known better here."""
        known = self.all.get(job.id) if job.id in self._running else None
        return job if known is None else replace(known, counts=job.counts)
