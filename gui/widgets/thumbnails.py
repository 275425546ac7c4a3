"""Small pictures, rendered by the picture process as they become visible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QListView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from core.base.text import display_path
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.indexes import Index
from gui.widgets.painting import paint_photo, paint_text
from gui.widgets.tile_look import TILE_LOOK

SIDE: Final = 56
GAP: Final = 4
_CARD: Final = QSize(136, 176)
_EDGE: Final = 6
_PATH: Final = Qt.ItemDataRole.UserRole


class PhotoWall(QListWidget):
    """A grid of photos with two lines of text below each.

    Attributes:
        opened: the user requested to open this photo.
        removal_asked: the user pressed Delete.
        naming_asked: the user pressed F2.
    """

    opened = Signal(object)
    removal_asked = Signal()
    naming_asked = Signal()

    def __init__(self, pictures: PictureClient, name: str) -> None:
        super().__init__()
        self.setObjectName("wall")
        self.setAccessibleName(name)
        self.setItemDelegate(_PhotoDelegate(pictures, self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSpacing(GAP)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(_CARD.height() + 4 * GAP)
        pictures.rendered.connect(self._repaint)
        TILE_LOOK.changed.connect(self._repaint)
        self.itemActivated.connect(lambda item: self.opened.emit(item.data(_PATH)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Delete:
                self.removal_asked.emit()
            case Qt.Key.Key_F2:
                self.naming_asked.emit()
            case _:
                super().keyPressEvent(event)

    def chosen(self) -> list[Path]:
        """The selected photos."""
        return [item.data(_PATH) for item in self.selectedItems()]

    def _repaint(self) -> None:
        self.viewport().update()

    def show_texts(self, texts: Sequence[str]) -> None:
        """Replace the texts of the photos."""
        for row, text in enumerate(texts):
            item = self.item(row)
            item.setText(text)
            item.setToolTip(f"{text}\n{display_path(item.data(_PATH))}")

    def show_photos(self, photos: Sequence[tuple[Path, str]]) -> None:
        """Show these photos with their texts of two lines."""
        self.clear()
        for path, text in photos:
            item = QListWidgetItem(text, self)
            item.setData(_PATH, path)
            item.setToolTip(f"{text}\n{display_path(path)}")


class _PhotoDelegate(QStyledItemDelegate):
    """Paints a photo with its text, and requests the thumbnail when it becomes visible."""

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self._pictures = pictures

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return _CARD

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        colours, state = theme.current(), option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(QColor(colours.accent), 2 if state & QStyle.StateFlag.State_HasFocus else 1))
            painter.setBrush(QColor(colours.accent_soft))
            painter.drawRoundedRect(QRectF(option.rect).adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)
        box = option.rect.adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
        side = box.width()
        paint_photo(painter, QRect(box.left(), box.top(), side, side), self._pictures.thumbnail(index.data(_PATH)))
        for number, line in enumerate(str(index.data()).split("\n")[:2]):
            place = QRect(box.left(), box.top() + side + 4 + 18 * number, side, 18)
            paint_text(painter, place, line, colours.muted if number else colours.text)
        painter.restore()
