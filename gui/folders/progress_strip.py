"""How far a job is, and what can be done about that."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from core.services.batch_values import Activity, JobStatus
from gui.folders.job_text import activity_text, progress_text
from gui.widgets.basic import ProgressBar, label

_STEPS: Final = 1000


class ProgressStrip(QFrame):
    """Shows a job that is not finished, or is watched.

    Attributes:
        pause_wanted: whether it is to wait, or to go on.
        stop_wanted: it is to stop.
        resume_wanted: it is to go on, where it stopped.
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
        self.bar.setAccessibleName("Photos classified")
        self.pause, self.stop = QPushButton("Pause"), QPushButton("Stop")
        self.pause.clicked.connect(self.toggle)
        self.stop.clicked.connect(self.stop_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(16)
        column = QVBoxLayout()
        column.setSpacing(4)
        words = QHBoxLayout()
        words.setSpacing(8)
        words.addWidget(self._activity)
        words.addWidget(self._numbers, 1)
        column.addLayout(words)
        column.addWidget(self.bar)
        row.addLayout(column, 1)
        row.addWidget(self.pause)
        row.addWidget(self.stop)

    def show_job(self, status: JobStatus) -> None:
        """Show how the job stands; one that is done takes no room."""
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
        self.pause.setText("Pause" if status.activity is Activity.RUNNING else "Go on")
        self.pause.setVisible(status.activity not in (Activity.WATCHING, Activity.EXTERNAL))
        self.stop.setVisible(is_busy or status.activity is Activity.WATCHING)

    def toggle(self) -> None:
        """Pause the job, or let it go on, whichever can be done now."""
        match self._status.activity if self._status is not None else None:
            case Activity.RUNNING:
                self.pause_wanted.emit(True)
            case Activity.PAUSED:
                self.pause_wanted.emit(False)
            case Activity.STOPPED | Activity.MISSING:
                self.resume_wanted.emit()


def _fraction(status: JobStatus) -> tuple[int, int, bool]:
    """How many photos are done, of how many, and whether these are all."""
    if status.progress is not None:
        return status.progress.finished, status.progress.found, status.progress.walked
    counts = status.summary.counts
    return counts.done + counts.failed, counts.found, True
