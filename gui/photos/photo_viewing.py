"""The large view of the current photo of the *Photos* page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.prediction import Prediction
from gui.photos.gallery import Gallery
from gui.session.photo_order import Photo
from gui.session.photo_text import outcome_text
from gui.session.photos_model import PhotosModel
from gui.tasks.picture_client import PictureClient
from gui.widgets.lazy import Lazy
from gui.widgets.photo_map import PhotoMap

if TYPE_CHECKING:
    from gui.widgets.photo_viewer import PhotoViewer


class PhotoViewing(QObject):
    """Shows the current photo large.

    Attributes:
        stepped: the user wants to see the photo this many rows further.
        correction_wanted: the user wants to correct the photo.
        viewer: the viewer, created on first use.
    """

    stepped = Signal(int)
    correction_wanted = Signal()

    def __init__(
        self, pictures: PictureClient, photos: PhotosModel, gallery: Gallery, over: PhotoMap, page: QWidget
    ) -> None:
        """`over` is the map that is shown over the photo."""
        super().__init__(page)
        self._pictures, self._photos, self._gallery, self._page = pictures, photos, gallery, page
        self._map = over
        self.viewer = Lazy(self._make)

    @property
    def shown(self) -> QWidget | None:
        """The large photo while the viewer is open."""
        viewer = self.viewer.made
        return viewer.canvas if viewer is not None and viewer.isVisible() else None

    def open(self) -> None:
        """Show the current photo alone and large."""
        row = self._gallery.current_row()
        if row >= 0:
            self._gallery.select_row(row)  # so that a correction concerns what is seen
            self.viewer.get().open()
            self.show_photo(self._photos.photo(row))

    def show_photo(self, photo: Photo | None) -> None:
        """Show this photo, which is the current one, if the viewer is open."""
        viewer = self.viewer.made
        if viewer is None or not viewer.isVisible():
            return
        if photo is None:  # of a list that is changing, another photo becomes current at once
            viewer.setVisible(self._photos.rowCount() > 0)
            return
        row, count = self._gallery.current_row() + 1, self._photos.rowCount()
        position = tr("{row:,} of {count:,}", row=row, count=count)
        title = outcome_text(photo.outcome, self._photos.correction(photo))
        viewer.show_photo(photo.path, title, position, can_correct=isinstance(photo.outcome, Prediction))

    def _make(self) -> PhotoViewer:
        from gui.widgets.photo_viewer import PhotoViewer

        result = PhotoViewer(self._pictures, self._page)
        result.cover_with(self._map)
        result.stepped.connect(self.stepped)
        result.correction_wanted.connect(self.correction_wanted)
        return result
