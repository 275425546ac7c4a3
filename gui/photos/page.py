"""The *Photos* page: an empty state that invites to drop photos, then the gallery with the inspector beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QSplitter, QStackedWidget, QWidget

from core.base.i18n import tr
from core.prediction import Prediction
from gui.photos.browser import PhotosBrowser
from gui.photos.empty_state import EmptyState
from gui.photos.export import export_photos
from gui.photos.gallery import Gallery
from gui.photos.inspector import Inspector
from gui.photos.photo_viewing import PhotoViewing
from gui.photos.photos_bar import PhotosBar
from gui.photos.retrain_strip import RetrainStrip
from gui.photos.retraining import Retraining
from gui.photos.selection_panel import MAX_COUNTED
from gui.session.photos_model import Role
from gui.session.session import Session
from gui.tasks.notice import Notice
from gui.widgets import theme
from gui.widgets.layouts import fill, hbox, vbox

if TYPE_CHECKING:
    from gui.photos.changes_window import ChangesWindow

_SUM_MS: Final = 200
"""Time after which several selected photos are summed up again; many are classified one after the other."""


class PhotosPage(QWidget):
    """Shows the session's photos.

    Attributes:
        training_wanted: the user requested to train a new model with these photos, by class, under this dataset name.
        new_model_wanted: the user requested to train a new model, and has labelled no photo for it.
        viewing: the large view of the current photo.
        browser: the window's actions on the selected photos.
    """

    training_wanted = Signal(object, str)
    new_model_wanted = Signal()

    def __init__(self, session: Session, invitations: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session = session
        self.empty = EmptyState(invitations, self)
        self.empty.samples_chosen.connect(session.photo_list.add)
        self._stack = QStackedWidget(self)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self.bar = PhotosBar(session.photos, self)
        self.gallery = Gallery(session.photos, self)
        self._current: Path | None = None
        self._summing_up = QTimer(self, interval=_SUM_MS, singleShot=True)
        self.inspector = Inspector(session, self)
        session.explaining.serve(self.inspector.map)
        session.forgetting.serve(self.inspector.neighbours)
        self.retraining = Retraining(session)
        self.strip = RetrainStrip(self.retraining, self)
        self._changes: ChangesWindow | None = None
        self.viewing = PhotoViewing(session.pictures, session.photos, self.gallery, self.inspector.map, self)
        self.browser = PhotosBrowser(session, self.gallery, self.inspector, self.viewing)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        left = QWidget()
        vbox(self.bar, fill(self.gallery), parent=left, spacing=theme.GRID)
        self._splitter.addWidget(left)
        self._splitter.addWidget(self.inspector)
        self._splitter.setStretchFactor(0, 3)
        self._splitter.setStretchFactor(1, 2)
        self._splitter.setSizes([700, 420])
        self._splitter.setChildrenCollapsible(False)
        self.inspector.setMinimumWidth(340)
        self.gallery.setMinimumWidth(200)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._splitter)
        foot = hbox(self.strip, margins=(theme.GRID // 2, 0, theme.GRID, 0))  # its edges are those of tiles and panels
        vbox(fill(self._stack), foot, parent=self, margins=12, spacing=theme.GRID)

    def _connect(self) -> None:
        session, photos = self._session, self._session.photos
        photos.rowsInserted.connect(self._on_inserted)
        photos.modelReset.connect(self._show_current_view)
        photos.arranged.connect(self._on_arranged)
        photos.outcome_changed.connect(self._on_outcome)
        photos.dataChanged.connect(self._on_data)
        session.progressed.connect(self.show_model)
        session.progressed.connect(self.strip.show_state)
        session.models.changed.connect(self.show_model)
        session.corrections.changed.connect(lambda _: self._show_row(self.gallery.current_row()))
        self.bar.export_wanted.connect(self.export)
        self.bar.removal_wanted.connect(lambda: session.photo_list.remove(range(photos.rowCount())))
        self.retraining.changed.connect(self._on_retraining_changed)
        self.strip.labels_wanted.connect(self._show_pending)
        self.strip.changes_wanted.connect(self.show_changes)
        self.strip.vacated.connect(self.gallery.setFocus)
        self.strip.training_wanted.connect(self._on_training_wanted)
        self._connect_selection()

    def _connect_selection(self) -> None:
        self.gallery.chosen.connect(self._on_chosen)
        self.gallery.selection_changed.connect(self._on_selection)
        self._summing_up.timeout.connect(self._show_selection)
        self.gallery.viewing_asked.connect(self.viewing.open)
        self.inspector.photo.viewing_wanted.connect(self.viewing.open)
        self.gallery.correction_asked.connect(self.browser.correct)
        for part in (self.inspector, self.inspector.selection, self.viewing):
            part.correction_wanted.connect(self.browser.correct)
        self.inspector.selection.removal_wanted.connect(self.browser.remove_selected)
        self.inspector.removal_wanted.connect(self.browser.remove_correction)
        self.inspector.training_wanted.connect(self._on_training_wanted)
        self.viewing.stepped.connect(self.browser.step)

    def _on_training_wanted(self) -> None:
        photos = self.retraining.pending.by_class()
        if photos:
            self.training_wanted.emit(photos, tr("corrected photos"))
        else:
            self.new_model_wanted.emit()

    def _on_retraining_changed(self) -> None:
        self._show_row(self.gallery.current_row())
        if self._changes is not None and self.retraining.summary is None:
            self._changes.close()  # what it shows was undone, or is of another model

    def show_changes(self) -> None:
        """Show the changes of the last retraining."""
        summary = self.retraining.summary
        if summary is None:
            self._session.noticed.emit(Notice(tr("The model has not been retrained since you opened Fovea.")))
            return
        from gui.photos.changes_window import ChangesWindow

        self._changes = self._changes or ChangesWindow(self._session.pictures, self.window())
        self._changes.show_changes(summary, self.retraining.photos_changed())

    def export(self) -> None:
        """Let the user save the predictions of the photos that are shown."""
        export_photos(self._session, self)

    def show_model(self) -> None:
        """Show the model in use and its latency."""
        models, details = self._session.models, self.inspector.details
        if models.opening:
            details.show_unavailable(tr("Opening model…"), models.opening_title)
        elif models.current is None:
            details.show_unavailable(tr("No model open. Choose one above."))
        else:
            details.show_model(models.current, models.in_use, models.speed.latency_text())

    def _show_current_view(self) -> None:
        has_photos = bool(self._session.photos.photos())
        was_in_empty = self.empty.isAncestorOf(QApplication.focusWidget() or self)
        self._stack.setCurrentWidget(self._splitter if has_photos else self.empty)
        if not has_photos:
            self.inspector.show_photo(None, None)
            return
        if was_in_empty:
            self.gallery.setFocus()

    def select_row(self, row: int) -> None:
        """Select this photo, scroll to it and show it from the top in the inspector."""
        self.gallery.select_row(row)
        self.gallery.setFocus()
        self.inspector.verticalScrollBar().setValue(0)

    def _on_chosen(self, row: int) -> None:
        if row >= 0:
            self._current = self._session.photos.photo(row).path
            self._session.engine.prefer(self._current)
        self._show_row(row)

    def _on_inserted(self) -> None:
        self._show_current_view()
        if self.gallery.current_row() < 0:
            self.gallery.select_row(0)

    def _on_arranged(self) -> None:
        """Stay at the photo that was current, if it is still shown."""
        photos = self._session.photos
        row = photos.row_of(self._current) if self._current is not None else None
        if photos.rowCount():
            self.gallery.select_row(row or 0)
            self.inspector.verticalScrollBar().setValue(0)

    def _show_pending(self) -> None:
        self._session.photo_list.show_pending(self.retraining.to_check())

    def _on_data(self, first: QModelIndex, last: QModelIndex, roles: Sequence[int]) -> None:
        row = self.gallery.current_row()
        if {Role.OUTCOME, Role.CORRECTION}.intersection(roles) and self.gallery.selected_count() > 1:
            self._summing_up.start()
        if Role.STALE in roles and first.row() <= row <= last.row():
            self._show_row(row)

    def _on_outcome(self, row: int) -> None:
        if row == self.gallery.current_row():
            self._show_row(row)

    def _show_row(self, row: int) -> None:
        photo = self._session.photos.photo(row) if row >= 0 else None
        correction = self._session.photos.correction(photo) if photo else None
        remark = self.retraining.left_out(photo.path) if photo else ""
        if photo and self._session.photos.is_stale(photo):
            remark = tr("This prediction was made before the model or its options changed.")
        models, prediction = self._session.models, photo.outcome if photo else None
        can_learn = models.current is None or models.current.has_training_data
        title = models.title_of(prediction.model) if isinstance(prediction, Prediction) else ""
        self.inspector.show_photo(photo, correction, remark, model=title, can_learn=can_learn)
        self.viewing.show_photo(photo)

    def _on_selection(self) -> None:
        was_shown = self.inspector.selection.isVisible()
        self._show_selection()
        if not was_shown and self.inspector.selection.isVisible():
            self.inspector.verticalScrollBar().setValue(0)  # what can be done with all of them is at the top

    def _show_selection(self) -> None:
        count = self.gallery.selected_count()
        photos = self.browser.selected() if 1 < count <= MAX_COUNTED else []
        self.inspector.selection.show_photos(photos, count, self._session.photos)
