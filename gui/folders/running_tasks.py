"""What is being done with the photos of jobs just now, beside classifying them: one thing at a time for each job."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from core.base.progress import Progress
from core.services.batch_messages import TaskCancelled, TaskDone, TaskFailed, TaskProgress
from gui.tasks.jobs_client import BatchClient


@dataclass(slots=True)
class _RunningTask:
    """What is done with whose photos, in words, and how far it is."""

    job: str
    description: str
    progress: Progress | None = None


class RunningTasks(QObject):
    """Knows what is under way that reads or writes photos.

    Attributes:
        changed: something else is under way, or further.
        ended: a deed came to its end: the job, and a `TaskDone`, `TaskFailed` or `TaskCancelled`.
    """

    changed = Signal()
    ended = Signal(str, object)

    def __init__(self, client: BatchClient, parent: QObject) -> None:
        super().__init__(parent)
        self._client = client
        self._running: dict[int, _RunningTask] = {}
        client.task_progress.connect(self._on_progress)
        client.task_ended.connect(self._on_ended)

    # ---- what is begun

    def add(self, ticket: int, job: str, description: str) -> None:
        """A task that was asked for works on the photos of a job; the words are the end of “… now:”."""
        self._running[ticket] = _RunningTask(job, description)
        self.changed.emit()

    def undo_sorting(self, job: str, sorting: str = "") -> None:
        """Put the photos back where a sorting of a job, the last one where none is named, took them from."""
        if not self.description(job):
            self.add(self._client.undo_sorting(job, sorting), job, "the sorting is being undone")

    def continue_sorting(self, job: str) -> None:
        """Go on with the sorting of a job that was interrupted."""
        if not self.description(job):
            self.add(self._client.continue_sorting(job), job, "photos are being sorted")

    def stop(self, job: str) -> None:
        """Call off what is being done with the photos of a job; it can go on, or be undone, later."""
        for ticket, task in self._running.items():
            if task.job == job:
                self._client.cancel(ticket)

    # ---- what is under way

    def is_running(self, ticket: int) -> bool:
        """Whether this task is not done yet."""
        return ticket in self._running

    def description(self, job: str) -> str:
        """What is being done with the photos of a job; empty where nothing is."""
        return next((task.description for task in self._running.values() if task.job == job), "")

    def lines(self) -> list[tuple[str, str]]:
        """Every job whose photos something is done with, and what, how far, in words."""
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
    return f"{task.description}, {task.progress.step:,} of {task.progress.total:,}"
