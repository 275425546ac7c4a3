"""A row of widgets that breaks into several where it does not fit."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

from gui.widgets import theme


class FlowRow(QLayout):
    """Arranges widgets from left to right, in as many lines as they need; hidden ones take no room."""

    def __init__(self, *widgets: QWidget, spacing: int = theme.GRID) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)
        for widget in widgets:
            self.addWidget(widget)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), moves=False)

    def sizeHint(self) -> QSize:
        sizes = [item.sizeHint() for item in self._items if not item.isEmpty()]
        width = sum(size.width() for size in sizes) + self.spacing() * max(0, len(sizes) - 1)
        return QSize(width, max((size.height() for size in sizes), default=0))

    def minimumSize(self) -> QSize:
        result = QSize(0, 0)
        for item in self._items:
            result = result if item.isEmpty() else result.expandedTo(item.sizeHint())
        return result

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, moves=True)

    def _arrange(self, room: QRect, *, moves: bool) -> int:
        """Arrange the widgets in this room, or only measure, and return the height that they need."""
        place, height = room.topLeft(), 0
        for item in self._items:
            if item.isEmpty():
                continue
            size = item.sizeHint()
            if place.x() > room.left() and place.x() + size.width() > room.right() + 1:
                place, height = QPoint(room.left(), place.y() + height + self.spacing()), 0
            if moves:
                item.setGeometry(QRect(place, size))
            place, height = QPoint(place.x() + size.width() + self.spacing(), place.y()), max(height, size.height())
        return place.y() + height - room.top()
