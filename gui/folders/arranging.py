"""Orders that the batch process computes from the photos themselves, with their progress."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.api import jobs as api
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.jobs.values import View
from gui.tasks.task import Tasks
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
        self.strip = WorkStrip(tr("Progress of comparing photos"), tr("Stop comparing photos"))

    def arrange(self, job: str, view: View) -> bool:
        """Start to compute the places of a job's rows; return whether the view needs any."""
        self.abandon()
        if view.arranged_by is None:
            return False
        task = self.strip.run(self._tasks.start(api.arrange_rows, job, view), tr("Comparing photos…"))
        task.failed.connect(self.failed)
        task.ended.connect(self.ended)
        return True

    def abandon(self) -> None:
        """Leave the places as they are."""
        self.strip.abandon()
