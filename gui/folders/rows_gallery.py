"""Rows as a grid of photos: the same model as the table, painted as on the *Photos* page."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.jobs.values import Row
from gui.folders.row_text import name_text
from gui.folders.rows_model import ROW, Column, RowsModel
from gui.photos.gallery import CardDelegate, PhotoGrid, paint_outcome

Index = QModelIndex | QPersistentModelIndex


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
    """Paints the prediction and the user's label."""

    def paint_text(self, painter: QPainter, box: QRect, index: Index) -> None:
        row: Row | None = index.data(ROW)
        if row is not None:
            label = row.review.label if row.review else None
            paint_outcome(painter, box, row.outcome, label, name_text(row))
