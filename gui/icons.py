"""Icons: Lucide's outlines (ISC licence, see icons/LICENSE), drawn in the colour asked for at any scale."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_FOLDER: Final = Path(__file__).parent / "icons"


@cache
def _renderer(name: str, colour: str) -> QSvgRenderer:
    outline = (_FOLDER / f"{name}.svg").read_text("utf-8").replace("currentColor", colour)
    return QSvgRenderer(QByteArray(outline.encode()))


def paint(painter: QPainter, name: str, box: QRectF, colour: str) -> None:
    """Draw an icon into a square box."""
    _renderer(name, colour).render(painter, box)


def icon(name: str, colour: str) -> QIcon:
    """An icon that is drawn afresh at every size, so that it is sharp on every screen."""
    return QIcon(_Outline(name, colour))


def program_icon() -> QIcon:
    """Fovea's own icon, drawn by hand for each usual size."""
    drawn = QIcon()
    for picture in (_FOLDER / "fovea").glob("*.png"):
        drawn.addFile(str(picture))
    return drawn


class _Outline(QIconEngine):
    def __init__(self, name: str, colour: str) -> None:
        super().__init__()
        self._name, self._colour = name, colour

    def paint(self, painter: QPainter, rect: object, mode: QIcon.Mode, state: QIcon.State) -> None:
        painter.save()
        painter.setOpacity(0.4 if mode is QIcon.Mode.Disabled else 1.0)
        paint(painter, self._name, QRectF(rect), self._colour)  # type: ignore[call-overload]
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(QColor(Qt.GlobalColor.transparent))
        painter = QPainter(pixmap)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _Outline(self._name, self._colour)
