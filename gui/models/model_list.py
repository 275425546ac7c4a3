"""The list of installed models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.base.i18n import tr, tr_n
from core.models.values import InstalledModel, ModelName
from gui.widgets import icons, theme
from gui.widgets.painting import paint_text

_NAME: Final = Qt.ItemDataRole.UserRole
_LINE: Final = Qt.ItemDataRole.UserRole + 1
_HEIGHT: Final = 56
_EDGE: Final = 8
_CHECK: Final = 16


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model as it is listed.

    Attributes:
        title: its title.
        about: what it knows, how many versions it has, and whether it is in use or damaged.
        is_in_use: whether it is the model in use.
        is_damaged: whether it cannot be used.
    """

    title: str
    about: str
    is_in_use: bool = False
    is_damaged: bool = False


class ModelList(QListWidget):
    """Lists models; the selected one is remembered by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("choices")
        self.setAccessibleName(tr("Installed models"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_LinePainter(self))
        self._wanted = ""

    @property
    def name(self) -> str:
        """The name of the selected model; empty if there is none."""
        item = self.currentItem()
        return str(item.data(_NAME)) if item is not None else ""

    def select(self, name: str) -> None:
        """Select this model, now or once it is listed."""
        names = self._names()
        if name in names:
            self.setCurrentRow(names.index(name))
            if self.isVisible():
                self.setFocus()
        else:
            self._wanted = name

    def show_models(self, lines: Mapping[str, ModelLine], in_use: str) -> None:
        """Show each model by name; if none is selected, the one in use is."""
        names = list(lines)
        if self._names() != names:
            self._list(names, in_use)
        for row, line in enumerate(lines.values()):
            item = self.item(row)
            item.setText(f"{line.title}\n{line.about}")
            item.setToolTip(line.title)
            item.setData(_LINE, line)
        if self.currentItem() is None and in_use in names:
            self.setCurrentRow(names.index(in_use))

    def _names(self) -> list[str]:
        return [self.item(row).data(_NAME) for row in range(self.count())]

    def _list(self, names: Sequence[str], in_use: str) -> None:
        chosen = self.name
        with QSignalBlocker(self):
            self.clear()
            for name in names:
                QListWidgetItem(self).setData(_NAME, name)
            selected = next((name for name in (self._wanted, chosen, in_use) if name in names), None)
            if selected is not None:
                self.setCurrentRow(names.index(selected))
        if selected == self._wanted:
            self._wanted = ""


class _LinePainter(QStyledItemDelegate):
    """Paints a model: its title, what it knows, and a check mark if it is in use."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, _HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        line = index.data(_LINE)
        self.initStyleOption(option, index)
        option.text = ""
        option.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        if not isinstance(line, ModelLine):
            return
        painter.save()
        painter.setFont(option.font)
        colours, room = theme.current(), option.rect.adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
        if line.is_in_use or line.is_damaged:
            mark = QRectF(room.right() + 1 - _CHECK, room.top() + 2, _CHECK, _CHECK)
            name, colour = ("check", colours.accent) if not line.is_damaged else ("triangle-alert", colours.danger)
            icons.paint(painter, name, mark, colour)
            room.setRight(room.right() - _CHECK - _EDGE)
        height = room.height() // 2
        first = QRect(room.left(), room.top(), room.width(), height)
        paint_text(painter, first.translated(0, height), line.about, _colour(line))
        paint_text(painter, first, line.title, colours.text, bold=True)
        painter.restore()


def _colour(line: ModelLine) -> str:
    return theme.current().danger if line.is_damaged else theme.current().muted


def model_lines(
    models: Mapping[str, InstalledModel], names: Mapping[str, ModelName], in_use: str
) -> dict[str, ModelLine]:
    """How each model is listed, by name.

    Args:
        models: the models that can be opened.
        names: the models with their versions; empty until the library was listed.
        in_use: the name of the model in use.
    """
    return {name: _line(name, models.get(name), names.get(name), in_use) for name in {**models, **names}}


def _line(name: str, model: InstalledModel | None, one: ModelName | None, in_use: str) -> ModelLine:
    title = model.card.title if model else one.title if one else name
    is_damaged = one is not None and one.active is not None and one.active.error is not None
    about = [tr("Damaged") if is_damaged else _class_count(model)]
    if one is not None and len(one.versions) > 1:
        about.append(tr_n("{count} version", "{count} versions", len(one.versions)))
    if name == in_use:
        about.append(tr("in use"))
    return ModelLine(title, " · ".join(about), name == in_use, is_damaged)


def _class_count(model: InstalledModel | None) -> str:
    if model is None:
        return tr("No active version")
    return tr_n("{count:,} class", "{count:,} classes", len(model.card.classes))
