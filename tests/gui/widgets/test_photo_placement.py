"""Zooming and panning a photo in a view."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QRectF, QSize

from core.images.viewing import Area
from gui.widgets.photo_placement import MAX_ZOOM, Placement


def placement(width: int = 4000, height: int = 3000, ratio: float = 1.0) -> Placement:
    return Placement(QSize(width, height), QSize(800, 400), ratio)


@pytest.mark.parametrize(
    ("size", "place"),
    [
        ((4000, 3000), QRectF(133.33, 0, 533.33, 400)),
        ((100, 50), QRectF(200, 100, 400, 200)),  # small photos are enlarged, but not without end
    ],
)
def test_a_fitted_photo_is_in_the_middle(size: tuple[int, int], place: QRectF) -> None:
    fitted = placement(*size).place
    assert [round(one, 2) for one in fitted.getRect()] == list(place.getRect())


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_at_100_percent_a_pixel_of_the_photo_is_a_pixel_of_the_screen(ratio: float) -> None:
    shown = placement(ratio=ratio)
    shown.zoom_to(1.0)
    assert shown.place.width() == 4000 / ratio
    assert shown.visible_area() == Area(*(int(one) for one in (2000 - 400 * ratio, 1500 - 200 * ratio)), *(
        int(one) for one in (800 * ratio, 400 * ratio)
    ))  # fmt: skip


def test_the_point_under_the_pointer_stays_there() -> None:
    shown, pointer = placement(), QPointF(300, 150)
    before = shown.place
    point = (pointer.x() - before.left()) / before.width(), (pointer.y() - before.top()) / before.height()
    for zoom in (0.5, 2.0, 0.7):
        shown.zoom_to(zoom, pointer)
        now = shown.place
        assert now.left() + point[0] * now.width() == pytest.approx(pointer.x())
        assert now.top() + point[1] * now.height() == pytest.approx(pointer.y())


def test_a_photo_is_not_panned_beyond_its_edges() -> None:
    shown = placement()
    shown.zoom_to(1.0)
    shown.pan(QPointF(1e6, 1e6))
    assert shown.visible_area() == Area(0, 0, 800, 400)
    shown.pan(QPointF(-1e6, -1e6))
    assert shown.visible_area() == Area(3200, 2600, 800, 400)


def test_a_margin_around_what_is_visible_ends_at_the_edges() -> None:
    shown = placement(ratio=2.0)
    shown.zoom_to(1.0)
    shown.pan(QPointF(1e6, 0))
    assert shown.visible_area() == Area(0, 1100, 1600, 800)
    assert shown.visible_area(100) == Area(0, 900, 1800, 1200), "of the view: of a sharp screen, twice as many"


def test_zooming_is_bounded() -> None:
    shown = placement()
    shown.zoom_to(1000.0)
    assert shown.actual_zoom == MAX_ZOOM
    shown.zoom_to(0.01)
    assert shown.zoom is None
    assert shown.actual_zoom == shown.fit
