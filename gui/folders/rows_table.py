"""Rows as a table. Fixed heights and a delegate that paints from the row keep 100,000 rows fluid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from PySide6.QtCore import QItemSelectionModel, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from core.base.i18n import tr
from core.jobs.values import Order, Row, State, Verdict, View
from gui.folders.row_text import (
    brief_text,
    certainty_text,
    folder_text,
    is_guess,
    name_text,
    objects_text,
    other_text,
    review_text,
    time_text,
)
from gui.folders.rows_model import Column, RowsModel
from gui.folders.table_columns import TableColumns, preferred_width
from gui.widgets import icons, theme
from gui.widgets.indexes import Index
from gui.widgets.painting import RIGHT, paint_bar, paint_photo, paint_text, percent_width
from gui.widgets.theme import Tokens

_HEIGHT: Final = 48
_ORDERS: Final = {
    Column.PHOTO: Order.FOUND,
    Column.ANSWER: Order.LABEL,
    Column.CONFIDENCE: Order.CONFIDENCE,
    Column.FOLDER: Order.FOLDER,
    Column.TIME: Order.TIME,
}
_PAD: Final = 8
_SELECTED: Final = QStyle.StateFlag.State_Selected
_FOCUSED: Final = QStyle.StateFlag.State_HasFocus


class RowsTable(QTableView):
    """Shows a `RowsModel`; clicking a column header sorts by it.

    Attributes:
        sort_wanted: the user clicked a column header; an `Order`.
        correction_asked: the user pressed Enter to correct the selected photos.
        viewing_asked: the user pressed Space or double-clicked to look at the current photo.
    """

    sort_wanted = Signal(object)
    correction_asked = Signal()
    viewing_asked = Signal()

    def __init__(self, model: RowsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("rows")
        self.setAccessibleName(tr("Results as table"))
        self._rows = model
        self.setModel(model)
        self.setItemDelegate(_CellDelegate(model, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self._arrange_headers()
        model.reset_done.connect(self.viewport().update)
        self.doubleClicked.connect(lambda: self.viewing_asked.emit())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier or not self.currentIndex().isValid():
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.correction_asked.emit()
        elif event.key() == Qt.Key.Key_Space:
            self.viewing_asked.emit()
        else:
            super().keyPressEvent(event)

    def _arrange_headers(self) -> None:
        rows, titles = self.verticalHeader(), self.horizontalHeader()
        nothing = QItemSelectionModel(self.model(), self)
        for header in (rows, titles):
            header.setSelectionModel(nothing)  # with the table's, each header asks all rows if they are selected
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # measuring many rows would freeze the window
        rows.setDefaultSectionSize(_HEIGHT)
        titles.setHighlightSections(False)
        titles.setTextElideMode(Qt.TextElideMode.ElideRight)
        titles.setSectionsClickable(True)
        titles.setSortIndicatorShown(True)
        titles.setAccessibleName(tr("Column headers; click one to sort"))
        titles.sectionClicked.connect(self._on_title)
        self._columns = TableColumns(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._columns.fit()

    def show_objects(self, *, on: bool) -> None:
        """Show a column of what is in the photos, or none."""
        self._columns.show_objects(on=on)

    def show_others(self, titles: tuple[str, ...]) -> None:
        """Show a column of the predictions of each further model."""
        self._rows.show_others(titles)
        self._columns.fit()

    def show_order(self, view: View) -> None:
        """Show the sort indicator on the column by which a view is sorted."""
        column = next((column for column, order in _ORDERS.items() if order is view.order), -1)
        direction = Qt.SortOrder.DescendingOrder if view.descending else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicator(column, direction)

    def _on_title(self, column: int) -> None:
        order = next((order for own, order in _ORDERS.items() if own == column), None)
        if order is not None:
            self.sort_wanted.emit(order)


class _CellDelegate(QStyledItemDelegate):
    """Paints a cell directly from its row, which is far faster than through the style and the model's roles."""

    def __init__(self, rows: RowsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows = rows

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(preferred_width(index.column()), _HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        place, column, state = index.row(), index.column(), option.state
        box: QRect = option.rect
        colours = theme.current()
        placed = self._rows.pages.row(place)
        plain = colours.window if placed and placed.is_banded else colours.surface
        painter.fillRect(box, QColor(colours.accent_soft if _SELECTED in state else plain))
        painter.fillRect(QRect(box.left(), box.bottom(), box.width(), 1), QColor(colours.border))
        row = placed.row if placed else None
        inside = box.adjusted(_PAD, 0, -_PAD, 0)
        if row is not None and column < len(Column):
            _PAINTS[column](painter, inside, row, colours)
        elif row is not None:
            _paint_other(painter, inside, row, column - len(Column), colours)
        if column == Column.PHOTO:
            self._paint_photo(painter, inside, row, colours)
        if _FOCUSED in state:
            _paint_ring(painter, box, colours)
        painter.restore()

    def _paint_photo(self, painter: QPainter, box: QRect, row: Row | None, colours: Tokens) -> None:
        if row is None:
            paint_text(painter, box, "…", colours.muted)
            return
        side = box.height() - _PAD
        place = QRect(box.left(), box.top() + _PAD // 2, side, side)
        paint_photo(painter, place, self._rows.picture(row))


def _paint_ring(painter: QPainter, box: QRect, colours: Tokens) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colours.accent), 2))
    painter.drawRoundedRect(QRectF(box).adjusted(1, 1, -1, -2), 4, 4)


