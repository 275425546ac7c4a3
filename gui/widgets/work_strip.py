"""A line for a running task: its current stage, its progress, and a Cancel button."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.base.progress import Progress
from gui.widgets import theme
from gui.widgets.basic import ProgressBar, button, label
from gui.widgets.formats import sentence
from gui.widgets.layouts import fill, hbox


class WorkStrip(QWidget):
    """Shows the progress of a task; hidden while none is running.

    Attributes:
        cancel_wanted: the user requested to cancel the task.
    """

    cancel_wanted = Signal()

    def __init__(self, progress: str, cancel: str) -> None:
        """`progress` and `cancel` are the accessible names of the bar and the button."""
        super().__init__()
        self.words = label()
        self.bar = ProgressBar()
        self.bar.setAccessibleName(progress)
        self.count = label(kind="muted")
        self.cancel = button(tr("Cancel"), self._on_cancel, name=cancel)
        hbox(self.words, fill(self.bar), self.count, self.cancel, parent=self, spacing=theme.GRID)
        self.hide()

    def begin(self, words: str) -> None:
        """Show a task that starts now."""
        self.words.setText(words)
        self.bar.setRange(0, 0)
        self.count.clear()
        self.cancel.setEnabled(True)
        self.show()

    def show_progress(self, progress: Progress) -> None:
        """Show the progress of the task."""
        self.words.setText(f"{sentence(progress.stage)}…")
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.step)
        self.count.setText(
            tr("{step:,} of {total:,}", step=progress.step, total=progress.total) if progress.total > 1 else ""
        )

    def end(self) -> None:
        """Hide the strip at the end of the task."""
        self.hide()

    def _on_cancel(self) -> None:
        self.words.setText(tr("Stopping…"))
        self.cancel.setEnabled(False)
        self.cancel_wanted.emit()
