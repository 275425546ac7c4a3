"""What is made of the photos of jobs: exports, and the tasks that change photos, at most one for each job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.api import jobs as api
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.progress import Progress
from core.jobs.values import View
from core.outputs.reports.plan import ReportFormat
from gui.tasks.task import Task, Tasks


@dataclass(slots=True)
class _RunningTask:
    """A running task: its job, description and progress."""

    job: str
    description: str
    progress: Progress | None = None


class OutputsController(QObject):
    """Exports rows, and tracks the running tasks on the photos of jobs.

    Attributes:
        missing: the report formats and keyword targets that this computer lacks, with the reasons.
        changed: a task started, progressed or ended, or `missing` is known.
        exported: rows were exported: a message, and the file.
        export_failed: rows could not be exported; why.
        succeeded: a task succeeded: the task, its job, and its result.
        failed: a task failed, at least partly: the task, and the error.
        stopped: a task was cancelled; the task.
        undone: a sorting was undone: its job, and a message.
        ended: a task ended in any of these ways.
    """

    changed = Signal()
    exported = Signal(str, Path)
    export_failed = Signal(FoveaError)
    succeeded = Signal(Task, str, object)
    failed = Signal(Task, FoveaError)
    stopped = Signal(Task)
    undone = Signal(str, str)
    ended = Signal()

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._running: dict[Task, _RunningTask] = {}
        self.missing: Mapping[str, str] = {}
        self._is_prepared = False

    def prepare(self) -> None:
        """Find out, once, which features are missing."""
        if not self._is_prepared:
            self._is_prepared = True
            self._tasks.start(api.missing_features).succeeded.connect(self._on_missing)

    def _on_missing(self, missing: Mapping[str, str]) -> None:
        self.missing = missing
        self.changed.emit()

    # ---- starting and stopping

    def export(self, job: str, view: View, format_: ReportFormat, file: Path, *, with_mark: bool = False) -> None:
        """Export the rows of a view to a file, CSV optionally with a byte order mark."""
        task = self._tasks.start(api.export_rows, job, view, format_, file, with_mark)
        task.succeeded.connect(lambda message: self.exported.emit(message, file))
        task.failed.connect(self.export_failed)

    def run(self, job: str, description: str, verb: Callable[..., Any], *arguments: object) -> Task:
        """Start a task on the photos of a job. The description is translated, such as “Sorting photos”."""
        task = self._tasks.start(verb, *arguments)
        self._running[task] = _RunningTask(job, description)
        task.progressed.connect(partial(self._on_progress, task))
        task.succeeded.connect(lambda result: self.succeeded.emit(task, job, result))
        task.failed.connect(partial(self.failed.emit, task))
        task.stopped.connect(partial(self.stopped.emit, task))
        task.ended.connect(partial(self._on_ended, task))
        self.changed.emit()
        return task

    def undo_sorting(self, job: str, sorting: str = "") -> None:
        """Undo a sorting of a job; the last one if none is named."""
        if not self.description(job):
            task = self.run(job, tr("Undoing the sorting"), api.undo_sorting, job, sorting)
            task.succeeded.connect(lambda result: self.undone.emit(job, result.message))

    def continue_sorting(self, job: str) -> None:
        """Resume the interrupted sorting of a job."""
        if not self.description(job):
            self.run(job, tr("Sorting photos"), api.resume_sorting, job)

    def stop(self, job: str) -> None:
        """Cancel the task running on the photos of a job; it can be resumed or undone later."""
        for task, running in self._running.items():
            if running.job == job:
                task.cancel()

    # ---- state

    def is_running(self, task: Task | None) -> bool:
        """Whether this task is still running."""
        return task in self._running

    def description(self, job: str) -> str:
        """The description of the task running on the photos of a job; empty if there is none."""
        return next((task.description for task in self._running.values() if task.job == job), "")

    def lines(self) -> list[tuple[str, str]]:
        """The running tasks: each job with the description and progress of its task."""
        return [(task.job, _line(task)) for task in self._running.values()]

    def _on_progress(self, task: Task, progress: Progress) -> None:
        self._running[task].progress = progress
        self.changed.emit()

    def _on_ended(self, task: Task) -> None:
        del self._running[task]
        self.changed.emit()
        self.ended.emit()


def _line(task: _RunningTask) -> str:
    if task.progress is None:
        return task.description
    return tr(
        "{task}, {done:,} of {total:,}", task=task.description, done=task.progress.step, total=task.progress.total
    )
