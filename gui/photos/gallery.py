"""The gallery: a grid of photos with thumbnail, label and confidence, which stays responsive with 100,000 rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from PySide6.QtCore import (
    QAbstractItemModel,
    QItemSelection,
    QItemSelectionModel,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from core.base.i18n import tr
from core.base.label_sets import label_text
from core.base.text import display_path
from core.datasets.labels import Label
from core.prediction import Outcome, Prediction
from gui.session.photos_model import PhotosModel, Role
from gui.widgets import icons, theme
from gui.widgets.formats import confidence
from gui.widgets.indexes import Index
from gui.widgets.painting import RIGHT, paint_bar, paint_photo, paint_text, percent_width
from gui.widgets.photo_panel import brief_failure_text, headline_text
from gui.widgets.tile_look import TILE_LOOK

SIZES: Final = (136, 184, 248)
"""Minimum widths of a photo in the gallery, in pixels."""

_MODIFIERS: Final = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
)
_TEXT_HEIGHT: Final = 56
_STALE: Final = 0.4
"""The opacity of the prediction of another model than the one in use."""
_GAP: Final = theme.GRID
_LINE: Final = 20
"""Height of a line of text, in pixels."""
_BADGE: Final = 24
"""Diameter of the sign that a photo is waiting, in pixels."""
_PENCIL: Final = 20
"""Indentation of a label behind the pencil icon, in pixels."""


class PhotoGrid(QListView):
    """A grid of photos for any item model; a delegate paints the items.

    Attributes:
        correction_asked: the user pressed Enter to correct the selected photos.
        viewing_asked: the user pressed Space or double-clicked to look at the current photo.
    """

    correction_asked = Signal()
    viewing_asked = Signal()

    def __init__(self, model: QAbstractItemModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._is_clicked = False
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
        self.doubleClicked.connect(lambda: self.viewing_asked.emit())
        TILE_LOOK.changed.connect(self._on_look_changed)
        self._lay_out()

    def _on_look_changed(self) -> None:
        with self._keeping_current_visible():
            self._lay_out()
        self.viewport().update()

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] = ()) -> None:
        """Repaint photos, which keep their size: Qt's list would place each of 100,000 again."""
        QAbstractItemView.dataChanged(self, first, last, roles)

    def current_row(self) -> int:
        """The current row; -1 if there is none."""
        return self.currentIndex().row()

    def selected_rows(self) -> Sequence[int]:
        """The selected rows, in order; there may be 100,000, in a few ranges."""
        ranges = [range(one.top(), one.bottom() + 1) for one in self.selectionModel().selection().toList()]
        return ranges[0] if len(ranges) == 1 else sorted(set().union(*ranges))

    def select_row(self, row: int) -> None:
        """Select only this photo and scroll to it."""
        index = self.model().index(row, 0)
        self._is_clicked = False
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.scrollTo(index)

    def scrollTo(self, index: Index, hint: QListView.ScrollHint = QListView.ScrollHint.EnsureVisible) -> None:
        """Scroll to a photo, as soon as the layout has reached it.

        A photo that was clicked stays where it is: it would move away under the pointer, before a double click.
        """
        if not self._is_clicked:
            self._target = QPersistentModelIndex(index)
            self._seek()

    def _seek(self) -> None:
        if self._target.isValid() and (place := self.visualRect(self._target)).isValid():
            super().scrollTo(self._target)
            if place.size() == self.gridSize():  # otherwise the next layout moves it
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

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._is_clicked = True
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._is_clicked = False
        is_plain = not event.modifiers() & _MODIFIERS
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and is_plain:
            self.correction_asked.emit()
        elif event.key() == Qt.Key.Key_Space and is_plain and self.currentIndex().isValid():
            self.viewing_asked.emit()
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
        self._is_clicked = False
        if current.isValid() and is_visible:
            self.scrollTo(current)

    def _lay_out(self) -> None:
        """Fit as many photos into a row as possible, widened to fill it."""
        minimum = SIZES[self._size] + _GAP
        # The width of the scroll bar is reserved: its appearance would change the grid, which may hide it again.
        room = self.width() - self.verticalScrollBar().sizeHint().width() - 1
        width = room // max(1, room // minimum)
        grid = QSize(width, (width - _GAP) * 3 // 4 + _text_height() + _GAP)
        if grid != self.gridSize():
            self.setGridSize(grid)


class Gallery(PhotoGrid):
    """Shows a `PhotosModel`.

    Attributes:
        chosen: the current row changed; -1 if there is none.
        selection_changed: the selected rows changed; emitted once for changes that follow each other.
    """

    chosen = Signal(int)
    selection_changed = Signal()

    def __init__(self, model: PhotosModel, parent: QWidget) -> None:
        super().__init__(model, parent)
        self.setAccessibleName(tr("Photos"))
        self.setItemDelegate(_PhotoDelegate(self))
        self.setDragEnabled(True)  # after setMovement, which resets it
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        model.modelReset.connect(lambda: self.chosen.emit(self.current_row()))
        self._once = QTimer(self, interval=0, singleShot=True)
        self._once.timeout.connect(self.selection_changed)
        self.selectionModel().selectionChanged.connect(lambda: self._once.start())
        model.modelReset.connect(self._once.start)

    def selected_count(self) -> int:
        """The number of selected photos, however many."""
        return sum(one.height() for one in self.selectionModel().selection().toList())

    def _on_current_changed(self, current: Index, previous: Index) -> None:
        self.chosen.emit(current.row())


class CardDelegate(QStyledItemDelegate):
    """Paints a photo as a card with its thumbnail; below it the label, and the confidence as a bar with its number."""

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
        picture = box.adjusted(6, 6, -6, 4 - _text_height())
        paint_photo(painter, picture, index.data(Qt.ItemDataRole.DecorationRole), radius=theme.RADIUS - 3, icon=28)
        text = QRect(box.left() + 8, picture.bottom() + 4, box.width() - 16, _text_height() - 12)
        if content := self.content(index):
            is_stale = bool(index.data(Role.STALE))
            if is_stale or content[0] is None:
                _paint_waiting(painter, picture)
            painter.setOpacity(_STALE if is_stale else 1.0)
            _paint_outcome(painter, text, *content)
        painter.restore()

    def content(self, index: Index) -> tuple[Outcome | None, str | None, str] | None:
        """The outcome of a photo, the user's label, and the file name; None while they are loading."""
        raise NotImplementedError


class _PhotoDelegate(CardDelegate):
    def content(self, index: Index) -> tuple[Outcome | None, str | None, str]:
        correction: Label | None = index.data(Role.CORRECTION)
        label = None if correction is None else correction.label
        return index.data(Role.OUTCOME), label, display_path(index.data(Role.PATH).name)


def _paint_frame(painter: QPainter, box: QRect, state: QStyle.StateFlag) -> None:
    colours = theme.current()
    selected = bool(state & QStyle.StateFlag.State_Selected)
    focused = bool(state & QStyle.StateFlag.State_HasFocus)
    painter.setBrush(QColor(colours.accent_soft if selected else colours.surface))
    painter.setPen(QPen(QColor(colours.accent if selected or focused else colours.border), 2 if focused else 1))
    painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)


