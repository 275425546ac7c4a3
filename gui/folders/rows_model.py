"""The rows of a view as a Qt model of any length, which loads only the rows in use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Final

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, Signal
from PySide6.QtGui import QPixmap

from core.base.i18n import mark, tr
from core.jobs.values import Review, Row
from core.services.job_values import FetchedRows, RowGroup, SelectedRows, ViewUpdate
from gui.folders.job_view import JobView
from gui.folders.row_cache import RowPages
from gui.folders.row_text import (
    accessible_text,
    brief_text,
    certainty_text,
    folder_text,
    name_text,
    objects_text,
    other_text,
    review_text,
    time_text,
    tooltip_text,
)
from gui.tasks.picture_client import PREVIEW_SIDE, PictureClient
from gui.widgets.indexes import NOWHERE, Index

ROW: Final = Qt.ItemDataRole.UserRole + 1
"""The role of the row itself; None while it is loading."""


class Column(IntEnum):
    """The columns of the table."""

    PHOTO = 0
    ANSWER = 1
    CONFIDENCE = 2
    REVIEW = 3
    FOLDER = 4
    TIME = 5
    OBJECTS = 6


TITLES: Final = (
    mark("Photo"),
    mark("Prediction"),
    mark("Confidence"),
    mark("Your label"),
    mark("Folder"),
    mark("Modified"),
    mark("Objects"),
)
"""Titles of the columns, marked for translation."""
_TEXTS: Final = {
    Column.PHOTO: name_text,
    Column.ANSWER: brief_text,
    Column.CONFIDENCE: certainty_text,
    Column.REVIEW: lambda row: review_text(row.review),
    Column.FOLDER: folder_text,
    Column.TIME: time_text,
    Column.OBJECTS: objects_text,
}


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row and its group, if it is in one."""

    row: Row
    group: RowGroup | None

    @property
    def is_banded(self) -> bool:
        """Whether its group has an odd number, and is painted to stand out from its neighbours."""
        return self.group is not None and self.group.number % 2 == 1


class RowsModel(QAbstractTableModel):
    """The rows of one view, which the batch process computes and keeps up to date.

    Attributes:
        view: the view in the batch process.
        pages: its rows by their places, as far as they are loaded.
        updated: the view was opened or updated, and is shown.
        reset_done: the content of rows may have changed; views must repaint.
        rows_loaded: rows were loaded: the first place and their count.
    """

    updated = Signal(ViewUpdate)
    reset_done = Signal()
    rows_loaded = Signal(int, int)

    def __init__(self, view: JobView, pictures: PictureClient, parent: QObject) -> None:
        super().__init__(parent)
        self.view, self._pictures = view, pictures
        self.pages: RowPages[PlacedRow] = RowPages(view.fetch)
        self._count = 0
        self._others: tuple[str, ...] = ()
        self._is_fresh = True
        view.opened.connect(self._on_opened)
        view.updated.connect(self._on_updated)
        view.fetched.connect(self._on_rows)
        pictures.rendered.connect(self._on_drawn)

    # ---- Qt model

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(Column) + len(self._others)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole:
            return self._title(section) if orientation is Qt.Orientation.Horizontal else section + 1
        if role == Qt.ItemDataRole.TextAlignmentRole and orientation is Qt.Orientation.Horizontal:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= self._count:
            return None
        placed = self.pages.row(index.row())
        if placed is None:
            return "…" if role == Qt.ItemDataRole.DisplayRole and index.column() == Column.PHOTO else None
        return self._part(placed, index.column(), role)

    def _title(self, section: int) -> str:
        return tr(TITLES[section]) if section < len(Column) else self._others[section - len(Column)]

    def _part(self, placed: PlacedRow, column: int, role: int) -> object:
        row = placed.row
        match role:
            case Qt.ItemDataRole.DisplayRole if column >= len(Column):
                return other_text(row, column - len(Column))
            case Qt.ItemDataRole.DisplayRole:
                return _TEXTS[Column(column)](row)
            case Qt.ItemDataRole.DecorationRole if column == Column.PHOTO:
                return self.picture(row)
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip_text(row)
            case Qt.ItemDataRole.AccessibleTextRole:
                return accessible_text(row)
            case role if role == ROW:
                return row
        return None

    # ---- rows

    def row(self, place: int) -> Row | None:
        """The row in this place; None while it is loading."""
        placed = self.pages.row(place)
        return None if placed is None else placed.row

    def picture(self, row: Row) -> QPixmap | None:
        """A row's thumbnail; None while it is being rendered, null if it cannot be."""
        return self._pictures.thumbnail(row.path)

    def show_others(self, titles: tuple[str, ...]) -> None:
        """Have a column for each further model, after those of `Column`."""
        first, before = len(Column), len(self._others)
        if len(titles) > before:
            self.beginInsertColumns(NOWHERE, first + before, first + len(titles) - 1)
            self._others = titles
            self.endInsertColumns()
        elif len(titles) < before:
            self.beginRemoveColumns(NOWHERE, first + len(titles), first + before - 1)
            self._others = titles
            self.endRemoveColumns()
        elif titles != self._others:
            self._others = titles
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, first, first + before - 1)

    # ---- the view

    def selected(self, spans: tuple[tuple[int, int], ...]) -> SelectedRows:
        """Rows of the view, as (first place, count) pairs, as the batch process knows them."""
        return SelectedRows(self.view.version, spans)

    def mark_stale(self) -> None:
        """Reload the rows; show the old ones until then."""
        self.pages.mark_stale()
        self.reset_done.emit()

    def apply_reviews(self, reviews: Iterable[tuple[Row, Review | None]]) -> None:
        """Show the new reviews of rows before the batch process has stored them."""
        by_number = {row.number: review for row, review in reviews}
        for place, placed in self.pages.cached().items():
            if placed.row.number in by_number:
                row = replace(placed.row, review=by_number[placed.row.number])
                self.pages.replace(place, replace(placed, row=row))
        self.reset_done.emit()

    def _on_opened(self) -> None:
        self._is_fresh = True

    def _on_updated(self, updated: ViewUpdate) -> None:
        """Show an updated view; rows that kept their places stay loaded and selected."""
        self.view.version = updated.version
        if self._is_fresh:
            self._is_fresh = False
            self.beginResetModel()
            self.pages.clear()
            self._count = updated.count
            self.endResetModel()
        else:
            self._resize(updated.count)
            if not updated.grew:
                self.mark_stale()
        self.updated.emit(updated)

    def _resize(self, count: int) -> None:
        if count > self._count:
            self.beginInsertRows(NOWHERE, self._count, count - 1)
            self._count = count
            self.endInsertRows()
        elif count < self._count:
            self.beginRemoveRows(NOWHERE, count, self._count - 1)
            self._count = count
            self.endRemoveRows()

    def _on_rows(self, version: int, first: int, fetched: FetchedRows | None) -> None:
        if fetched is None or version != self.view.version:
            return
        groups = fetched.groups or (None,) * len(fetched.rows)
        placed = [PlacedRow(row, group) for row, group in zip(fetched.rows, groups, strict=True)]
        self.pages.put(first, placed)
        self.rows_loaded.emit(first, len(fetched.rows))
        self.reset_done.emit()

    def _on_drawn(self, path: Path, side: int) -> None:
        if side != PREVIEW_SIDE:
            self.reset_done.emit()
