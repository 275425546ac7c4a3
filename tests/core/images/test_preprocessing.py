"""From pixels to what a backbone reads."""

from __future__ import annotations

import numpy as np
import pytest

from core.images.preprocessing import PADDING, Preprocessing, ResizeMode, crop_box, preprocess, version
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


@pytest.mark.parametrize("size", [(120, 40), (40, 120), (31, 97), (500, 3)])
def test_padding_shows_the_whole_image_in_the_middle_of_grey(size: tuple[int, int]) -> None:
    spec = Preprocessing(48, ResizeMode.PAD)
    ready = preprocess(np.full((size[1], size[0], 3), 255, np.uint8), spec)
    is_image = (ready == 255).all(axis=2)
    assert (ready[~is_image] == PADDING).all()
    down, across = (np.flatnonzero(is_image.any(axis=axis)) for axis in (1, 0))
    assert (len(across), len(down)) == tuple(max(1, round(length * 48 / max(size))) for length in size)
    left, upper, right, lower = crop_box(size, spec)
    inside = [0, 0, *size] - np.array([left, upper, left, upper])  # where the image lies in the box, to scale
    box = inside * 48 / np.array([right - left, lower - upper] * 2)
    np.testing.assert_allclose(box, [across[0], down[0], across[-1] + 1, down[-1] + 1], atol=1e-9)


def test_a_square_image_has_no_padding() -> None:
    pixels = samples.photo_like(80, 80)
    assert (preprocess(pixels, Preprocessing(48, ResizeMode.PAD)) == preprocess(pixels, Preprocessing(48))).all()
    assert crop_box((80, 80), Preprocessing(48, ResizeMode.PAD)) == (0, 0, 80, 80)


def test_features_of_different_fits_are_never_mixed() -> None:
    assert len({version(Preprocessing(48, fit)) for fit in ResizeMode}) == len(ResizeMode)
