"""The classes of a folder as tiles, each with some of its photos; in custom datasets photos can be dropped on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QAbstractListModel, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QPainter,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from core.base.i18n import mark, tr
from core.base.text import display_path
from core.datasets.values import ClassSummary
from gui.tasks.picture_client import PictureClient
from gui.widgets import theme
from gui.widgets.counts import photo_count
from gui.widgets.drop import DropContent, can_drop, read_drop
from gui.widgets.indexes import NOWHERE, Index
from gui.widgets.painting import paint_bar, paint_photo, paint_text
from gui.widgets.thumbnails import GAP, SIDE

_MIN_WIDTH: Final = 264
_HEIGHT: Final = 136
LOWEST: Final = _HEIGHT + 8
"""The height in pixels that shows a row of tiles."""
_EDGE: Final = 12
_FACTS: Final = Qt.ItemDataRole.UserRole + 1
"""The role of the class itself."""
_NEW: Final = mark("New class")
_NEW_HINT: Final = mark("Drop photos here or press Enter")


class _Classes(QAbstractListModel):
    """Classes and, if they can be edited, one more row that adds a class."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.classes: tuple[ClassSummary, ...] = ()
        self.is_editable = False

    def show(self, classes: Sequence[ClassSummary], *, editable: bool) -> None:
        if (self.classes, self.is_editable) == (tuple(classes), editable):
            return
        self.beginResetModel()
        self.classes, self.is_editable = tuple(classes), editable
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.classes) + self.is_editable

    def flags(self, index: Index) -> Qt.ItemFlag:
        default = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return default | Qt.ItemFlag.ItemIsEditable if self.is_editable else default

    def facts(self, index: Index) -> ClassSummary | None:
        """The class in a row; None in the row that adds a class."""
        return self.classes[index.row()] if 0 <= index.row() < len(self.classes) else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        facts = self.facts(index)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return display_path(facts.name) if facts else tr(_NEW)
            case Qt.ItemDataRole.EditRole:
                return facts.name if facts else ""
            case Qt.ItemDataRole.AccessibleTextRole:
                if facts is None:
                    return f"{tr(_NEW)}. {tr(_NEW_HINT)}"
                return tr("Class {name}, {photos}", name=facts.name, photos=photo_count(facts.images))
            case Qt.ItemDataRole.ToolTipRole if facts:
                return display_path(facts.name)
            case role if role == _FACTS:
                return facts
        return None


