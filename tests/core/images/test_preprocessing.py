"""From pixels to what a backbone reads."""

from __future__ import annotations

import numpy as np
import pytest

from core.images.preprocessing import Preprocessing, ResizeMode, preprocess
from tests import samples


@pytest.mark.parametrize("size", [(64, 64), (640, 480), (480, 640), (20, 300), (1, 1)])
@pytest.mark.parametrize("fit", ResizeMode)
def test_the_result_is_the_square_that_the_backbone_reads(size: tuple[int, int], fit: ResizeMode) -> None:
    ready = preprocess(samples.quadrants(*size), Preprocessing(64, fit, 0.875))
    assert ready.shape == (64, 64, 3)
    assert ready.dtype == np.uint8


def test_stretching_shows_the_whole_image() -> None:
    ready = preprocess(samples.quadrants(640, 320), Preprocessing(64))
    corners = ready[[5, 5, 58, 58], [5, 58, 5, 58]]
    assert corners.tolist() == [list(c) for c in (samples.RED, samples.GREEN, samples.BLUE, samples.GREY)]


def test_the_centre_crop_leaves_out_what_is_beside_the_centre() -> None:
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = 200
    for turned in (pixels, pixels.swapaxes(0, 1).copy()):
        kept = preprocess(turned, Preprocessing(32, ResizeMode.CENTRE_CROP))
        assert (kept[2:-2, 2:-2] == 200).all(), "but for the outermost, which bicubic mixes with its neighbours"
        assert kept.min() > 150
    assert preprocess(pixels, Preprocessing(32))[16, [0, 16, 31], 0].tolist() == [0, 200, 0]


def test_the_crop_is_the_part_of_the_shorter_side_that_is_kept() -> None:
    pixels = np.zeros((400, 400, 3), np.uint8)
    pixels[50:350, 50:350] = 200
    assert preprocess(pixels, Preprocessing(64, ResizeMode.CENTRE_CROP, 0.75)).min() > 150
    wider = preprocess(pixels, Preprocessing(64, ResizeMode.CENTRE_CROP, 0.9))
    assert (wider[[0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()


def test_reducing_is_antialiased() -> None:
    check = np.indices((512, 512)).sum(axis=0) % 2 * 255
    ready = preprocess(np.repeat(check[..., None], 3, axis=2).astype(np.uint8), Preprocessing(32))
    np.testing.assert_allclose(ready[2:-2, 2:-2], 128, atol=3)


def test_an_image_of_the_right_size_stays_as_it_is() -> None:
    pixels = samples.photo_like(48, 48)
    assert (preprocess(pixels, Preprocessing(48)) == pixels).all()


def test_decoding_may_reduce_to_twice_the_side_that_is_read() -> None:
    assert Preprocessing(299).min_decode_side == 374
    assert Preprocessing(224, ResizeMode.CENTRE_CROP, 0.875).min_decode_side == 320


@pytest.mark.parametrize(("size", "crop"), [(15, 1.0), (2049, 1.0), (299, 0.0), (299, 1.01), (299, -1.0)])
def test_plans_that_make_no_sense_are_refused(size: int, crop: float) -> None:
    with pytest.raises(ValueError, match="must"):
        Preprocessing(size, ResizeMode.CENTRE_CROP, crop)
