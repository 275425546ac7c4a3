"""The subject of an image, and the crop around it."""

from __future__ import annotations

import pytest

from core.detection import Box, Detection
from core.models.subject import MARGIN, crop_around, subject_of


def thing(label: str, score: float, side: float) -> Detection:
    return Detection(label, score, Box(0.1, 0.1, 0.1 + side, 0.1 + side))


@pytest.mark.parametrize(
    ("things", "expected"),
    [
        ([], None),
        ([thing("cat", 0.9, 0.2), thing("dog", 0.8, 0.5)], "dog"),
        ([thing("cat", 0.9, 0.3), thing("dog", 0.5, 0.3)], "cat"),
        ([thing("person", 0.99, 0.1)], None),
        ([thing("dining table", 0.9, 0.9), thing("cup", 0.6, 0.3)], "cup"),
        ([thing("couch", 0.9, 0.7)], "couch"),
    ],
    ids=["nothing", "the larger", "the surer", "a bystander", "not what it stands on", "furniture alone"],
)
def test_the_subject_is_the_most_prominent_thing(things: list[Detection], expected: str | None) -> None:
    found = subject_of(things)
    assert (found and found.label) == expected


def test_the_crop_is_a_square_with_a_margin_around_the_middle() -> None:
    crop = crop_around(Box(0.4, 0.4, 0.5, 0.6), 1000, 500)
    assert crop is not None
    width, height = (crop.right - crop.left) * 1000, (crop.bottom - crop.top) * 500
    assert (width, height) == pytest.approx((100 * (1 + MARGIN), 100 * (1 + MARGIN)))
    assert (crop.left + crop.right, crop.top + crop.bottom) == pytest.approx((0.9, 1.0))


def test_a_crop_is_larger_where_the_backbone_sees_less_of_it() -> None:
    whole, part = (crop_around(Box(0.4, 0.4, 0.6, 0.6), 100, 100, seen) for seen in (1.0, 0.8))
    assert whole is not None
    assert part is not None
    assert part.right - part.left == pytest.approx((whole.right - whole.left) / 0.8)


@pytest.mark.parametrize("box", [Box(0, 0, 0.2, 0.2), Box(0.8, 0.8, 1, 1), Box(0.9, 0, 1, 0.3), Box(0, 0.4, 0.6, 0.5)])
def test_a_crop_stays_inside_the_image_and_contains_the_subject(box: Box) -> None:
    crop = crop_around(box, 400, 300)
    assert crop is not None
    assert 0 <= crop.left <= box.left < box.right <= crop.right <= 1
    assert 0 <= crop.top <= box.top < box.bottom <= crop.bottom <= 1


def test_a_subject_that_fills_the_image_needs_no_crop() -> None:
    assert crop_around(Box(0.1, 0.1, 0.9, 0.9), 400, 400) is None
