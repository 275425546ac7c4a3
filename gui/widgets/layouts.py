"""Rows and columns of widgets, written down as they appear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget

LEFT: Final = Qt.AlignmentFlag.AlignLeft
CENTRE: Final = Qt.AlignmentFlag.AlignHCenter
TOP: Final = Qt.AlignmentFlag.AlignTop

Margins = int | tuple[int, int, int, int] | None
"""The margins in pixels, the same on all sides or from the left clockwise; None for those of the style."""

_ANYWHERE: Final = Qt.AlignmentFlag(0)
_Box = TypeVar("_Box", bound=QBoxLayout)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """An item with a stretch factor or an alignment; without content, empty space."""

    content: QWidget | QLayout | None
    stretch: int = 0
    alignment: Qt.AlignmentFlag = _ANYWHERE


SPACE: Final = Placed(None)
"""Empty space that takes the room that no other item takes."""

Item = QWidget | QLayout | Placed | int
"""An item of a row or column; a number is empty space in pixels."""


def fill(content: QWidget | QLayout) -> Placed:
    """An item that takes the remaining room."""
    return Placed(content, 1)


def hbox(*items: Item, parent: QWidget | None = None, margins: Margins = 0, spacing: int | None = None) -> QHBoxLayout:
    """Arrange items from left to right, as the layout of `parent` if there is one; without `spacing`, as the style."""
    return _filled(QHBoxLayout(), items, parent, margins, spacing)


def vbox(*items: Item, parent: QWidget | None = None, margins: Margins = 0, spacing: int | None = None) -> QVBoxLayout:
    """Arrange items from top to bottom, as the layout of `parent` if there is one; without `spacing`, as the style."""
    return _filled(QVBoxLayout(), items, parent, margins, spacing)


def _filled(box: _Box, items: tuple[Item, ...], parent: QWidget | None, margins: Margins, spacing: int | None) -> _Box:
    if parent is not None:
        parent.setLayout(box)
    if margins is not None:
        box.setContentsMargins(*(margins if isinstance(margins, tuple) else (margins,) * 4))
    if spacing is not None:
        box.setSpacing(spacing)
    add(box, *items)
    return box


def add(box: QBoxLayout, *items: Item) -> None:
    """Append items to a row or column."""
    for item in items:
        match item:
            case int():
                box.addSpacing(item)
            case Placed(QWidget() as widget, stretch, alignment):
                box.addWidget(widget, stretch, alignment)
            case Placed(QLayout() as layout, stretch):
                box.addLayout(layout, stretch)
            case Placed(None, stretch):
                box.addStretch(stretch)
            case QLayout():
                box.addLayout(item)
            case QWidget():
                box.addWidget(item)
