"""The widgets of the results page, created one at a time so that the window never stalls."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from gui.folders.filters import FilterPanel
from gui.folders.job_view import JobView
from gui.folders.new_class import LearningStrip
from gui.folders.progress_strip import ProgressStrip
from gui.folders.results_bar import ResultsBar
from gui.folders.row_inspector import RowInspector
from gui.folders.rows_gallery import RowsGallery
from gui.folders.rows_model import RowsModel
from gui.folders.rows_table import RowsTable
from gui.tasks.picture_client import PictureClient


class ResultsWidgets:
    """The widgets; all of them exist once `make_next` has returned False.

    Attributes:
        pictures: draws the photos.
        title_of: the title of the model of a name.
        rows: the model of the rows.
        table: the table of the rows.
        gallery: the gallery of the rows.
        filters: the filters.
        inspector: the inspector of the current row.
        bar: the bar with the actions.
        strip: the progress of the job.
        learn: what can become a new class.
    """

    def __init__(self, view: JobView, pictures: PictureClient, title_of: Callable[[str], str], parent: QWidget) -> None:
        self.pictures, self.title_of = pictures, title_of
        self._steps = self._make(view, pictures, parent)

    def make_next(self) -> bool:
        """Create one missing widget, and return whether there was one."""
        return next(self._steps, None) is not None

    def _make(self, view: JobView, pictures: PictureClient, parent: QWidget) -> Iterator[QObject]:
        self.rows = RowsModel(view, pictures, parent)
        yield self.rows
        self.table = RowsTable(self.rows, parent)
        yield self.table
        self.gallery = RowsGallery(self.rows, parent)
        yield self.gallery
        self.filters = FilterPanel(parent)
        yield self.filters
        self.inspector = RowInspector(pictures, self.title_of, parent)
        yield self.inspector
        self.bar = ResultsBar(parent)
        yield self.bar
        self.strip = ProgressStrip(parent)
        yield self.strip
        self.learn = LearningStrip(parent)
        yield self.learn