def _paint_waiting(painter: QPainter, picture: QRect) -> None:
    """Paint the sign that a photo waits for its prediction into its corner; one that turns would repaint all tiles."""
    badge = QRectF(picture.right() - _BADGE - 4, picture.top() + 5, _BADGE, _BADGE)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.current().surface))
    painter.drawEllipse(badge)
    icons.paint(painter, "loader-circle", badge.adjusted(4, 4, -4, -4), theme.current().accent)


def _paint_outcome(painter: QPainter, box: QRect, outcome: Outcome | None, label: str | None, name: str) -> None:
    """Paint two lines, the label or the prediction and below it the confidence or the prediction; then the file name.

    The name of a photo without a prediction is always shown.
    """
    colours = theme.current()
    if isinstance(outcome, Prediction):
        _paint_prediction(painter, box, outcome, label)
        if TILE_LOOK.has_names:
            paint_text(painter, _line(box, 2), name, colours.muted, elide=Qt.TextElideMode.ElideMiddle)
        return
    what, colour = (tr("Waiting"), colours.muted) if outcome is None else (brief_failure_text(outcome), colours.danger)
    paint_text(painter, _line(box, 0), what, colour)
    paint_text(painter, _line(box, 1), name, colours.muted)


def _paint_prediction(painter: QPainter, box: QRect, prediction: Prediction, label: str | None) -> None:
    """Paint the prediction with its confidence; the user's label comes first, behind a pencil icon."""
    colours, best = theme.current(), prediction.best
    is_corrected = label is not None and (label != prediction.label or prediction.is_guess)
    first, second = _line(box, 0), _line(box, 1)
    left = second.adjusted(0, 0, -percent_width(painter) - 4, 0)
    number_colour = colours.muted if is_corrected else colours.text
    paint_text(painter, second, confidence(best.probability), number_colour, side=RIGHT)
    if label is not None:
        icons.paint(painter, "pencil", QRectF(box.left(), box.top() + 3, 14, 14), colours.accent)
        first.adjust(_PENCIL, 0, 0, 0)
    if is_corrected:
        shown = best.label if prediction.labels is None else prediction.answer
        unknown, known = tr("Model: {label}?", label=shown), tr("Model: {label}", label=shown)
        paint_text(painter, left, unknown if prediction.is_guess else known, colours.muted)
        paint_text(painter, first, label_text(label or ""), colours.accent, bold=True)
        return
    bar = QRectF(left.left(), left.top() + 7, left.width(), 6)
    is_guess = prediction.unknown or prediction.is_unsure
    paint_bar(painter, bar, best.probability, is_strong=not is_guess)
    certain = headline_text(prediction) if prediction.group else best.label
    title = tr("{label}?", label=best.label) if is_guess else certain
    if prediction.labels is not None:
        title = prediction.answer
    paint_text(painter, first, title, colours.muted if is_guess else colours.text, bold=True)


def _text_height() -> int:
    """The height of the text of a tile with its margins, in pixels."""
    return _TEXT_HEIGHT + (_LINE if TILE_LOOK.has_names else 0)


def _line(box: QRect, number: int) -> QRect:
    return QRect(box.left(), box.top() + _LINE * number, box.width(), _LINE)
