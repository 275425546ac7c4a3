"""One line for work under way on a page: what is done, how far it is, and a way to call it off."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from core.base.progress import Progress
from gui.widgets import theme
from gui.widgets.basic import ProgressBar, label


class WorkStrip(QWidget):
    """Hidden while nothing is under way.

    Attributes:
        cancel_wanted: the person wants it called off.
    """

    cancel_wanted = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = label()
        self.bar = ProgressBar()
        self.bar.setAccessibleName(f"Progress of {name}")
        self.count = label(kind="muted")
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName(f"Cancel {name}")
        self.cancel.clicked.connect(self._on_cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GRID)
        row.addWidget(self.words)
        row.addWidget(self.bar, 1)
        row.addWidget(self.count)
        row.addWidget(self.cancel)
        self.hide()

    def begin(self, words: str) -> None:
        """Show work that begins now."""
        self.words.setText(words)
        self.bar.setRange(0, 0)
        self.count.clear()
        self.cancel.setEnabled(True)
        self.show()

    def show_progress(self, progress: Progress) -> None:
        """Show how far it is."""
        self.words.setText(f"{progress.stage[:1].upper()}{progress.stage[1:]} …")
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.step)
        self.count.setText(f"{progress.step:,} of {progress.total:,}" if progress.total > 1 else "")

    def end(self) -> None:
        """Show that nothing is under way."""
        self.hide()

    def _on_cancel(self) -> None:
        self.words.setText("Stopping …")
        self.cancel.setEnabled(False)
        self.cancel_wanted.emit()
