"""Orders that the batch process computes from the photos themselves, with their progress."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.api import jobs as api
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.jobs.values import View
from gui.tasks.task import Task, Tasks
from gui.widgets.work_strip import WorkStrip


class Arranging(QObject):
    """Has the places of a view's rows computed, one view at a time; the open view then shows them.

    Attributes:
        strip: shows the progress, with a button to cancel.
        failed: they could not be computed.
        ended: they were computed, or not, and are as they were.
    """

    failed = Signal(FoveaError)
    ended = Signal()

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._task: Task | None = None
        self.strip = WorkStrip(tr("Progress of comparing photos"), tr("Stop comparing photos"))
        self.strip.cancel_wanted.connect(self._cancel)

    def arrange(self, job: str, view: View) -> bool:
        """Start to compute the places of a job's rows; return whether the view needs any."""
        self.abandon()
        if view.arranged_by is None:
            return False
        self.strip.begin(tr("Comparing photos…"))
        task = self._task = self._tasks.start(api.arrange_rows, job, view)
        task.progressed.connect(self.strip.show_progress)
        task.failed.connect(self.failed)
        task.ended.connect(self.strip.end)
        task.ended.connect(self.ended)
        return True

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def abandon(self) -> None:
        """Leave the places as they are."""
        if self._task is not None and not self._task.is_over:
            self._task.abandon()
        self.strip.end()
