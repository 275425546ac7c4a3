"""Rows as a table: fixed heights, and a delegate that paints a cell from its row alone, so that 100,000 stay fluid."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from core.batch.values import Order, Row, State, Verdict
from gui import icons, theme
from gui.folders.row_text import brief_text, folder_text, name_text, percent_text, review_text, time_text
from gui.folders.rows_model import BAND, ROW, Column, RowsModel

Index = QModelIndex | QPersistentModelIndex

_HEIGHT: Final = 48
_WIDTHS: Final = {
    Column.PHOTO: 208,
    Column.ANSWER: 128,
    Column.CONFIDENCE: 128,
    Column.REVIEW: 112,
    Column.FOLDER: 144,
    Column.TIME: 136,
}
_LEAST: Final = {
    Column.PHOTO: 176,
    Column.ANSWER: 104,
    Column.CONFIDENCE: 104,
    Column.REVIEW: 80,
    Column.FOLDER: 76,
    Column.TIME: 124,
}
"""Columns as wide as they should be, and as they are where there is little room; the photo's takes what is left."""
_ORDERS: Final = {
    Column.PHOTO: Order.FOUND,
    Column.ANSWER: Order.LABEL,
    Column.CONFIDENCE: Order.CONFIDENCE,
    Column.FOLDER: Order.FOLDER,
    Column.TIME: Order.TIME,
}
_PAD: Final = 8


class RowsTable(QTableView):
    """Shows a `RowsModel`; a click on a title sorts by it.

    Attributes:
        looked: the row the person looks at changed.
        sort_wanted: the person wants this order.
    """

    looked = Signal()
    sort_wanted = Signal(object)

    def __init__(self, model: RowsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("rows")
        self.setAccessibleName("Results, as a table")
        self.setModel(model)
        self.setItemDelegate(_CellDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self._is_fitting = False
        self._keeps_widths = False
        self._arrange_headers()
        model.renewed.connect(self.viewport().update)
        self.selectionModel().currentRowChanged.connect(self.looked)

    def _arrange_headers(self) -> None:
        rows, titles = self.verticalHeader(), self.horizontalHeader()
        nothing = QItemSelectionModel(self.model(), self)
        for header in (rows, titles):
            header.setSelectionModel(nothing)  # or each title would ask all rows whether they are marked, for seconds
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # whatever measures rows freezes with many of them
        rows.setDefaultSectionSize(_HEIGHT)
        titles.setHighlightSections(False)
        titles.setSectionsClickable(True)
        titles.setSortIndicatorShown(True)
        titles.setStretchLastSection(True)
        titles.setMinimumSectionSize(72)
        titles.setAccessibleName("Titles; click one to sort by it")
        titles.sectionClicked.connect(self._on_title)
        self._fit()
        titles.sectionResized.connect(self._on_title_resized)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show all columns where there is room for them; whoever drew one wider or narrower keeps their widths."""
        if self._keeps_widths:
            return
        room, wished, least = self.viewport().width(), sum(_WIDTHS.values()), sum(_LEAST.values())
        share = min(max((room - least) / (wished - least), 0.0), 1.0)
        self._is_fitting = True
        for column, width in _WIDTHS.items():
            more = max(room - wished, 0) if column is Column.PHOTO else 0
            self.setColumnWidth(column, _LEAST[column] + int(share * (width - _LEAST[column])) + more)
        self._is_fitting = False

    def _on_title_resized(self, column: int) -> None:
        self._keeps_widths |= not self._is_fitting and column != Column.TIME

    def show_order(self, order: Order, *, descending: bool) -> None:
        """Mark the title by which rows are ordered."""
        column = next((column for column, known in _ORDERS.items() if known is order), -1)
        way = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicator(column, way)

    def _on_title(self, column: int) -> None:
        order = _ORDERS.get(Column(column))
        if order is not None:
            self.sort_wanted.emit(order)


class _CellDelegate(QStyledItemDelegate):
    """Paints a cell; asking the style for each part of it takes four times as long."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(_WIDTHS[Column(index.column())], _HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box: QRect = option.rect
        colours = theme.current()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        plain = colours.window if index.data(BAND) else colours.surface
        painter.fillRect(box, QColor(colours.accent_soft if selected else plain))
        painter.fillRect(QRect(box.left(), box.bottom(), box.width(), 1), QColor(colours.border))
        row = index.data(ROW)
        column = Column(index.column())
        if row is not None:
            picture = index.data(Qt.ItemDataRole.DecorationRole) if column is Column.PHOTO else None
            _paint_cell(painter, box.adjusted(_PAD, 0, -_PAD, 0), column, row, picture)
        elif column is Column.PHOTO:
            _paint_text(painter, box.adjusted(_PAD, 0, -_PAD, 0), "…", colours.muted)
        if option.state & QStyle.StateFlag.State_HasFocus:
            _paint_ring(painter, box)
        painter.restore()


def _paint_ring(painter: QPainter, box: QRect) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme.current().accent), 2))
    painter.drawRoundedRect(QRectF(box).adjusted(1, 1, -1, -2), 4, 4)


