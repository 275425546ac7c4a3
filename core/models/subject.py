"""The subject of an image: the most prominent thing in it, and a crop around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.detection import Box, Detection

MARGIN: Final = 0.25
"""The crop is larger than the subject by this fraction of the subject's longer side, half of it on each side."""
MIN_AREA: Final = 0.015
"""Smaller things are bystanders: people in front of a monument have up to 0.011 of its photo."""
MAX_AREA: Final = 0.75
"""A crop of more of the image would show the same."""
SURROUNDINGS: Final = frozenset({"bed", "bench", "chair", "couch", "dining table"})
"""What other things are on, of COCO's labels."""


def subject_of(detections: Sequence[Detection]) -> Detection | None:
    """The most prominent thing, by its score times the square root of its area; None if there is none.

    Things that are too small do not count, and furniture only if there is nothing else.
    """
    large = [one for one in detections if one.box.area >= MIN_AREA]
    apart = [one for one in large if one.label not in SURROUNDINGS]
    return max(apart or large, key=lambda one: one.score * one.box.area**0.5, default=None)


def crop_around(box: Box, width: int, height: int, seen: float = 1.0) -> Box | None:
    """The crop around a subject: a square in pixels where the image is large enough, inside the image.

    Args:
        box: where the subject is.
        width: the image's width in pixels.
        height: its height in pixels.
        seen: the fraction of the crop's side that the backbone sees (`Preprocessing.crop`).

    Returns:
        The crop, or None if it would be almost the whole image.
    """
    longer = max((box.right - box.left) * width, (box.bottom - box.top) * height)
    side = longer * (1 + MARGIN) / seen
    left, right = _around(box.left, box.right, min(1.0, side / width))
    top, bottom = _around(box.top, box.bottom, min(1.0, side / height))
    crop = Box(left, top, right, bottom)
    return None if crop.area > MAX_AREA else crop


def _around(low: float, high: float, length: float) -> tuple[float, float]:
    """An interval of this length around the middle of another, moved into 0..1."""
    start = min(max(0.0, (low + high - length) / 2), 1 - length)
    return start, start + length
