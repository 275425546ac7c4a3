"""How far a job is, and what can be done about that."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from core.services.batch_values import Doing, JobNews
from gui.folders.job_text import doing_text, progress_text
from gui.widgets.basic import ProgressBar, label

_STEPS: Final = 1000


class ProgressStrip(QFrame):
    """Shows a job that is not finished, or is watched.

    Attributes:
        pause_wanted: whether it is to wait, or to go on.
        stop_wanted: it is to stop.
        go_on_wanted: it is to go on, where it stopped.
    """

    pause_wanted = Signal(bool)
    stop_wanted = Signal()
    go_on_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self._news: JobNews | None = None
        self._doing, self._numbers = label(kind="number"), label(kind="muted", wrap=True)
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
        words.addWidget(self._doing)
        words.addWidget(self._numbers, 1)
        column.addLayout(words)
        column.addWidget(self.bar)
        row.addLayout(column, 1)
        row.addWidget(self.pause)
        row.addWidget(self.stop)

    def show_news(self, news: JobNews) -> None:
        """Show how the job stands; one that is done takes no room."""
        self._news = news
        self.setVisible(news.doing is not Doing.FINISHED)
        self._doing.setText(doing_text(news))
        self._numbers.setText(progress_text(news))
        self.bar.setAccessibleDescription(progress_text(news))
        done, found, walked = _share(news)
        self.bar.setVisible(news.doing not in (Doing.MISSING, Doing.WATCHING))
        is_guessed = not walked and news.doing is Doing.RUNNING and not done
        self.bar.setRange(0, 0 if is_guessed else _STEPS)
        self.bar.setValue(round(_STEPS * done / found) if found else 0)
        is_busy = news.doing in (Doing.RUNNING, Doing.PAUSED)
        self.pause.setText("Pause" if news.doing is Doing.RUNNING else "Go on")
        self.pause.setVisible(news.doing not in (Doing.WATCHING, Doing.ELSEWHERE))
        self.stop.setVisible(is_busy or news.doing is Doing.WATCHING)

    def toggle(self) -> None:
        """Pause the job, or let it go on, whichever can be done now."""
        match self._news.doing if self._news is not None else None:
            case Doing.RUNNING:
                self.pause_wanted.emit(True)
            case Doing.PAUSED:
                self.pause_wanted.emit(False)
            case Doing.STOPPED | Doing.MISSING:
                self.go_on_wanted.emit()


def _share(news: JobNews) -> tuple[int, int, bool]:
    """How many photos are done, of how many, and whether these are all."""
    if news.progress is not None:
        return news.progress.finished, news.progress.found, news.progress.walked
    counts = news.facts.counts
    return counts.done + counts.failed, counts.found, True
