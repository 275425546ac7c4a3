"""Where a photo appears in a view: fitted, or zoomed around a point."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, floor
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF

from core.images.viewing import Area

MAX_ZOOM: Final = 16.0
_MAX_FIT: Final = 4.0
"""How much a small photo is enlarged to fit the view."""


@dataclass(slots=True, eq=False)
class Placement:
    """The zoom of a photo, and which of its points is in the middle of the view.

    Attributes:
        photo: the size of the photo, upright, in its own pixels.
        view: the size of the view, in the pixels of widgets.
        ratio: pixels of the screen per pixel of a widget.
        zoom: pixels of the screen per pixel of the photo; None to fit the photo into the view.
        middle: the point of the photo in the middle of the view, in its pixels.
    """

    photo: QSize = field(default_factory=QSize)
    view: QSize = field(default_factory=QSize)
    ratio: float = 1.0
    zoom: float | None = None
    middle: QPointF = field(default_factory=QPointF)

    @property
    def fit(self) -> float:
        """The zoom with which the whole photo is as large as the view allows."""
        if self.photo.isEmpty():
            return 1.0
        room = QSizeF(self.view) * self.ratio
        return min(room.width() / self.photo.width(), room.height() / self.photo.height(), _MAX_FIT)

    @property
    def actual_zoom(self) -> float:
        """The zoom in use."""
        return self.fit if self.zoom is None else self.zoom

    @property
    def place(self) -> QRectF:
        """Where the whole photo is, in the pixels of the view."""
        return self.place_of(Area(0, 0, self.photo.width(), self.photo.height()))

    def place_of(self, area: Area) -> QRectF:
        """Where an area of the photo is, in the pixels of the view."""
        scale, middle = self.actual_zoom / self.ratio, self._bounded_middle()
        left = self.view.width() / 2 + (area.left - middle.x()) * scale
        top = self.view.height() / 2 + (area.top - middle.y()) * scale
        return QRectF(left, top, area.width * scale, area.height * scale)

    def visible_area(self, margin: int = 0) -> Area:
        """The part of the photo that is visible, with a margin in pixels of the view around it; at least one pixel."""
        place, scale = self.place, self.actual_zoom / self.ratio
        left, top = max(0, floor((-margin - place.left()) / scale)), max(0, floor((-margin - place.top()) / scale))
        right = min(self.photo.width(), ceil((self.view.width() + margin - place.left()) / scale))
        bottom = min(self.photo.height(), ceil((self.view.height() + margin - place.top()) / scale))
        return Area(left, top, max(1, right - left), max(1, bottom - top))

    def zoom_to(self, zoom: float | None, at: QPointF | None = None) -> None:
        """Zoom so that the point of the photo at a place of the view, by default its middle, stays there."""
        at = QPointF(self.view.width() / 2, self.view.height() / 2) if at is None else at
        place, scale = self.place, self.actual_zoom / self.ratio
        point = QPointF((at.x() - place.left()) / scale, (at.y() - place.top()) / scale)
        self.zoom = None if zoom is None or (zoom <= self.fit and zoom != 1) else min(zoom, MAX_ZOOM)
        scale = self.actual_zoom / self.ratio
        away = QPointF(at.x() - self.view.width() / 2, at.y() - self.view.height() / 2)
        self.middle = point - away / scale
        self.middle = self._bounded_middle()

    def pan(self, by: QPointF) -> None:
        """Move the photo by some pixels of the view, never beyond its edges."""
        self.middle = self._bounded_middle() - by * (self.ratio / self.actual_zoom)
        self.middle = self._bounded_middle()

    def _bounded_middle(self) -> QPointF:
        scale = self.actual_zoom / self.ratio
        return QPointF(
            _bounded(self.middle.x(), self.photo.width(), self.view.width() / scale),
            _bounded(self.middle.y(), self.photo.height(), self.view.height() / scale),
        )


def _bounded(middle: float, side: int, visible: float) -> float:
    """The middle on one axis: the photo's own if all of it is visible, otherwise limited by the photo's edges."""
    return side / 2 if visible >= side else min(max(middle, visible / 2), side - visible / 2)
