"""What is being done with the photos of jobs just now, beside classifying them: one thing at a time for each job."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from core.base.progress import Progress
from core.services.batch_messages import TaskDone, TaskFailed, TaskProgress, TaskStopped
from gui.tasks.jobs_client import BatchClient


@dataclass(slots=True)
class _Deed:
    """What is done with whose photos, in words, and how far it is."""

    job: str
    words: str
    progress: Progress | None = None


class Deeds(QObject):
    """Knows what is under way that reads or writes photos.

    Attributes:
        changed: something else is under way, or further.
        ended: a deed came to its end: the job, and a `TaskDone`, `TaskFailed` or `TaskStopped`.
    """

    changed = Signal()
    ended = Signal(str, object)

    def __init__(self, client: BatchClient, parent: QObject) -> None:
        super().__init__(parent)
        self._client = client
        self._under_way: dict[int, _Deed] = {}
        client.task_progress.connect(self._on_progress)
        client.task_ended.connect(self._on_ended)

    # ---- what is begun

    def begin(self, ticket: int, job: str, words: str) -> None:
        """A task that was asked for works on the photos of a job; the words are the end of “… now:”."""
        self._under_way[ticket] = _Deed(job, words)
        self.changed.emit()

    def undo_sorting(self, job: str, sorting: str = "") -> None:
        """Put the photos back where a sorting of a job, the last one where none is named, took them from."""
        if not self.words(job):
            self.begin(self._client.undo_sorting(job, sorting), job, "the sorting is being undone")

    def continue_sorting(self, job: str) -> None:
        """Go on with the sorting of a job that was interrupted."""
        if not self.words(job):
            self.begin(self._client.continue_sorting(job), job, "photos are being sorted")

    def stop(self, job: str) -> None:
        """Call off what is being done with the photos of a job; it can go on, or be undone, later."""
        for ticket, deed in self._under_way.items():
            if deed.job == job:
                self._client.call_off(ticket)

    # ---- what is under way

    def is_under_way(self, ticket: int) -> bool:
        """Whether this task is not done yet."""
        return ticket in self._under_way

    def words(self, job: str) -> str:
        """What is being done with the photos of a job; empty where nothing is."""
        return next((deed.words for deed in self._under_way.values() if deed.job == job), "")

    def lines(self) -> list[tuple[str, str]]:
        """Every job whose photos something is done with, and what, how far, in words."""
        return [(deed.job, _line(deed)) for deed in self._under_way.values()]

    def _on_progress(self, told: TaskProgress) -> None:
        deed = self._under_way.get(told.ticket)
        if deed is not None:
            deed.progress = told.progress
            self.changed.emit()

    def _on_ended(self, ended: TaskDone | TaskFailed | TaskStopped) -> None:
        deed = self._under_way.pop(ended.ticket, None)
        if deed is not None:
            self.changed.emit()
            self.ended.emit(deed.job, ended)


def _line(deed: _Deed) -> str:
    if deed.progress is None:
        return deed.words
    return f"{deed.words}, {deed.progress.step:,} of {deed.progress.total:,}"
