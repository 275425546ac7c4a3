"""Reviews on their way to the batch process: stored in order, and none is lost when that process dies."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from core.api import jobs as api
from core.base.errors import FoveaError
from core.jobs.values import Review
from gui.tasks.task import Task, Tasks


@dataclass(frozen=True, slots=True)
class _Write:
    """A call that stores reviews, and whether it is started again if the process dies."""

    start: Callable[[], Task]
    is_repeated: bool


class ReviewOutbox(QObject):
    """Starts one call after another.

    Attributes:
        failed: reviews could not be stored; why.
    """

    failed = Signal(FoveaError)

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._writes: deque[_Write] = deque()
        self._on_stored: list[Callable[[], object]] = []
        self._is_lost = False
        tasks.died.connect(self._on_died)

    def store(self, job: str, reviews: dict[int, Review | None]) -> None:
        """Store the reviews of a few rows by their numbers; again after a crash, until they are stored."""
        self._add(_Write(lambda: self._start_storing(job, reviews), is_repeated=True))

    def add(self, start: Callable[[], Task]) -> None:
        """Start a call that stores the reviews of many rows once the earlier ones are stored."""
        self._add(_Write(start, is_repeated=False))

    @property
    def is_storing(self) -> bool:
        """Whether the reviews of a few rows are being stored; those of many rows take too long to wait for."""
        return bool(self._writes) and self._writes[0].is_repeated

    def when_stored(self, act: Callable[[], object]) -> None:
        """Do something once the reviews of a few rows are stored."""
        if self.is_storing:
            self._on_stored.append(act)
        else:
            act()

    def _add(self, write: _Write) -> None:
        self._writes.append(write)
        if len(self._writes) == 1 or self._is_lost:  # lost: the process could not be started again
            self._is_lost = False
            self._start_next()

    def share_labels(self, job: str) -> Task:
        """Bring the reviews of a job up to date with labels that were given elsewhere."""
        return self._tasks.start(api.share_labels, job)

    def _start_next(self) -> None:
        if self._writes:
            self._writes[0].start().ended.connect(self._on_ended)
        if not self.is_storing:
            waiting, self._on_stored = self._on_stored, []
            for act in waiting:
                act()

    def _start_storing(self, job: str, reviews: dict[int, Review | None]) -> Task:
        task = self._tasks.start(api.store_reviews, job, reviews)
        task.failed.connect(self._on_failed)
        return task

    def _on_failed(self, error: FoveaError) -> None:
        self._is_lost = error is self._tasks.death
        if not self._is_lost:
            self.failed.emit(error)

    def _on_ended(self) -> None:
        if not self._is_lost:
            self._writes.popleft()
            self._start_next()

    def _on_died(self) -> None:
        if self._is_lost:
            self._is_lost = False
            self._start_next()
