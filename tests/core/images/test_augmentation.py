"""Augmented photos show what was there, are never torn, and come out the same again."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from core.card import Preprocessing, ResizeMode
from core.images import augmentation
from core.images.augmentation import DESCRIPTION, augment, make_rng

_PLAN = Preprocessing(64)
_SUM = hashlib.sha256(b"a photo").hexdigest()


def _photo(height: int = 90, width: int = 120) -> NDArray[np.uint8]:
    """A ramp from left to right in red, from top to bottom in green, with nothing black in it."""
    y, x = np.mgrid[0:height, 0:width]
    ramps = [60 + 180 * x / width, 60 + 180 * y / height, np.full(x.shape, 128.0)]
    return np.stack(ramps, axis=-1).astype(np.uint8)


def _many(pixels: NDArray[np.uint8], count: int = 60, plan: Preprocessing = _PLAN) -> NDArray[np.uint8]:
    return np.stack([augment(pixels, plan, make_rng(0, epoch, _SUM)) for epoch in range(count)])


def test_the_same_seed_epoch_and_file_give_the_same_photo() -> None:
    wanted = augment(_photo(), _PLAN, make_rng(3, 2, _SUM))
    np.testing.assert_array_equal(augment(_photo(), _PLAN, make_rng(3, 2, _SUM)), wanted)


@pytest.mark.parametrize("other", [(4, 2, _SUM), (3, 1, _SUM), (3, 2, hashlib.sha256(b"another").hexdigest())])
def test_another_seed_epoch_or_file_gives_another(other: tuple[int, int, str]) -> None:
    wanted = augment(_photo(), _PLAN, make_rng(3, 2, _SUM))
    assert not np.array_equal(augment(_photo(), _PLAN, make_rng(*other)), wanted)


@pytest.mark.parametrize("fit", list(ResizeMode))
@pytest.mark.parametrize("shape", [(90, 120), (120, 90), (1, 1), (3, 200), (700, 900)])
def test_any_photo_comes_out_in_the_backbone_s_size(shape: tuple[int, int], fit: ResizeMode) -> None:
    found = _many(_photo(*shape), 5, Preprocessing(64, fit, 0.9))
    assert found.shape == (5, 64, 64, 3)
    assert found.dtype == np.uint8


def test_no_corner_is_black_however_it_is_turned() -> None:
    found = _many(_photo())
    assert found.min() >= 60 * 0.8**3 - 20


def test_the_light_changes_within_bounds_and_both_ways() -> None:
    means = _many(_photo()).mean(axis=(1, 2, 3)) / _photo().mean()
    assert means.min() >= 0.75
    assert means.max() <= 1.25
    assert means.min() < 0.9 < 1.1 < means.max()


def test_half_of_the_photos_are_mirrored_and_none_is_upside_down() -> None:
    found = _many(_photo(), 200).astype(int)
    rising = (found[:, :, -8:, 0].mean(axis=(1, 2)) > found[:, :, :8, 0].mean(axis=(1, 2))).mean()
    assert 0.35 < rising < 0.65
    assert (found[:, -8:, :, 1].mean(axis=(1, 2)) > found[:, :8, :, 1].mean(axis=(1, 2))).all()


def test_most_of_the_photo_is_kept() -> None:
    """How far red climbs from one side to the other tells how much of the width is left; contrast adds a fifth."""
    found = _many(_photo(), 200).astype(float)
    middle = found[:, 28:36, :, 0].mean(axis=1)
    climbs = np.abs(middle[:, -4:].mean(axis=1) - middle[:, :4].mean(axis=1)) / 180
    assert climbs.min() > 0.7 * 0.8 * 0.8 * 0.9
    assert climbs.max() < 1.2 * 1.2 * 1.2


def test_a_photo_of_one_colour_stays_one() -> None:
    for photo in _many(np.full((80, 100, 3), (100, 140, 60), np.uint8), 20):
        assert np.ptp(photo, axis=(0, 1)).max() == 0


def test_a_long_photo_is_turned_less() -> None:
    """Its lower edge of white, seen in the square, climbs by no more than 15 degrees do in a square photo."""
    pixels = np.full((60, 300, 3), 255, np.uint8)
    pixels[30:] = 40
    edges = (_many(pixels, 100).mean(axis=-1) < 140).argmax(axis=1)
    assert np.abs(edges[:, -1].astype(int) - edges[:, 0]).max() <= 64 * np.tan(np.radians(17))


def test_the_user_can_read_what_is_done() -> None:
    figures = (
        f"{augmentation._MIN_AREA:.0%} of the area",
        f"up to {augmentation._STRETCH - 1:.0%}",
        f"up to {augmentation._MAX_DEGREES:.0f} degrees",
        f"saturation changed by up to {augmentation._COLOUR:.0%}",
    )
    for figure in figures:
        assert any(figure in line for line in DESCRIPTION)
