"""The widgets of the results page, created one at a time so that the window never stalls."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from PySide6.QtWidgets import QWidget

from gui.folders.filters import FilterPanel
from gui.folders.job_view import JobView
from gui.folders.progress_strip import ProgressStrip
from gui.folders.results_bar import ResultsBar
from gui.folders.row_inspector import RowInspector
from gui.folders.rows_gallery import RowsGallery
from gui.folders.rows_model import RowsModel
from gui.folders.rows_table import RowsTable
from gui.tasks.picture_client import PictureClient
from gui.tasks.task import Tasks

_ORDER: Final = ("rows", "table", "gallery", "filters", "inspector", "bar", "strip")


class ResultsWidgets:
    """Creates each widget on first use, or earlier by `make_next`."""

    def __init__(self, tasks: Tasks, pictures: PictureClient, parent: QWidget) -> None:
        self._tasks, self._pictures, self._parent = tasks, pictures, parent

    def make_next(self) -> bool:
        """Create one missing widget, and return whether there was one."""
        missing = next((name for name in _ORDER if name not in self.__dict__), None)
        if missing is not None:
            getattr(self, missing)
        return missing is not None

    @cached_property
    def rows(self) -> RowsModel:
        """The model of the rows."""
        return RowsModel(JobView("results", self._tasks, self._parent), self._pictures, self._parent)

    @cached_property
    def table(self) -> RowsTable:
        """The table of the rows."""
        return RowsTable(self.rows, self._parent)

    @cached_property
    def gallery(self) -> RowsGallery:
        """The gallery of the rows."""
        return RowsGallery(self.rows, self._parent)

    @cached_property
    def filters(self) -> FilterPanel:
        """The filters."""
        return FilterPanel(self._parent)

    @cached_property
    def inspector(self) -> RowInspector:
        """The inspector of the current row."""
        return RowInspector(self._pictures, self._parent)

    @cached_property
    def bar(self) -> ResultsBar:
        """The bar with the actions."""
        return ResultsBar(self._parent)

    @cached_property
    def strip(self) -> ProgressStrip:
        """The progress of the job."""
        return ProgressStrip(self._parent)
