"""A line for a running task: its current stage, its progress, and a Cancel button."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.base.progress import Progress
from gui.tasks.task import Task
from gui.widgets import theme
from gui.widgets.basic import ProgressBar, button, label
from gui.widgets.formats import sentence
from gui.widgets.layouts import fill, hbox


class WorkStrip(QWidget):
    """Shows the progress of a task, which can be cancelled there; hidden while none is running."""

    def __init__(self, progress: str, cancel: str) -> None:
        """`progress` and `cancel` are the accessible names of the bar and the button."""
        super().__init__()
        self.words = label()
        self.bar = ProgressBar()
        self.bar.setAccessibleName(progress)
        self.count = label(kind="muted")
        self.cancel = button(tr("Cancel"), self.stop, name=cancel)
        self._task: Task | None = None
        hbox(self.words, fill(self.bar), self.count, self.cancel, parent=self, spacing=theme.GRID)
        self.hide()

    @property
    def is_busy(self) -> bool:
        """Whether a task is running."""
        return self._task is not None

    def run(self, task: Task, words: str) -> Task:
        """Show a task that was just started, until it ends."""
        self._task = task
        task.progressed.connect(self.show_progress)
        task.ended.connect(self._end)
        self.words.setText(words)
        self.bar.setRange(0, 0)
        self.count.clear()
        self.cancel.setEnabled(True)
        self.show()
        return task

    def show_progress(self, progress: Progress) -> None:
        self.words.setText(f"{sentence(progress.stage)}…")
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.step)
        self.count.setText(
            tr("{step:,} of {total:,}", step=progress.step, total=progress.total) if progress.total > 1 else ""
        )

    def stop(self) -> None:
        """Cancel the task, if there is one."""
        if self._task is not None:
            self.words.setText(tr("Stopping…"))
            self.cancel.setEnabled(False)
            self._task.cancel()

    def abandon(self) -> None:
        """Cancel the task, if there is one, and ignore what it answers."""
        if self._task is not None:
            self._task.abandon()
            self._end()

    def _end(self) -> None:
        self._task = None
        self.hide()
