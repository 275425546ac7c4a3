"""A photo at any zoom: the picture process draws what is visible, at the resolution of the screen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPixmap, QRegion, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from core.images.viewing import Area, DrawnArea, close_image, draw_area
from gui.tasks.picture_client import PREVIEW_SIDE, THUMBNAIL_SIDE, PictureClient, pixmap
from gui.tasks.task import LatestTask
from gui.widgets import theme
from gui.widgets.painting import paint_no_picture
from gui.widgets.photo_map import MapPicture
from gui.widgets.photo_placement import Placement

_STEP: Final = 1.25
"""The factor of one step of zooming."""
_NOTCH: Final = 120.0
"""The angle of one notch of a wheel, in eighths of a degree."""
_PIXELS_FROM: Final = 2.0
"""The zoom from which pixels are shown as squares."""
_DELAY_MS: Final = 15
"""How long zooming and panning may go on before the visible part is drawn again."""

_MARGIN: Final = 128
"""How far beyond the edges of the view is drawn, in pixels of widgets: what panning makes visible is ready."""

_Request = tuple[Area | None, int, int]
"""The visible part, None for all, and the size in which it is drawn."""


class PhotoCanvas(QWidget):
    """Shows a photo, which can be zoomed and panned.

    Memory is bounded by the size of the view: one picture of that size is kept, and one with a margin around it.

    Attributes:
        zoomed: the zoom changed.
    """

    zoomed = Signal()

    def __init__(self, pictures: PictureClient, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._pictures, self._latest = pictures, LatestTask(pictures.tasks)
        self._path: Path | None = None
        self._whole: QPixmap | None = None
        self._part: tuple[Area, QPixmap] | None = None
        self._asked: _Request | None = None
        self._is_drawing = False
        self._map: MapPicture | None = None
        self._grip: QPointF | None = None
        self.placement = Placement()
        self._timer = QTimer(self, interval=_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._request)

    def show_photo(self, path: Path | None) -> None:
        """Show a photo, fitted into the view; None frees the memory."""
        if path == self._path:
            return
        self._latest.abandon()
        self._path, self._part, self._asked, self._is_drawing = path, None, None, False
        self._whole = None if path is None else self._ready_picture(path)
        self.placement.zoom, self.placement.photo = None, self._guessed_size()
        if path is None:
            self._pictures.tasks.start(close_image)
        self._update()
        self._request()

    def show_map(self, shown: MapPicture | None) -> None:
        """Show this map over the photo; None removes it."""
        self._map = shown
        self.update()

    @property
    def is_sharp(self) -> bool:
        """Whether what is visible was drawn for this zoom and size."""
        return self._asked == self._wanted() and not self._is_drawing

    # ---- zoom

    def zoom_by(self, steps: float, at: QPointF | None = None) -> None:
        """Zoom in, or out if `steps` is negative, around a place of the view; by default its middle."""
        self.zoom_to(self.placement.actual_zoom * _STEP**steps, at)

    def zoom_to(self, zoom: float | None, at: QPointF | None = None) -> None:
        """Show the photo with this many pixels of the screen per pixel of the photo; None fits it into the view."""
        self.placement.zoom_to(zoom, at)
        self._update()

    def toggle_zoom(self, at: QPointF | None = None) -> None:
        """Show the photo at 100%, or fitted into the view if it is zoomed."""
        self.zoom_to(1.0 if self.placement.zoom is None else None, at)

    def pan(self, by: QPointF) -> None:
        """Move a zoomed photo by some pixels."""
        self.placement.pan(by)
        self._update()

    def _update(self) -> None:
        self.setCursor(Qt.CursorShape.ArrowCursor if self.placement.zoom is None else Qt.CursorShape.OpenHandCursor)
        self.update()
        if not self._timer.isActive():  # a mouse moves more often, and would put it off until it stops
            self._timer.start()
        self.zoomed.emit()

    # ---- events

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.placement.view, self.placement.ratio = self.size(), self.devicePixelRatioF()
        self._update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom_by(event.angleDelta().y() / _NOTCH, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._grip = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None:
            self.pan(event.position() - self._grip)
            self._grip = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.toggle_zoom(event.position())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.current().window))
        if self._whole is None or self._whole.isNull():
            if self._path is not None:
                paint_no_picture(painter, QRectF(self.rect()), self._whole, 64)
        else:
            self._paint_photo(painter, self._whole)
            if self._map is not None:
                self._map.paint(painter, self.placement.place)
        painter.end()

    def _paint_photo(self, painter: QPainter, whole: QPixmap) -> None:
        """Paint what was drawn for this zoom, and around it the whole photo, quickly, until that is drawn."""
        smooth, placement = QPainter.RenderHint.SmoothPixmapTransform, self.placement
        painter.setRenderHint(smooth, placement.zoom is None)
        if self._part is None:
            painter.drawPixmap(placement.place, whole, QRectF(whole.rect()))
            return
        area, part = self._part
        place = placement.place_of(area)
        painter.setClipRegion(QRegion(self.rect()) - QRegion(place.toRect().adjusted(1, 1, -1, -1)))
        painter.drawPixmap(placement.place, whole, QRectF(whole.rect()))
        painter.setClipping(False)
        painter.setRenderHint(smooth, placement.actual_zoom < _PIXELS_FROM)
        painter.drawPixmap(place, part, QRectF(part.rect()))

    # ---- pictures

    def _ready_picture(self, path: Path) -> QPixmap | None:
        """A small picture of a photo that is cached, as a rule."""
        preview = self._pictures.cached(path, PREVIEW_SIDE)
        return preview if preview is not None else self._pictures.thumbnail(path)

    def _guessed_size(self) -> QSize:
        """The size of the photo as far as it is known: a picture that fills its frame may be a reduced one."""
        if self._whole is None or self._whole.isNull():
            return QSize()
        size = self._whole.size()
        is_reduced = max(size.width(), size.height()) % THUMBNAIL_SIDE == 0  # as thumbnails and previews are
        room = self.size() * self.devicePixelRatioF()
        return size.scaled(room, Qt.AspectRatioMode.KeepAspectRatio) if is_reduced else size

    def _wanted(self) -> _Request:
        zoom, area = self.placement.zoom, None
        width, height = (side * self.devicePixelRatioF() for side in (self.width(), self.height()))
        if zoom is not None:
            area = self.placement.visible_area(_MARGIN)
            width, height = area.width * zoom, area.height * zoom
        return area, max(1, round(width)), max(1, round(height))

    def _request(self) -> None:
        """Let the picture process draw what is visible now, unless it is drawing: then afterwards."""
        wanted = self._wanted()
        if self._path is None or self._is_drawing or wanted == self._asked or not self.isVisible():
            return
        self._asked, self._is_drawing = wanted, True
        task = self._latest.start(draw_area, self._path, *wanted)
        task.succeeded.connect(partial(self._end, partial(self._on_drawn, wanted[0])))
        task.failed.connect(partial(self._end, partial(self._on_failed, wanted[0])))

    def _end(self, show: Callable[[object], None], answer: object) -> None:
        self._is_drawing = False
        show(answer)
        self._request()

    def _on_drawn(self, asked: Area | None, drawn: DrawnArea) -> None:
        picture = pixmap(drawn.picture)
        self.placement.photo = QSize(drawn.width, drawn.height)
        if asked is None:
            self._whole, self._part = picture, None
        else:
            self._part = drawn.area, picture
        self.update()
        self.zoomed.emit()

    def _on_failed(self, asked: Area | None, error: object) -> None:
        """A photo too large to be decoded completely is shown as far as it is known."""
        if asked is None:
            self._whole = QPixmap()
            self.update()
