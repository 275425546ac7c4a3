"""The large view of the current row of a job's results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.jobs.values import Row, State
from gui.folders.row_selection import RowSelection
from gui.folders.row_text import percent_text, prediction_text, review_text
from gui.folders.rows_model import RowsModel
from gui.tasks.picture_client import PictureClient
from gui.widgets.lazy import Lazy
from gui.widgets.photo_map import PhotoMap

if TYPE_CHECKING:
    from gui.widgets.photo_viewer import PhotoViewer


class RowViewing(QObject):
    """Shows the current row large, and steps and corrects there.

    Attributes:
        viewer: the viewer, created on first use.
    """

    def __init__(
        self, pictures: PictureClient, rows: RowsModel, selection: RowSelection, over: PhotoMap, page: QWidget
    ) -> None:
        """`over` is the map that is shown over the photo."""
        super().__init__(page)
        self._pictures, self._rows, self._selection, self._page = pictures, rows, selection, page
        self._map = over
        self.viewer = Lazy(self._make)

    def open(self) -> None:
        """Show the current row alone and large."""
        row = self._selection.current
        if row is not None:
            self._selection.select(self._selection.place, alone=True)  # so that a correction concerns what is seen
            self.viewer.get().open()
            self.show_row(row)

    def show_row(self, row: Row | None) -> None:
        """Show this row if the viewer is open; None closes it."""
        viewer = self.viewer.made
        if viewer is None or not viewer.isVisible():
            return
        if row is None:
            viewer.close()
            return
        position = tr("{row:,} of {count:,}", row=self._selection.place + 1, count=self._rows.rowCount())
        viewer.show_photo(row.path, _title(row), position, can_correct=row.state is State.DONE)

    def _make(self) -> PhotoViewer:
        from gui.widgets.photo_viewer import PhotoViewer

        result = PhotoViewer(self._pictures, self._page)
        result.cover_with(self._map)
        result.stepped.connect(self._selection.step)
        result.correction_wanted.connect(self._selection.ask_for_class)
        return result


def _title(row: Row) -> str:
    prediction = " ".join(one for one in (prediction_text(row), percent_text(row)) if one)
    label = review_text(row.review)
    return tr("You: {label} · Model: {prediction}", label=label, prediction=prediction) if label else prediction
