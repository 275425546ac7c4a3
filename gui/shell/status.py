"""The status bar: how many photos, what runs, how fast."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QPushButton, QStatusBar, QWidget

from core.base.providers import TITLES
from gui.session.session import Session


class StatusBar(QStatusBar):
    """Shows the session's counts, model, provider and speed, and how far a training and the jobs on folders are.

    Attributes:
        training_wanted: the person wants to see the training.
        folders_wanted: they want to see the jobs.
    """

    training_wanted = Signal()
    folders_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._session, self._summary = session, ""
        self._counts, self._model, self._speed = QLabel(), QLabel(), QLabel()
        self._stop = QPushButton("Stop")
        self._stop.setProperty("kind", "link")
        self._stop.setToolTip("Call off the photos that still wait (Ctrl+.)")
        self._stop.clicked.connect(session.stop)
        self._training = _link("Training under way", "Show the training", self.training_wanted)
        self._folders = _link("Folders being classified", "Show the folders (Ctrl+2)", self.folders_wanted)
        for widget in (self._counts, self._stop, self._training, self._folders):
            self.addWidget(widget)
        self._training.hide()
        self._folders.hide()
        self.addPermanentWidget(self._speed)
        self.addPermanentWidget(self._model)
        session.progressed.connect(self.show_progress)
        session.models_changed.connect(self.show_progress)
        self.show_progress()

    def show_summary(self, text: str) -> None:
        """Show this instead of how many photos are in the list; an empty text shows these again."""
        self._summary = text
        self.show_progress()

    def show_training(self, text: str) -> None:
        """Show how far a training is; an empty text means that none is under way."""
        self._training.setText(text)
        self._training.setVisible(bool(text))

    def show_folders(self, text: str) -> None:
        """Show how far jobs on folders are; an empty text means that none is under way."""
        self._folders.setText(text)
        self._folders.setVisible(bool(text))

    def show_progress(self) -> None:
        """Show how things stand now."""
        session = self._session
        waiting = session.engine.waiting_count
        counts = _counts(session.photos.rowCount(), session.photos.failed_count, waiting)
        self._counts.setText(self._summary or counts)
        self._stop.setVisible(waiting > 0)
        self._model.setText(_model(session))
        speed = session.images_per_second()
        self._speed.setText(f"{speed:.1f} images/s" if speed else "")


def _link(name: str, title: str, signal: object) -> QPushButton:
    button = QPushButton()
    button.setProperty("kind", "link")
    button.setToolTip(title)
    button.setAccessibleName(name)
    button.clicked.connect(signal)
    return button


def _counts(photos: int, failed: int, waiting: int) -> str:
    parts = ["1 photo" if photos == 1 else f"{photos:,} photos"]
    if failed:
        parts.append(f"{failed:,} not readable")
    if waiting:
        parts.append(f"{waiting:,} waiting")
    return " · ".join(parts)


def _model(session: Session) -> str:
    if session.opening:
        return f"Opening {session.opening} …"
    if session.opened is None:
        return "No model is open"
    return f"{session.opened.name} on {TITLES[session.opened.provider]}"
