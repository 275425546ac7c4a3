"""What several delegates paint: lines of text, bars, and pictures."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPixmap

from gui.widgets import icons, theme
from gui.widgets.tile_look import TILE_LOOK

LEFT: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE: Final = Qt.AlignmentFlag.AlignCenter


def paint_text(
    painter: QPainter,
    box: QRect,
    text: str,
    colour: str,
    *,
    bold: bool = False,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    side: Qt.AlignmentFlag = LEFT,
) -> int:
    """Paint one line of text, elided to the width of the box, and return its width in pixels."""
    font = QFont(painter.font())
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    painter.setFont(font)
    painter.setPen(QColor(colour))
    elided = painter.fontMetrics().elidedText(text, elide, box.width())
    painter.drawText(box, side, elided)
    return painter.fontMetrics().horizontalAdvance(elided)


def percent_width(painter: QPainter) -> int:
    """The width of a percentage, in pixels."""
    return painter.fontMetrics().horizontalAdvance("> 99%") + 4


def paint_bar(painter: QPainter, box: QRectF, fraction: float, *, is_strong: bool, mark: float | None = None) -> None:
    """Paint a bar filled to scale from the left, 0..1, nothing below a pixel; a strong bar has the accent colour.

    A line crosses it at the fraction `mark`, if there is one.
    """
    _paint_track(painter, box, fraction, is_strong=is_strong)
    if mark is not None:
        place = box.left() + box.width() * mark
        painter.fillRect(QRectF(place - 1, box.top() - 2, 2, box.height() + 4), QColor(theme.current().text))


def _paint_track(painter: QPainter, box: QRectF, fraction: float, *, is_strong: bool) -> None:
    colours, radius = theme.current(), box.height() / 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.track))
    painter.drawRoundedRect(box, radius, radius)
    filled = QRectF(box.left(), box.top(), box.width() * fraction, box.height())
    if filled.width() < 1:
        return
    track = QPainterPath()
    track.addRoundedRect(box, radius, radius)
    painter.save()
    painter.setClipPath(track)  # to scale: a round end of its own would make small parts look larger
    painter.fillRect(filled, QColor(colours.accent if is_strong else colours.muted))
    painter.restore()


def paint_photo(painter: QPainter, box: QRect, picture: QPixmap | None, *, radius: int = 4, icon: int = 20) -> None:
    """Paint a picture into a rounded box, whole or filling it, or an icon if it is not ready or not available."""
    clip = QPainterPath()
    clip.addRoundedRect(QRectF(box), radius, radius)
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipPath(clip)
    painter.fillRect(box, QColor(theme.current().track))
    if picture is None or picture.isNull():
        paint_no_picture(painter, QRectF(box), picture, icon)
    else:
        part = _covering(picture.size(), box.size()) if TILE_LOOK.fills else picture.rect()
        painter.drawPixmap(QRectF(_fitted(part.size(), box)), picture, QRectF(part))
    painter.restore()


def paint_no_picture(painter: QPainter, box: QRectF, picture: QPixmap | None, side: int) -> None:
    """Paint an icon into the middle of a box: a picture is being rendered (None), or not available (null)."""
    middle = QRectF(0, 0, side, side)
    middle.moveCenter(box.center())
    icons.paint(painter, "image" if picture is None else "image-off", middle, theme.current().muted)


def _fitted(part: QSize, box: QRect) -> QRect:
    """The place of a part of a picture in the middle of a box, as large as possible without distortion."""
    place = QRect(box.topLeft(), part.scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio))
    place.moveCenter(box.center())
    return place


def _covering(picture: QSize, box: QSize) -> QRect:
    """The central part of the picture that fills the box without distortion."""
    part = box.scaled(picture, Qt.AspectRatioMode.KeepAspectRatio)
    left, top = (picture.width() - part.width()) // 2, (picture.height() - part.height()) // 2
    return QRect(left, top, part.width(), part.height())
