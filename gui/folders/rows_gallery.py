"""Rows as a grid of photos: the same model as the table, painted as on the *Photos* page."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.jobs.values import Row
from core.prediction import Outcome
from gui.folders.row_text import name_text
from gui.folders.rows_model import ROW, Column, RowsModel
from gui.photos.gallery import CardDelegate, PhotoGrid
from gui.widgets.indexes import Index


class RowsGallery(PhotoGrid):
    """Shows a `RowsModel`."""

    def __init__(self, model: RowsModel, parent: QWidget) -> None:
        super().__init__(model, parent)
        self.setAccessibleName(tr("Results as gallery"))
        self.setModelColumn(Column.PHOTO)
        self.setSelectionBehavior(PhotoGrid.SelectionBehavior.SelectRows)
        self.setItemDelegate(_RowDelegate(self))
        model.reset_done.connect(self.viewport().update)


class _RowDelegate(CardDelegate):
    def content(self, index: Index) -> tuple[Outcome | None, str | None, str] | None:
        row: Row | None = index.data(ROW)
        if row is None:
            return None
        return row.outcome, row.review.label if row.review else None, name_text(row)
