"""The window's actions on photos, applied to the selected photos of the *Photos* page."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QGuiApplication, QUndoStack

from core.base.label_sets import label_text
from core.base.text import display_path
from gui.photos.correction_controller import CorrectionController
from gui.photos.gallery import Gallery
from gui.photos.inspector import Inspector
from gui.photos.photo_viewing import PhotoViewing
from gui.session.photos_model import Photo, outcome_text
from gui.session.session import Session


class PhotosBrowser:
    """Acts on the selected photos, or else on the current one."""

    def __init__(
        self,
        session: Session,
        gallery: Gallery,
        inspector: Inspector,
        viewing: PhotoViewing,
        correcting: CorrectionController,
    ) -> None:
        self._session, self._gallery, self._inspector = session, gallery, inspector
        self._viewing, self._correcting = viewing, correcting

    def correct(self) -> None:
        """Let the user correct the selected photos."""
        self._correcting.choose_class(self.selected(), self._viewing.shown or self._inspector)

    def remove_correction(self) -> None:
        """Remove the corrections of the selected photos."""
        self._correcting.remove_corrections(self.selected())

    def label_selected(self, name: str) -> None:
        """Label the selected photos with a class."""
        self._correcting.label(self.selected(), name)

    @property
    def selected_count(self) -> int:
        """The number of selected photos, counting the current one if none is selected."""
        return self._gallery.selected_count() or int(self._gallery.current_row() >= 0)

    def remove_selected(self) -> None:
        """Remove the selected photos from the list and select the one that follows."""
        rows = self._gallery.selected_rows()
        self._session.photo_list.remove(rows)
        left = self._session.photos.rowCount()
        if rows and left:
            self._gallery.select_row(min(rows[0], left - 1))

    def copy_answers(self) -> None:
        """Copy the names, predictions and labels of the selected photos to the clipboard, one line each."""
        photos = self._session.photos.photos_in(self._gallery.selected_rows())
        QGuiApplication.clipboard().setText("\n".join(self._line(photo) for photo in photos))

    def select_all(self) -> None:
        """Select all photos."""
        self._gallery.selectAll()

    def resize_photos(self, step: int) -> None:
        """Show photos larger (1) or smaller (-1)."""
        self._gallery.resize_photos(step)

    @property
    def shows_inspector(self) -> bool:
        """Whether the inspector is visible."""
        return not self._inspector.isHidden()

    def toggle_inspector(self) -> None:
        """Show or hide the inspector."""
        self._inspector.setVisible(self._inspector.isHidden())

    @property
    def undo_stack(self) -> QUndoStack:
        """The removals and corrections."""
        return self._session.photo_list.undo_stack

    @property
    def has_selection(self) -> bool:
        """Whether there is a photo to act on."""
        return self.selected_count > 0

    def selected_paths(self) -> list[Path]:
        """The files of the selected photos, or else of the current one."""
        return [photo.path for photo in self.selected()]

    def classify_selected(self) -> None:
        """Classify the selected photos again."""
        self._session.photo_list.classify_again(self.selected())

    def step(self, by: int) -> None:
        """Select the photo this many rows further."""
        last = self._session.photos.rowCount() - 1
        if last >= 0:
            self._gallery.select_row(min(max(self._gallery.current_row() + by, 0), last))

    def selected(self) -> list[Photo]:
        """The selected photos, or the current one if none is selected."""
        rows = self._gallery.selected_rows() or [row for row in (self._gallery.current_row(),) if row >= 0]
        return self._session.photos.photos_in(rows)

    def _line(self, photo: Photo) -> str:
        label = self._session.photos.correction(photo)
        own = [label_text(label.label)] if label else []
        cells = [display_path(photo.path.name), outcome_text(photo.outcome, None), *own]
        return "\t".join(cells)
