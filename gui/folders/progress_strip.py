"""The progress of a job, with buttons to pause, resume and stop it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from core.base.i18n import tr
from core.services.batch_values import Activity, JobStatus
from gui.folders.job_text import activity_text, progress_text
from gui.widgets.basic import ProgressBar, button, label
from gui.widgets.layouts import fill, hbox, vbox

_STEPS: Final = 1000


class ProgressStrip(QFrame):
    """Shows a job that is not finished, or whose folder is being watched.

    Attributes:
        pause_wanted: True to pause the running job, False to continue it.
        stop_wanted: stop the job.
        resume_wanted: resume the stopped job.
    """

    pause_wanted = Signal(bool)
    stop_wanted = Signal()
    resume_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._status: JobStatus | None = None
        self._activity, self._numbers = label(kind="number"), label(kind="muted", wrap=True)
        self.bar = ProgressBar()
        self.bar.setAccessibleName(tr("Photos classified"))
        self.pause, self.stop = button(tr("Pause"), self.toggle), button(tr("Stop"), self.stop_wanted.emit)
        words = hbox(self._activity, fill(self._numbers), spacing=8)
        texts = vbox(words, self.bar, spacing=4)
        hbox(fill(texts), self.pause, self.stop, parent=self, margins=(16, 8, 16, 8), spacing=16)

    def show_job(self, status: JobStatus) -> None:
        """Show the status of the job; hide the strip when it is finished."""
        self._status = status
        self.setVisible(status.activity is not Activity.FINISHED)
        self._activity.setText(activity_text(status))
        self._numbers.setText(progress_text(status))
        self.bar.setAccessibleDescription(progress_text(status))
        done, found, walked = _fraction(status)
        self.bar.setVisible(status.activity not in (Activity.MISSING, Activity.WATCHING))
        is_guessed = not walked and status.activity is Activity.RUNNING and not done
        self.bar.setRange(0, 0 if is_guessed else _STEPS)
        self.bar.setValue(round(_STEPS * done / found) if found else 0)
        is_busy = status.activity in (Activity.RUNNING, Activity.PAUSED)
        self.pause.setText(tr("Pause") if status.activity is Activity.RUNNING else tr("Resume"))
        self.pause.setVisible(status.activity not in (Activity.WATCHING, Activity.EXTERNAL))
        self.stop.setVisible(is_busy or status.activity is Activity.WATCHING)

    def toggle(self) -> None:
        """Pause the running job, or resume the paused or stopped one."""
        match self._status.activity if self._status is not None else None:
            case Activity.RUNNING:
                self.pause_wanted.emit(True)
            case Activity.PAUSED:
                self.pause_wanted.emit(False)
            case Activity.STOPPED | Activity.MISSING:
                self.resume_wanted.emit()


def _fraction(status: JobStatus) -> tuple[int, int, bool]:
    """Photos done, photos found, and whether all photos were found."""
    if status.progress is not None:
        return status.progress.finished, status.progress.found, status.progress.walked
    counts = status.summary.counts
    return counts.done + counts.failed, counts.found, True