def _paint_name(painter: QPainter, box: QRect, row: Row, colours: Tokens) -> None:
    paint_text(painter, box.adjusted(box.height(), 0, 0, 0), name_text(row), colours.text)


def _paint_answer(painter: QPainter, box: QRect, row: Row, colours: Tokens) -> None:
    is_answer = not is_guess(row)
    colour = colours.danger if row.failure else colours.text if is_answer else colours.muted
    paint_text(painter, box, brief_text(row), colour, bold=row.state is State.DONE and is_answer)


def _paint_confidence(painter: QPainter, box: QRect, row: Row, colours: Tokens) -> None:
    if row.certainty is None:
        return
    bar = QRectF(box.left(), box.center().y() - 2, max(8, box.width() - percent_width(painter) - _PAD), 6)
    paint_bar(painter, bar, row.certainty, is_strong=not row.is_unknown)
    paint_text(painter, box, certainty_text(row), colours.text, side=RIGHT)


def _paint_review(painter: QPainter, box: QRect, row: Row, colours: Tokens) -> None:
    if row.review is None:
        return
    if row.review.verdict is Verdict.SKIPPED:
        paint_text(painter, box, review_text(row.review), colours.muted)
        return
    sign = "check" if row.review.verdict is Verdict.ACCEPTED else "pencil"
    icons.paint(painter, sign, QRectF(box.left(), box.center().y() - 7, 16, 16), colours.accent)
    is_other = row.review.verdict is Verdict.CORRECTED
    colour = colours.accent if is_other else colours.text
    paint_text(painter, box.adjusted(24, 0, 0, 0), review_text(row.review), colour, bold=is_other)


def _paint_folder(painter: QPainter, box: QRect, row: Row, colours: Tokens) -> None:
    paint_text(painter, box, folder_text(row), colours.muted, elide=Qt.TextElideMode.ElideLeft)


def _paint_time(painter: QPainter, box: QRect, row: Row, colours: Tokens) -> None:
    paint_text(painter, box, time_text(row), colours.muted)


def _paint_objects(painter: QPainter, box: QRect, row: Row, colours: Tokens) -> None:
    paint_text(painter, box, objects_text(row), colours.text)


def _paint_other(painter: QPainter, box: QRect, row: Row, place: int, colours: Tokens) -> None:
    is_guess = any(one.unknown or one.is_unsure for one in row.others[place : place + 1])
    paint_text(painter, box, other_text(row, place), colours.muted if is_guess else colours.text)


_PAINTS: Final[Mapping[int, Callable[[QPainter, QRect, Row, Tokens], None]]] = {
    Column.PHOTO: _paint_name,
    Column.ANSWER: _paint_answer,
    Column.CONFIDENCE: _paint_confidence,
    Column.REVIEW: _paint_review,
    Column.FOLDER: _paint_folder,
    Column.TIME: _paint_time,
    Column.OBJECTS: _paint_objects,
}
