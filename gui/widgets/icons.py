"""Icons: Lucide's outlines (ISC licence, see icons/LICENSE), drawn at any scale, in the colours in use."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, Literal

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from gui.widgets import theme

ColorRole = Literal["text", "muted", "accent", "success", "warning", "danger", "on_accent"]
"""The name of a colour in `theme.Tokens`."""

_FOLDER: Final = Path(__file__).parent.parent / "icons"


@cache
def _renderer(name: str, colour: str) -> QSvgRenderer:
    outline = (_FOLDER / f"{name}.svg").read_text("utf-8").replace("currentColor", colour)
    return QSvgRenderer(QByteArray(outline.encode()))


def paint(painter: QPainter, name: str, box: QRectF, colour: str) -> None:
    """Draw an icon into a square box."""
    _renderer(name, colour).render(painter, box)


def icon(name: str, role: ColorRole, *, checked: ColorRole | None = None) -> QIcon:
    """An icon for a button, rendered at every paint: sharp on every screen, and in the current theme.

    Args:
        name: the name of the outline.
        role: its colour.
        checked: its colour while the button is checked; None for the same colour.
    """
    return QIcon(_Outline(name, role, checked or role))


def color_of(name: ColorRole) -> str:
    """This colour in the current theme."""
    colour: str = getattr(theme.current(), name)
    return colour


def program_icon() -> QIcon:
    """The application icon in all available sizes."""
    result = QIcon()
    for picture in (_FOLDER / "fovea").glob("*.png"):
        result.addFile(str(picture))
    return result


class _Outline(QIconEngine):
    def __init__(self, name: str, role: ColorRole, checked: ColorRole) -> None:
        super().__init__()
        self._name, self._role, self._checked = name, role, checked

    def paint(self, painter: QPainter, rect: object, mode: QIcon.Mode, state: QIcon.State) -> None:
        painter.save()
        painter.setOpacity(0.4 if mode is QIcon.Mode.Disabled else 1.0)
        colour = color_of(self._checked if state is QIcon.State.On else self._role)
        paint(painter, self._name, QRectF(rect), colour)  # type: ignore[call-overload]
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(QColor(Qt.GlobalColor.transparent))
        painter = QPainter(pixmap)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _Outline(self._name, self._role, self._checked)
