"""The tasks running on photos of jobs, apart from classification: at most one for each job."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from core.base.i18n import tr
from core.base.progress import Progress
from core.services.batch_messages import TaskCancelled, TaskDone, TaskFailed, TaskProgress
from gui.tasks.jobs_client import BatchClient


@dataclass(slots=True)
class _RunningTask:
    """A running task: its job, description and progress."""

    job: str
    description: str
    progress: Progress | None = None


class RunningTasks(QObject):
    """Tracks the running tasks that read or write photos.

    Attributes:
        changed: a task started, progressed or ended.
        ended: a task ended: the job, and a `TaskDone`, `TaskFailed` or `TaskCancelled`.
    """

    changed = Signal()
    ended = Signal(str, object)

    def __init__(self, client: BatchClient, parent: QObject) -> None:
        super().__init__(parent)
        self._client = client
        self._running: dict[int, _RunningTask] = {}
        client.task_progress.connect(self._on_progress)
        client.task_ended.connect(self._on_ended)

    # ---- starting and stopping

    def add(self, ticket: int, job: str, description: str) -> None:
        """Track a requested task on the photos of a job. The description is translated, such as “Sorting photos”."""
        self._running[ticket] = _RunningTask(job, description)
        self.changed.emit()

    def undo_sorting(self, job: str, sorting: str = "") -> None:
        """Undo a sorting of a job; the last one if none is named."""
        if not self.description(job):
            self.add(self._client.undo_sorting(job, sorting), job, tr("Undoing the sorting"))

    def continue_sorting(self, job: str) -> None:
        """Resume the interrupted sorting of a job."""
        if not self.description(job):
            self.add(self._client.continue_sorting(job), job, tr("Sorting photos"))

    def stop(self, job: str) -> None:
        """Cancel the task running on the photos of a job; it can be resumed or undone later."""
        for ticket, task in self._running.items():
            if task.job == job:
                self._client.cancel(ticket)

    # ---- state

    def is_running(self, ticket: int) -> bool:
        """Whether this task is still running."""
        return ticket in self._running

    def description(self, job: str) -> str:
        """The description of the task running on the photos of a job; empty if there is none."""
        return next((task.description for task in self._running.values() if task.job == job), "")

    def lines(self) -> list[tuple[str, str]]:
        """The running tasks: each job with the description and progress of its task."""
        return [(task.job, _line(task)) for task in self._running.values()]

    def _on_progress(self, message: TaskProgress) -> None:
        task = self._running.get(message.ticket)
        if task is not None:
            task.progress = message.progress
            self.changed.emit()

    def _on_ended(self, ended: TaskDone | TaskFailed | TaskCancelled) -> None:
        task = self._running.pop(ended.ticket, None)
        if task is not None:
            self.changed.emit()
            self.ended.emit(task.job, ended)


def _line(task: _RunningTask) -> str:
    if task.progress is None:
        return task.description
    return tr(
        "{task}, {done:,} of {total:,}", task=task.description, done=task.progress.step, total=task.progress.total
    )
