"""The columns of the results table: those that fit, in the widths that the user gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QHeaderView, QTableView

from gui.folders.rows_model import Column
from gui.widgets.second_window import window_settings

_WIDTHS: Final[Mapping[int, int]] = {
    Column.PHOTO: 208,
    Column.ANSWER: 128,
    Column.CONFIDENCE: 128,
    Column.REVIEW: 144,
    Column.FOLDER: 144,
    Column.TIME: 136,
    Column.OBJECTS: 160,
}
_OTHER_WIDTH: Final = 152
_MIN_WIDTHS: Final[Mapping[int, int]] = {
    Column.PHOTO: 120,
    Column.ANSWER: 96,
    Column.CONFIDENCE: 96,
    Column.REVIEW: 120,
    Column.FOLDER: 96,
    Column.TIME: 128,
    Column.OBJECTS: 120,
}
_MIN_OTHER_WIDTH: Final = 112
"""Preferred and minimum widths of the columns in pixels, and of those of further models; the photo column takes the
remaining space."""
_OPTIONAL: Final = (Column.OBJECTS, Column.FOLDER, Column.TIME)
"""Columns hidden where there is no room for them, the last one first; the inspector shows the same."""
_COMFORT: Final = 64
"""How much wider than at least the other columns are before an optional one is shown, in pixels."""


def preferred_width(column: int) -> int:
    """How wide a column is unless the user has changed it."""
    return _WIDTHS.get(column, _OTHER_WIDTH)


class TableColumns(QObject):
    """Fits the columns of a table to its width. The user's widths are remembered between sessions."""

    def __init__(self, table: QTableView) -> None:
        super().__init__(table)
        self._table, self._is_fitting, self._has_objects = table, False, False
        self._chosen: dict[int, int] = {column: width for column in Column if (width := _remembered(column))}
        self._shown: list[int] = []
        self._header: QHeaderView = table.horizontalHeader()
        self._header.setStretchLastSection(True)
        self._header.setMinimumSectionSize(72)
        self._header.sectionResized.connect(self._on_resized)
        self.fit()

    def show_objects(self, *, on: bool) -> None:
        """Show what is in the photos, if there is room; or not, if nobody looked."""
        self._has_objects = on
        self.fit()

    def fit(self) -> None:
        """Show the columns that fit, as wide as wanted or, if that is too wide, down to their minimum widths."""
        self._is_fitting = True
        room = self._table.viewport().width()
        shown = self._shown = self._that_fit(room)
        wanted = {one: max(self._chosen.get(one, preferred_width(one)), _min_width(one)) for one in shown}
        least, most = sum(map(_min_width, shown)), sum(wanted.values())
        fraction = min(max((room - least) / (most - least), 0.0), 1.0) if most > least else 1.0
        for column in range(self._header.count()):
            self._table.setColumnHidden(column, column not in shown)
        for column, width in wanted.items():
            more = max(room - most, 0) if column == Column.PHOTO and Column.PHOTO not in self._chosen else 0
            least = _min_width(column)
            self._table.setColumnWidth(column, least + int(fraction * (width - least)) + more)
        self._is_fitting = False

    def _that_fit(self, room: int) -> list[int]:
        """The columns for which there is room; those of further models stand beside the prediction."""
        others = range(len(Column), self._header.count())
        for place, column in enumerate(others, start=Column.CONFIDENCE + 1):
            self._header.moveSection(self._header.visualIndex(column), place)
        shown: list[int] = [one for one in Column if one not in _OPTIONAL]
        for column in (*others, *_OPTIONAL):
            if column == Column.OBJECTS and not self._has_objects:
                continue
            comfort = _COMFORT if column in _OPTIONAL else 0
            if sum(map(_min_width, (*shown, column))) + comfort <= room:
                shown.append(column)
        return shown

    def _on_resized(self, column: int, _before: int, width: int) -> None:
        """Remember the width that the user gave a column; the last one takes what is left."""
        is_last = column == max(self._shown, key=self._header.visualIndex, default=column)
        if self._is_fitting or not width or is_last:
            return
        self._chosen[column] = width
        if column < len(Column):
            window_settings().setValue(_key(Column(column)), width)


def _min_width(column: int) -> int:
    return _MIN_WIDTHS.get(column, _MIN_OTHER_WIDTH)


def _key(column: Column) -> str:
    return f"results/{column.name.lower()}-width"


def _remembered(column: Column) -> int:
    """The width that the user gave a column in an earlier session; 0 for none."""
    text = str(window_settings().value(_key(column), ""))
    return int(text) if text.isdecimal() else 0
