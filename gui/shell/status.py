"""The status bar: photo counts, background work, and speed."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QStatusBar, QWidget

from core.base.i18n import tr, tr_n
from gui.session.photo_view import Kind
from gui.session.session import Session
from gui.widgets.basic import link
from gui.widgets.counts import photo_count, unreadable_count, waiting_count
from gui.widgets.notice_list import NoticesButton
from gui.widgets.notices import Notices


class StatusBar(QStatusBar):
    """Shows the session's counts and speed, and the progress of a training and of folder jobs.

    Attributes:
        training_wanted: the user requested to see the training.
        folders_wanted: the user requested to see the jobs.
    """

    training_wanted = Signal()
    folders_wanted = Signal()

    def __init__(self, session: Session, notices: Notices, parent: QWidget) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._summary: str | None
        self._session, self._summary = session, None
        self._counts, self._speed = QLabel(), QLabel()
        self._stop = link(
            tr("Stop"), session.engine.forget_all, hint=tr("Stop classifying the waiting photos (Ctrl+.)")
        )
        self._training = link("", self.training_wanted.emit, hint=tr("Show training"), name=tr("Training in progress"))
        self._folders = link(
            "", self.folders_wanted.emit, hint=tr("Show folders (Ctrl+2)"), name=tr("Folders being classified")
        )
        self._unreadable = link("", self._show_unreadable, hint=tr("Show the photos that couldn't be read, and why"))
        for widget in (self._counts, self._stop, self._unreadable, self._training, self._folders):
            self.addWidget(widget)
        self._training.hide()
        self._folders.hide()
        self.addPermanentWidget(self._speed)
        self.bell = NoticesButton(notices)
        self.addPermanentWidget(self.bell)
        session.progressed.connect(self.show_progress)
        session.models.changed.connect(self.show_progress)
        self.show_progress()

    def show_summary(self, text: str | None) -> None:
        """Show this text instead of the photo counts; None shows the counts again."""
        self._summary = text
        self.show_progress()

    def show_training(self, text: str) -> None:
        """Show the progress of a training; an empty text hides it."""
        self._training.setText(text)
        self._training.setVisible(bool(text))

    def show_folders(self, text: str) -> None:
        """Show the progress of folder jobs; an empty text hides it."""
        self._folders.setText(text)
        self._folders.setVisible(bool(text))

    def show_progress(self) -> None:
        """Update all parts of the status bar."""
        session = self._session
        waiting = session.engine.waiting_count
        failed = session.photos.failed_count
        self._unreadable.setText(unreadable_count(failed))
        self._unreadable.setVisible(failed > 0 and self._summary is None)
        counts = _counts(len(session.photos.photos()), waiting)
        self._counts.setText(counts if self._summary is None else self._summary)
        self._stop.setVisible(waiting > 0)
        self._stop.setText(tr("Stop") if self._summary is None else _stop_text(waiting))
        speed = session.models.speed.images_per_second()
        self._speed.setText(tr("{speed:.1f} photos/s", speed=speed) if speed else "")

    def _show_unreadable(self) -> None:
        self._session.photos.arrange(replace(self._session.photos.view, kind=Kind.UNREADABLE))


def _stop_text(waiting: int) -> str:
    """What is stopped, where nothing else says so."""
    return tr_n("Stop classifying {count:,} photo", "Stop classifying {count:,} photos", waiting)


def _counts(photos: int, waiting: int) -> str:
    return " · ".join((photo_count(photos), *((waiting_count(waiting),) if waiting else ())))
