"""The progress of a job, with buttons to pause, resume and stop it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from core.base.i18n import tr
from core.jobs.values import JobState, JobSummary
from gui.folders.job_text import progress_text, state_text
from gui.widgets.basic import ProgressBar, button, label
from gui.widgets.layouts import fill, hbox, vbox

_STEPS: Final = 1000


class ProgressStrip(QFrame):
    """Shows a job that is not finished, or whose folder is being watched.

    Attributes:
        toggle_wanted: pause or resume the job.
        stop_wanted: stop the job.
    """

    toggle_wanted = Signal()
    stop_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._state, self._numbers = label(kind="number"), label(kind="muted", wrap=True)
        self.bar = ProgressBar()
        self.bar.setAccessibleName(tr("Photos classified"))
        self.pause, self.stop = button(tr("Pause"), self.toggle_wanted.emit), button(tr("Stop"), self.stop_wanted.emit)
        words = hbox(self._state, fill(self._numbers), spacing=8)
        texts = vbox(words, self.bar, spacing=4)
        hbox(fill(texts), self.pause, self.stop, parent=self, margins=(16, 8, 16, 8), spacing=16)

    def show_job(self, job: JobSummary) -> None:
        """Show a job; hide the strip when the job is finished."""
        self.setVisible(job.state is not JobState.FINISHED)
        self._state.setText(state_text(job))
        self._numbers.setText(progress_text(job))
        self.bar.setAccessibleDescription(progress_text(job))
        done, found, walked = _fraction(job)
        self.bar.setVisible(job.state not in (JobState.MISSING, JobState.WATCHING))
        is_guessed = not walked and job.state is JobState.RUNNING and not done
        self.bar.setRange(0, 0 if is_guessed else _STEPS)
        self.bar.setValue(round(_STEPS * done / found) if found else 0)
        is_busy = job.state in (JobState.RUNNING, JobState.PAUSED)
        self.pause.setText(tr("Pause") if job.state is JobState.RUNNING else tr("Resume"))
        self.pause.setVisible(job.state not in (JobState.WATCHING, JobState.EXTERNAL))
        self.stop.setVisible(is_busy or job.state is JobState.WATCHING)


def _fraction(job: JobSummary) -> tuple[int, int, bool]:
    """Photos done, photos found, and whether all photos were found."""
    if job.progress is not None:
        return job.progress.finished, job.progress.found, job.progress.walked
    counts = job.counts
    return counts.done + counts.failed, counts.found, True
