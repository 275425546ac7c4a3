"""What the results of a job are shown with, made a part at a time so that the window never waits for all of them."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from PySide6.QtWidgets import QWidget

from gui.folders.filters import FilterPanel
from gui.folders.progress_strip import ProgressStrip
from gui.folders.results_bar import ResultsBar
from gui.folders.row_inspector import RowInspector
from gui.folders.rows_gallery import RowsGallery
from gui.folders.rows_model import RowsModel
from gui.folders.rows_table import RowsTable
from gui.tasks.jobs_client import BatchClient
from gui.tasks.picture_client import PictureClient

NUMBER: Final = 1
"""Under which the page's rows are looked at."""

_ORDER: Final = ("rows", "table", "gallery", "filters", "inspector", "bar", "strip")


class ResultsWidgets:
    """Each part is made when it is first asked for, or by `make_next` before that."""

    def __init__(self, client: BatchClient, pictures: PictureClient, parent: QWidget) -> None:
        self._client, self._pictures, self._parent = client, pictures, parent

    def make_next(self) -> bool:
        """Make a part that is missing; whether there was one."""
        missing = next((name for name in _ORDER if name not in self.__dict__), None)
        if missing is not None:
            getattr(self, missing)
        return missing is not None

    @cached_property
    def rows(self) -> RowsModel:
        """What is shown."""
        return RowsModel(NUMBER, self._client, self._pictures, self._parent)

    @cached_property
    def table(self) -> RowsTable:
        """It as a table."""
        return RowsTable(self.rows, self._parent)

    @cached_property
    def gallery(self) -> RowsGallery:
        """It as a gallery."""
        return RowsGallery(self.rows, self._parent)

    @cached_property
    def filters(self) -> FilterPanel:
        """What is chosen of it."""
        return FilterPanel(self._parent)

    @cached_property
    def inspector(self) -> RowInspector:
        """The row looked at, large."""
        return RowInspector(self._pictures, self._parent)

    @cached_property
    def bar(self) -> ResultsBar:
        """What can be done with it."""
        return ResultsBar(self._parent)

    @cached_property
    def strip(self) -> ProgressStrip:
        """How far the job is."""
        return ProgressStrip(self._parent)
