"""The *Photos* page: an empty state that invites to drop photos, then the gallery with the inspector beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QApplication, QSplitter, QStackedWidget, QWidget

from core.base.i18n import tr
from core.base.text import display_path
from core.prediction import Prediction
from gui.photos.correction_controller import CorrectionController
from gui.photos.empty_state import EmptyState
from gui.photos.export import export_photos
from gui.photos.gallery import Gallery
from gui.photos.inspector import Inspector
from gui.photos.photos_bar import PhotosBar
from gui.photos.retrain_strip import RetrainStrip
from gui.photos.retraining import Phase, Retraining
from gui.photos.selection_panel import MAX_COUNTED
from gui.session.photos_model import Photo, outcome_text
from gui.session.session import Session
from gui.tasks.notice import Notice
from gui.widgets import theme
from gui.widgets.layouts import fill, hbox, vbox
from gui.widgets.lazy import Lazy

if TYPE_CHECKING:
    from pathlib import Path

    from core.datasets.labels import Label
    from gui.photos.changes_window import ChangesWindow
    from gui.widgets.photo_viewer import PhotoViewer


class PhotosPage(QWidget):
    """Shows the session's photos.

    Attributes:
        training_wanted: the user requested to train a new model with these photos, by class, under this dataset name.
        new_model_wanted: the user requested to train a new model, and has labelled no photo for it.
        viewer: the large view of the current photo, created on first use.
    """

    training_wanted = Signal(object, str)
    new_model_wanted = Signal()

    def __init__(self, session: Session, invitations: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session = session
        self.empty = EmptyState(invitations, self)
        self.empty.samples_chosen.connect(session.add)
        self._stack = QStackedWidget(self)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self.bar = PhotosBar(session.photos, self)
        self.gallery = Gallery(session.photos, self)
        self._current: Path | None = None
        self.inspector = Inspector(session.pictures, self)
        self.correcting = CorrectionController(session.models, session.corrections, session.undo_stack, self)
        self.retraining = Retraining(session)
        self.strip = RetrainStrip(self.retraining, self)
        self._changes: ChangesWindow | None = None
        self.viewer = Lazy(self._make_viewer)
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
        self._connect()

    def _connect(self) -> None:
        photos = self._session.photos
        self.correcting.noticed.connect(self._session.noticed)
        self.gallery.chosen.connect(self._on_chosen)
        self.gallery.selection_changed.connect(self._show_selection)
        self.inspector.selection.correction_wanted.connect(self.correct)
        self.inspector.selection.removal_wanted.connect(self.remove_selected)
        photos.rowsInserted.connect(self._on_inserted)
        photos.modelReset.connect(self._show_current_view)
        photos.arranged.connect(self._on_arranged)
        self.strip.labels_wanted.connect(self._show_pending)
        self.bar.export_wanted.connect(self.export)
        self._session.photos.outcome_changed.connect(self._on_outcome)
        self._session.progressed.connect(self.show_model)
        self._session.models.changed.connect(self.show_model)
        self._session.corrections.changed.connect(lambda _: self._show_row(self.gallery.current_row()))
        self._session.progressed.connect(self.strip.show_state)
        self.gallery.correction_asked.connect(self.correct)
        self.gallery.viewing_asked.connect(self.view_photo)
        self.inspector.correction_wanted.connect(self.correct)
        self.inspector.removal_wanted.connect(self.remove_correction)
        self.inspector.viewing_wanted.connect(self.view_photo)
        self.inspector.training_wanted.connect(self._on_training_wanted)
        self.retraining.changed.connect(lambda: self._show_row(self.gallery.current_row()))
        self.strip.changes_wanted.connect(self.show_changes)
        self.strip.training_wanted.connect(self._on_training_wanted)

    def _on_training_wanted(self) -> None:
        photos = self.retraining.by_class()
        if photos:
            self.training_wanted.emit(photos, tr("corrected photos"))
        else:
            self.new_model_wanted.emit()

    def correct(self) -> None:
        """Let the user correct the selected photos."""
        viewer = self.viewer.made
        seen = viewer.canvas if viewer is not None and viewer.isVisible() else self.inspector
        self.correcting.choose_class(self._selected(), seen)

    def remove_correction(self) -> None:
        """Remove the corrections of the selected photos."""
        self.correcting.remove_corrections(self._selected())

    def view_photo(self) -> None:
        """Show the current photo alone and large."""
        row = self.gallery.current_row()
        if row >= 0:
            self.gallery.select_row(row)  # so that a correction concerns what is seen
            self.viewer.get().open()
            self._show_row(row)

    def _make_viewer(self) -> PhotoViewer:
        from gui.widgets.photo_viewer import PhotoViewer

        result = PhotoViewer(self._session.pictures, self)
        result.stepped.connect(self.step)
        result.correction_wanted.connect(self.correct)
        return result

    def retrain(self) -> None:
        """Retrain the model in use with the pending corrections, or report why that is not possible."""
        if self.retraining.can_start:
            self.retraining.start()
        elif not self.retraining.pending():
            text = tr("No corrections to learn. Select photos and press F2 to correct them.")
            self._session.noticed.emit(Notice(text))
        elif self.retraining.phase is not Phase.RUNNING:
            self._session.noticed.emit(Notice(f"{self.strip.words.text()} {self.strip.details.text()}"))

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

    def remove_selected(self) -> None:
        """Remove the selected photos from the list and select the one that follows."""
        rows = self.gallery.selected_rows()
        self._session.remove(rows)
        left = self._session.photos.rowCount()
        if rows and left:
            self.gallery.select_row(min(rows[0], left - 1))

    def copy_answers(self) -> None:
        """Copy the names, predictions and labels of the selected photos to the clipboard, one line each."""
        photos = [self._session.photos.photo(row) for row in self.gallery.selected_rows()]
        QGuiApplication.clipboard().setText("\n".join(self._line(photo) for photo in photos))

    def select_all(self) -> None:
        """Select all photos."""
        self.gallery.selectAll()

    def resize_photos(self, step: int) -> None:
        """Show photos larger (1) or smaller (-1)."""
        self.gallery.resize_photos(step)

    @property
    def shows_inspector(self) -> bool:
        """Whether the inspector is visible."""
        return not self.inspector.isHidden()

    def toggle_inspector(self) -> None:
        """Show or hide the inspector."""
        self.inspector.setVisible(self.inspector.isHidden())

    def undo(self) -> None:
        """Undo the last removal or correction."""
        self._session.undo_stack.undo()

    @property
    def has_selection(self) -> bool:
        """Whether there is a photo to act on."""
        return self.selected_count > 0

    @property
    def selected_count(self) -> int:
        """The number of selected photos, counting the current one if none is selected."""
        return self.gallery.selected_count() or int(self.gallery.current_row() >= 0)

    def label_selected(self, name: str) -> None:
        """Label the selected photos with a class."""
        self.correcting.label(self._selected(), name)

    def selected_paths(self) -> list[Path]:
        """The files of the selected photos, or else of the current one."""
        return [photo.path for photo in self._selected()]

    def classify_selected(self) -> None:
        """Classify the selected photos again."""
        self._session.classify_again(self._selected())

    def step(self, by: int) -> None:
        """Select the photo this many rows further."""
        last = self._session.photos.rowCount() - 1
        if last >= 0:
            self.gallery.select_row(min(max(self.gallery.current_row() + by, 0), last))

    def show_model(self) -> None:
        """Show the model in use and its latency."""
        models, statistics = self._session.models, self.inspector.statistics
        if models.opening:
            statistics.show_unavailable(tr("Loading…"))
        elif models.current is None:
            statistics.show_unavailable(tr("No model open. Choose one above."))
        else:
            statistics.show_model(models.current, models.in_use, models.speed.latency_text())

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
        """Select this photo, scroll to it and show it in the inspector."""
        self.gallery.select_row(row)
        self.gallery.setFocus()

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

    def _show_pending(self) -> None:
        self._session.show_pending(frozenset(one.path for one in self.retraining.pending()))

    def _on_outcome(self, row: int) -> None:
        if row == self.gallery.current_row():
            self._show_row(row)

    def _show_row(self, row: int) -> None:
        photo = self._session.photos.photo(row) if row >= 0 else None
        correction = self._session.photos.correction(photo) if photo else None
        left_out = self.retraining.left_out(photo.path) if photo else ""
        model = self._session.models.current
        can_learn = model is None or model.has_training_data
        self.inspector.show_photo(photo, correction, left_out, can_learn=can_learn)
        if self.viewer.made is not None and self.viewer.made.isVisible():
            self._show_viewed(self.viewer.made, photo, correction)

    def _show_viewed(self, viewer: PhotoViewer, photo: Photo | None, correction: Label | None) -> None:
        if photo is None:  # of a list that is changing, another photo becomes current at once
            viewer.setVisible(self._session.photos.rowCount() > 0)
            return
        row, count = self.gallery.current_row() + 1, self._session.photos.rowCount()
        position = tr("{row:,} of {count:,}", row=row, count=count)
        title = outcome_text(photo.outcome, correction)
        viewer.show_photo(photo.path, title, position, can_correct=isinstance(photo.outcome, Prediction))

    def _show_selection(self) -> None:
        count = self.gallery.selected_count()
        photos = self._selected() if 1 < count <= MAX_COUNTED else []
        self.inspector.selection.show_photos(photos, count, self._session.photos)

    def _selected(self) -> list[Photo]:
        """The selected photos, or the current one if none is selected."""
        rows = self.gallery.selected_rows() or [row for row in (self.gallery.current_row(),) if row >= 0]
        return [self._session.photos.photo(row) for row in rows]

    def _line(self, photo: Photo) -> str:
        label = self._session.photos.correction(photo)
        cells = [display_path(photo.path.name), outcome_text(photo.outcome, None), *([label.label] if label else [])]
        return "\t".join(cells)
