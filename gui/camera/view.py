"""The picture of the camera, or a message instead of it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.base.i18n import tr
from gui.widgets import icons, theme

_ICON: Final = 48
_MIN_SIZE: Final = QSize(240, 180)
_DOT: Final = 6.0
"""The radius of the dot that shows a recording."""


class CameraView(QWidget):
    """Shows frames, scaled while they are painted: that takes 1 ms, scaling them beforehand up to 20.

    Attributes:
        frame: the frame that is shown; None while there is a message instead.
        message: the message.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(_MIN_SIZE)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.frame: QImage | None = None
        self.message, self._is_mirrored = "", True
        self._recorded: int | None = None
        self.show_message("")

    def show_frame(self, frame: QImage) -> None:
        if self.frame is None:
            self.setAccessibleName(tr("Camera picture"))
        self.frame, self.message = frame, ""
        self.update()

    def show_message(self, message: str) -> None:
        """Show a message instead of frames."""
        self.frame, self.message = None, message
        self.setAccessibleName(message or tr("Camera picture"))
        self.update()

    def set_mirrored(self, *, mirrored: bool) -> None:
        """Show frames as in a mirror, or as the camera sees them."""
        self._is_mirrored = mirrored
        self.update()

    def show_recording(self, count: int | None) -> None:
        """Show how many photos were recorded while the user holds the button; None while nothing is recorded."""
        self._recorded = count
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.current().track))
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS, theme.RADIUS)
        if self.frame is None:
            self._paint_message(painter)
        else:
            self._paint_frame(painter, self.frame)
        painter.end()

    def _paint_message(self, painter: QPainter) -> None:
        box = self.rect().adjusted(3 * theme.GRID, 0, -3 * theme.GRID, 0)
        middle = QPointF(box.center())
        icon = QRectF(middle.x() - _ICON / 2, middle.y() - _ICON - theme.GRID, _ICON, _ICON)
        icons.paint(painter, "camera", icon, theme.current().muted)
        painter.setPen(QColor(theme.current().text))
        below = QRect(box.left(), round(middle.y()) + theme.GRID, box.width(), box.height() // 2)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        painter.drawText(below, flags, self.message)

    def _paint_frame(self, painter: QPainter, frame: QImage) -> None:
        box = QRect(QPoint(0, 0), frame.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio))
        box.moveCenter(self.rect().center())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._is_mirrored:
            painter.translate(self.width(), 0)
            painter.scale(-1, 1)
        painter.drawImage(box, frame)
        painter.restore()
        if self._recorded is not None:
            self._paint_recording(painter, box, tr("Recording: {count:,}", count=self._recorded))

    def _paint_recording(self, painter: QPainter, box: QRect, text: str) -> None:
        width = painter.fontMetrics().horizontalAdvance(text) + 5 * theme.GRID
        badge = QRectF(box.left() + theme.GRID, box.top() + theme.GRID, width, 4 * theme.GRID)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.current().surface))
        painter.drawRoundedRect(badge, theme.RADIUS, theme.RADIUS)
        painter.setBrush(QColor(theme.current().danger))
        painter.drawEllipse(QPointF(badge.left() + 2 * theme.GRID, badge.center().y()), _DOT, _DOT)
        painter.setPen(QColor(theme.current().text))
        left = badge.adjusted(3.5 * theme.GRID, 0, 0, 0)
        painter.drawText(left, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
