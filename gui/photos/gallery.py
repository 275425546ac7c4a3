"""The gallery: a grid of photos with thumbnail, label and confidence, which stays responsive with 100,000 rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from PySide6.QtCore import (
    QAbstractItemModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPainterPath, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from core.base.i18n import tr
from core.base.text import display_path
from core.datasets.labels import Label
from core.prediction import Failure, Outcome, Prediction
from gui.session.photos_model import PhotosModel, Role
from gui.widgets import icons, theme

Index = QModelIndex | QPersistentModelIndex

SIZES: Final = (136, 184, 248)
"""Minimum widths of a photo in the gallery, in pixels."""

_MODIFIERS: Final = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
)
_TEXT_HEIGHT: Final = 56
_GAP: Final = theme.GRID
_PENCIL: Final = 20
"""Indentation of a label behind the pencil icon, in pixels."""


class PhotoGrid(QListView):
    """A grid of photos for any item model; a delegate paints the items.

    Attributes:
        correction_asked: the user pressed Enter to correct the selected photos.
    """

    correction_asked = Signal()

    def __init__(self, model: QAbstractItemModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setViewMode(QListView.ViewMode.IconMode)
        # A single layout pass over 100,000 rows takes 16 s and blocks the window; batches take 0.4 s.
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(500)
        self.setUniformItemSizes(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setSelectionRectVisible(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self._size = 1
        self._target = QPersistentModelIndex()
        self.verticalScrollBar().rangeChanged.connect(self._seek)
        self._lay_out()

    def current_row(self) -> int:
        """The current row; -1 if there is none."""
        return self.currentIndex().row()

    def selected_rows(self) -> list[int]:
        """The selected rows, in order."""
        return sorted(index.row() for index in self.selectedIndexes())

    def select_row(self, row: int) -> None:
        """Select only this photo and scroll to it, as soon as the layout has reached it."""
        index = self.model().index(row, 0)
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._scroll_to(index)

    def _scroll_to(self, index: QModelIndex) -> None:
        self._target = QPersistentModelIndex(index)
        self._seek()

    def _seek(self) -> None:
        if self._target.isValid() and self.visualRect(self._target).isValid():
            self.scrollTo(self._target)
            self._target = QPersistentModelIndex()

    def resize_photos(self, step: int) -> None:
        """Show photos larger (1) or smaller (-1); the current one stays visible."""
        self._size = min(max(self._size + step, 0), len(SIZES) - 1)
        with self._keeping_current_visible():
            self._lay_out()

    def selectAll(self) -> None:
        """Select all photos as one range; Qt's implementation queries the model once per row."""
        last = self.model().rowCount() - 1
        if last >= 0:
            every = QItemSelection(self.model().index(0, 0), self.model().index(last, 0))
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.selectionModel().select(every, flags)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Repaint the whole viewport: Qt would locate each of 100,000 selected rows, which takes seconds."""
        self.setUpdatesEnabled(False)
        super().selectionChanged(selected, deselected)
        self.setUpdatesEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & _MODIFIERS:
            self.correction_asked.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        with self._keeping_current_visible():
            super().resizeEvent(event)
            self._lay_out()

    @contextmanager
    def _keeping_current_visible(self) -> Iterator[None]:
        current = self.currentIndex()
        is_visible = self._target == current or self.viewport().rect().intersects(self.visualRect(current))
        yield
        if current.isValid() and is_visible:
            self._scroll_to(current)

    def _lay_out(self) -> None:
        """Fit as many photos into a row as possible, widened to fill it."""
        minimum = SIZES[self._size] + _GAP
        # The width of the scroll bar is reserved: its appearance would change the grid, which may hide it again.
        room = self.width() - self.verticalScrollBar().sizeHint().width() - 1
        width = room // max(1, room // minimum)
        grid = QSize(width, (width - _GAP) * 3 // 4 + _TEXT_HEIGHT + _GAP)
        if grid != self.gridSize():
            self.setGridSize(grid)


class Gallery(PhotoGrid):
    """Shows a `PhotosModel`.

    Attributes:
        chosen: the current row changed; -1 if there is none.
    """

    chosen = Signal(int)

    def __init__(self, model: PhotosModel, parent: QWidget) -> None:
        super().__init__(model, parent)
        self.setAccessibleName(tr("Photos"))
        self.setItemDelegate(_PhotoDelegate(self))
        self.setDragEnabled(True)  # after setMovement, which resets it
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        model.modelReset.connect(lambda: self.chosen.emit(self.current_row()))

    def _on_current_changed(self, current: Index, previous: Index) -> None:
        self.chosen.emit(current.row())


class CardDelegate(QStyledItemDelegate):
    """Paints a photo as a card with its thumbnail; subclasses paint the text below it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        parent = self.parent()
        return parent.gridSize() if isinstance(parent, QListView) else QSize()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        half = _GAP // 2
        box: QRect = option.rect.adjusted(half, half, -half, -half)
        state: QStyle.StateFlag = option.state
        _paint_frame(painter, box, state)
        picture = box.adjusted(6, 6, -6, -_TEXT_HEIGHT + 4)
        _paint_picture(painter, picture, index.data(Qt.ItemDataRole.DecorationRole))
        text = QRect(box.left() + 8, picture.bottom() + 4, box.width() - 16, _TEXT_HEIGHT - 12)
        self.paint_text(painter, text, index)
        painter.restore()

    def paint_text(self, painter: QPainter, box: QRect, index: Index) -> None:
        """Paint the text of a photo into this box."""
        raise NotImplementedError