def _paint_cell(painter: QPainter, box: QRect, column: Column, row: Row, picture: QPixmap | None) -> None:
    colours = theme.current()
    match column:
        case Column.PHOTO:
            side = box.height() - _PAD
            _paint_thumbnail(painter, QRect(box.left(), box.top() + _PAD // 2, side, side), picture)
            _paint_text(painter, box.adjusted(side + _PAD, 0, 0, 0), name_text(row), colours.text)
        case Column.ANSWER:
            colour = colours.danger if row.failure else colours.muted if row.unknown else colours.text
            _paint_text(painter, box, brief_text(row), colour, bold=row.state is State.DONE and not row.unknown)
        case Column.CONFIDENCE:
            _paint_confidence(painter, box, row)
        case Column.REVIEW:
            _paint_review(painter, box, row)
        case Column.FOLDER:
            _paint_text(painter, box, folder_text(row), colours.muted, elide=Qt.TextElideMode.ElideLeft)
        case Column.TIME:
            _paint_text(painter, box, time_text(row), colours.muted)


def _paint_thumbnail(painter: QPainter, box: QRect, picture: QPixmap | None) -> None:
    colours = theme.current()
    if picture is None or picture.isNull():
        painter.fillRect(box, QColor(colours.track))
        middle = QRectF(0, 0, 20, 20)
        middle.moveCenter(QRectF(box).center())
        icons.paint(painter, "image" if picture is None else "image-off", middle, colours.muted)
        return
    side = min(picture.width(), picture.height())
    part = QRectF((picture.width() - side) / 2, (picture.height() - side) / 2, side, side)
    painter.drawPixmap(QRectF(box), picture, part)


def _paint_confidence(painter: QPainter, box: QRect, row: Row) -> None:
    if row.confidence is None:
        return
    colours = theme.current()
    number_width = painter.fontMetrics().horizontalAdvance("100%") + 4
    bar = QRectF(box.left(), box.center().y() - 2, max(8, box.width() - number_width - _PAD), 6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.track))
    painter.drawRoundedRect(bar, 3, 3)
    painter.setBrush(QColor(colours.muted if row.unknown else colours.accent))
    painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(6.0, bar.width() * row.confidence), 6), 3, 3)
    _paint_text(painter, box, percent_text(row), colours.text, side=Qt.AlignmentFlag.AlignRight)


def _paint_review(painter: QPainter, box: QRect, row: Row) -> None:
    if row.review is None:
        return
    colours = theme.current()
    if row.review.verdict is Verdict.SKIPPED:
        _paint_text(painter, box, review_text(row.review), colours.muted)
        return
    sign = "check" if row.review.verdict is Verdict.ACCEPTED else "pencil"
    place = QRectF(box.left(), box.center().y() - 7, 16, 16)
    icons.paint(painter, sign, place, colours.accent)
    is_other = row.review.verdict is Verdict.CORRECTED
    _paint_text(
        painter,
        box.adjusted(24, 0, 0, 0),
        review_text(row.review),
        colours.accent if is_other else colours.text,
        bold=is_other,
    )


def _paint_text(
    painter: QPainter,
    box: QRect,
    text: str,
    colour: str,
    *,
    bold: bool = False,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    font = QFont(painter.font())
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    told = painter.fontMetrics().elidedText(text, elide, box.width())
    painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, told)