class ClassTiles(QListView):
    """Shows classes.

    Attributes:
        chosen: the current class; empty for none.
        dropped: photos were dropped on this class, or, if the name is empty, beside all classes.
        renamed: rename a class: the old name, the new name.
        added: add a class of this name.
        removal_asked: remove this class.
        largest: the number of photos of the largest class.
    """

    chosen = Signal(str)
    dropped = Signal(str, object)
    renamed = Signal(str, str)
    added = Signal(str)
    removal_asked = Signal(str)

    def __init__(self, pictures: PictureClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tiles")
        self.setAccessibleName(tr("Classes"))
        self.classes = _Classes(self)
        self.setModel(self.classes)
        self._delegate = _TileDelegate(pictures, self)
        self.setItemDelegate(self._delegate)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setUniformItemSizes(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked)
        self.target: Index = NOWHERE
        self.largest = 0
        self._paths: frozenset[Path] = frozenset()
        pictures.rendered.connect(self._on_drawn)
        self.selectionModel().currentChanged.connect(lambda now: self.chosen.emit(self.label_at(now)))

    def show_classes(self, classes: Sequence[ClassSummary], *, editable: bool) -> None:
        """Show these classes; the current class stays current, if it still exists."""
        before = self.label_at(self.currentIndex())
        self.classes.show(classes, editable=editable)
        self.largest = max((one.images for one in classes), default=0)
        self._paths = frozenset(path for one in classes for path in one.samples)
        self.viewport().setAcceptDrops(editable)
        row = next((row for row, one in enumerate(classes) if one.name == before), 0 if classes else -1)
        self.setCurrentIndex(self.classes.index(row, 0))

    def begin_new_class(self) -> None:
        """Let the user type the name of a new class."""
        index = self.classes.index(len(self.classes.classes), 0)
        self.setCurrentIndex(index)
        self.scrollTo(index)
        self.edit(index)

    def label_at(self, index: Index) -> str:
        """The class in a row; empty if there is none."""
        facts = self.classes.facts(index) if index.isValid() else None
        return facts.name if facts else ""

    def set_name(self, index: Index, name: str) -> None:
        """Use the name that was typed into a tile."""
        label = self.label_at(index)
        if name and not label:
            self.added.emit(name)
        elif name and name != label:
            self.renamed.emit(label, name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.width() - self.verticalScrollBar().sizeHint().width() - 1
        self.setGridSize(QSize(room // max(1, room // _MIN_WIDTH), _HEIGHT))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.state() is QAbstractItemView.State.EditingState:
            return  # keys that the line edit does not use, such as Enter
        label = self.label_at(self.currentIndex())
        if self.classes.is_editable and event.key() == Qt.Key.Key_Delete and label:
            self.removal_asked.emit(label)
        elif self.classes.is_editable and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not label:
            self.begin_new_class()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if can_drop(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._set_target(self.indexAt(event.position().toPoint()))
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._set_target(NOWHERE)

    def dropEvent(self, event: QDropEvent) -> None:
        label, offer = self.label_at(self.indexAt(event.position().toPoint())), read_drop(event.mimeData())
        self._set_target(NOWHERE)
        if isinstance(offer, DropContent) and offer.paths:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.dropped.emit(label, offer.paths)

    def _set_target(self, index: Index) -> None:
        self.target = QPersistentModelIndex(index)
        self.viewport().update()

    def _on_drawn(self, path: Path, side: int) -> None:
        if path in self._paths:
            self.viewport().update()


class _TileDelegate(QStyledItemDelegate):
    """Paints a class, whose name can be edited in place."""

    def __init__(self, pictures: PictureClient, view: ClassTiles) -> None:
        super().__init__(view)
        self._pictures, self._view = pictures, view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self._view.gridSize()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setAccessibleName(tr("Class name"))
        editor.setPlaceholderText(tr("Class name"))
        return editor

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        box = _box(option.rect)
        editor.setGeometry(box.left() + 6, box.top() + 6, box.width() - 12, 34)

    def setModelData(self, editor: QWidget, model: object, index: Index) -> None:
        assert isinstance(editor, QLineEdit)
        self._view.set_name(index, editor.text().strip())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box, facts = _box(option.rect), index.data(_FACTS)
        is_target = self._view.target.isValid() and self._view.target.row() == index.row()
        _paint_frame(painter, box, option.state, is_target=is_target, is_new=facts is None)
        inside = box.adjusted(_EDGE, _EDGE - 2, -_EDGE, -_EDGE)
        colours, first = theme.current(), QRect(inside.left(), inside.top(), inside.width(), 20)
        title, detail = (tr(_NEW), tr(_NEW_HINT)) if facts is None else (index.data(), photo_count(facts.images))
        paint_text(painter, first.translated(0, 22), detail, colours.muted)
        paint_text(painter, first, title, colours.accent if facts is None else colours.text, bold=True)
        if facts is not None:
            self._paint_share(painter, first.translated(0, 22), facts.images)
            self._paint_strip(painter, inside, facts.samples)
        painter.restore()

    def _paint_share(self, painter: QPainter, line: QRect, images: int) -> None:
        """Paint how large the class is, compared with the largest, to the right of its number of photos."""
        box = QRectF(line.center().x(), line.center().y() - 2, line.width() / 2, 6)
        paint_bar(painter, box, images / max(1, self._view.largest), is_strong=True)

    def _paint_strip(self, painter: QPainter, inside: QRect, samples: Sequence[Path]) -> None:
        count = (inside.width() + GAP) // (SIDE + GAP)
        top = inside.bottom() + 1 - SIDE
        for place, path in enumerate(samples[:count]):
            box = QRect(inside.left() + place * (SIDE + GAP), top, SIDE, SIDE)
            paint_photo(painter, box, self._pictures.thumbnail(path))


def _box(rect: QRect) -> QRect:
    return rect.adjusted(0, 0, -theme.GRID, -theme.GRID)


def _paint_frame(painter: QPainter, box: QRect, state: QStyle.StateFlag, *, is_target: bool, is_new: bool) -> None:
    colours = theme.current()
    is_chosen = bool(state & QStyle.StateFlag.State_Selected)
    has_focus = is_chosen and bool(state & QStyle.StateFlag.State_HasFocus)
    painter.setBrush(QColor(colours.accent_soft if is_target else colours.surface))
    pen = QPen(QColor(colours.accent if is_target or is_chosen else colours.border), 2 if is_target or has_focus else 1)
    if is_new:
        pen.setStyle(Qt.PenStyle.DashLine)
    painter.setPen(pen)
    painter.drawRoundedRect(QRectF(box).adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)