class _PhotoDelegate(CardDelegate):
    """Paints the label, and the confidence as a bar with its number."""

    def paint_text(self, painter: QPainter, box: QRect, index: Index) -> None:
        correction: Label | None = index.data(Role.CORRECTION)
        label = None if correction is None else correction.label
        paint_outcome(painter, box, index.data(Role.OUTCOME), label, display_path(index.data(Role.PATH).name))


def _paint_frame(painter: QPainter, box: QRect, state: QStyle.StateFlag) -> None:
    colours = theme.current()
    selected = bool(state & QStyle.StateFlag.State_Selected)
    focused = bool(state & QStyle.StateFlag.State_HasFocus)
    painter.setBrush(QColor(colours.accent_soft if selected else colours.surface))
    painter.setPen(QPen(QColor(colours.accent if selected or focused else colours.border), 2 if focused else 1))
    painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)


def _paint_picture(painter: QPainter, box: QRect, picture: QPixmap | None) -> None:
    colours = theme.current()
    clip = QPainterPath()
    clip.addRoundedRect(QRectF(box), theme.RADIUS - 3, theme.RADIUS - 3)
    painter.save()
    painter.setClipPath(clip)
    painter.fillRect(box, QColor(colours.track))
    if picture is None or picture.isNull():
        side = 28
        middle = QRectF(box.center().x() - side / 2, box.center().y() - side / 2, side, side)
        icons.paint(painter, "image" if picture is None else "image-off", middle, colours.muted)
    else:
        painter.drawPixmap(QRectF(box), picture, QRectF(_covering(picture.size(), box.size())))
    painter.restore()


def _covering(picture: QSize, box: QSize) -> QRect:
    """The central part of the picture that fills the box without distortion."""
    part = box.scaled(picture, Qt.AspectRatioMode.KeepAspectRatio)
    left, top = (picture.width() - part.width()) // 2, (picture.height() - part.height()) // 2
    return QRect(left, top, part.width(), part.height())


def paint_outcome(painter: QPainter, box: QRect, outcome: Outcome | None, label: str | None, name: str) -> None:
    """Paint two lines: the label or the prediction, and below it the confidence, the prediction or the file name."""
    colours = theme.current()
    match outcome:
        case Prediction() if label is not None:
            _paint_correction(painter, box, outcome, label)
        case Prediction():
            _paint_prediction(painter, box, outcome)
        case Failure():
            _paint_line(painter, box, outcome.message, colours.danger, bold=False)
            _paint_line(painter, box.translated(0, 20), name, colours.muted, bold=False)
        case None:
            _paint_line(painter, box, tr("Waiting"), colours.muted, bold=False)
            _paint_line(painter, box.translated(0, 20), name, colours.muted, bold=False)


def _paint_prediction(painter: QPainter, box: QRect, prediction: Prediction, *, indent: int = 0) -> None:
    colours = theme.current()
    best = prediction.best
    label = tr("Unknown · {label}?", label=best.label) if prediction.unknown else best.label
    first = box.adjusted(indent, 0, 0, 0)
    _paint_line(painter, first, label, colours.muted if prediction.unknown else colours.text, bold=True)
    number = f"{best.probability:.0%}"
    number_width = painter.fontMetrics().horizontalAdvance("100%") + 4
    bar = QRectF(box.left(), box.top() + 27, box.width() - number_width - 4, 6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.track))
    painter.drawRoundedRect(bar, 3, 3)
    painter.setBrush(QColor(colours.muted if prediction.unknown else colours.accent))
    painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(6.0, bar.width() * best.probability), 6), 3, 3)
    painter.setPen(QColor(colours.text))
    right = QRect(box.right() - number_width, box.top() + 20, number_width, 20)
    painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)


def _paint_correction(painter: QPainter, box: QRect, prediction: Prediction, label: str) -> None:
    """Paint the user's label behind a pencil icon, and the prediction below it."""
    colours, best = theme.current(), prediction.best
    icons.paint(painter, "pencil", QRectF(box.left(), box.top() + 3, 14, 14), colours.accent)
    label_text = box.adjusted(_PENCIL, 0, 0, 0)
    if label == best.label and not prediction.unknown:
        _paint_prediction(painter, box, prediction, indent=_PENCIL)
        return
    _paint_line(painter, label_text, label, colours.accent, bold=True)
    unknown, known = tr("Model: unknown · {label}?", label=best.label), tr("Model: {label}", label=best.label)
    text = unknown if prediction.unknown else known
    number = f"{best.probability:.0%}"
    width = painter.fontMetrics().horizontalAdvance("100%") + 4
    _paint_line(painter, box.translated(0, 20).adjusted(0, 0, -width - 4, 0), text, colours.muted, bold=False)
    painter.setPen(QColor(colours.muted))
    right = QRect(box.right() - width, box.top() + 20, width, 20)
    painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)


def _paint_line(painter: QPainter, box: QRect, text: str, colour: str, *, bold: bool) -> None:
    font = QFont(painter.font())
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    painter.save()
    painter.setFont(font)
    painter.setPen(QColor(colour))
    line = QRect(box.left(), box.top(), box.width(), 20)
    elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, line.width())
    painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, elided)
    painter.restore()
