"""Whole images from files of every format: upright, reduced where that is allowed, chosen by content."""

from __future__ import annotations

import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.base.errors import ImageError
from core.images.decoding import decode, decode_thumbnail
from core.images.preprocessing import Preprocessing, preprocess
from tests import samples

TOLERANCE = {form: 0 if form in samples.LOSSLESS else 6 for form in samples.FORMATS}
TURNABLE = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")


def _file(folder: Path, data: bytes, name: str = "image") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("form", samples.FORMATS)
def test_every_format(tmp_path: Path, form: str) -> None:
    drawn = samples.quadrants()
    pixels = decode(_file(tmp_path, samples.encoded(drawn, form)))
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(pixels, drawn.astype(int), atol=TOLERANCE[form])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", TURNABLE)
def test_every_orientation_comes_out_upright(tmp_path: Path, form: str, orientation: int) -> None:
    upright = samples.quadrants()
    pixels = decode(_file(tmp_path, samples.turned(form, orientation, upright)))
    assert pixels.shape == upright.shape
    np.testing.assert_allclose(pixels, upright.astype(int), atol=TOLERANCE[form])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_images_of_several_bands(tmp_path: Path, orientation: int) -> None:
    """Pixels are turned while they are put together from bands of a megapixel."""
    upright = samples.quadrants(1400, 1600)
    assert (decode(_file(tmp_path, samples.turned("PNG", orientation, upright))) == upright).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "exif",
    [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0garbage and more garbage", samples.exif(6)[:-5]],
    ids=["header-only", "wild-offset", "garbage", "cut"],
)
def test_damaged_exif_does_not_damage_the_image(tmp_path: Path, form: str, exif: bytes) -> None:
    drawn = samples.quadrants()
    pixels = decode(_file(tmp_path, samples.encoded(drawn, form, exif=exif)))
    assert sorted(pixels.shape) == sorted(drawn.shape)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientations_that_do_not_exist_are_upright(tmp_path: Path, orientation: int) -> None:
    drawn = samples.quadrants()
    assert (decode(_file(tmp_path, samples.encoded(drawn, "PNG", exif=samples.exif(orientation)))) == drawn).all()


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_the_first_frame_counts(tmp_path: Path, form: str) -> None:
    pixels = decode(_file(tmp_path, samples.animated(form)))
    assert pixels.shape == (30, 40, 3)
    np.testing.assert_allclose(pixels[15, 20], samples.RED, atol=6)


@pytest.mark.parametrize("form", samples.FORMATS)
def test_content_decides_and_not_the_name(tmp_path: Path, form: str) -> None:
    data = samples.encoded(samples.quadrants(), form)
    for name in ("photo.jpg", "photo.PNG", "photo", "photo.txt", "photo.tar.gz"):
        assert decode(_file(tmp_path, data, name)).shape == (32, 48, 3)


@pytest.mark.parametrize(
    ("at_least", "shape"),
    [
        (None, (1200, 1600, 3)),
        (1201, (1200, 1600, 3)),
        (601, (1200, 1600, 3)),
        (600, (600, 800, 3)),
        (299, (300, 400, 3)),
        (150, (150, 200, 3)),
        (16, (150, 200, 3)),
    ],
)
def test_a_jpeg_is_reduced_while_decoding(tmp_path: Path, at_least: int | None, shape: tuple[int, ...]) -> None:
    path = _file(tmp_path, samples.encoded(samples.quadrants(1600, 1200), "JPEG"))
    pixels = decode(path, min_side=at_least)
    assert pixels.shape == shape
    np.testing.assert_allclose(pixels[shape[0] // 4, shape[1] // 4], samples.RED, atol=3)


@pytest.mark.parametrize("size", [(1, 1), (7, 900), (603, 1209), (1199, 1203)])
def test_a_reduced_jpeg_keeps_the_side_that_is_asked_for(tmp_path: Path, size: tuple[int, int]) -> None:
    path = _file(tmp_path, samples.encoded(samples.quadrants(*size), "JPEG"))
    pixels = decode(path, min_side=300)
    assert min(pixels.shape[:2]) >= min(300, *size)
    assert pixels.shape[1] / pixels.shape[0] == pytest.approx(size[0] / size[1], rel=0.01)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_only_a_jpeg_is_reduced(tmp_path: Path, form: str) -> None:
    path = _file(tmp_path, samples.encoded(samples.quadrants(160, 120), form))
    assert decode(path, min_side=16).shape == (120, 160, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_reduced_and_turned(tmp_path: Path, orientation: int) -> None:
    upright = samples.quadrants(1600, 1200)
    pixels = decode(_file(tmp_path, samples.turned("JPEG", orientation, upright)), min_side=300)
    assert pixels.shape == (300, 400, 3)
    corners = pixels[[75, 75, 225, 225], [100, 300, 100, 300]]
    np.testing.assert_allclose(corners, [samples.RED, samples.GREEN, samples.BLUE, samples.GREY], atol=3)


def test_reduced_while_decoding_or_not_the_network_sees_the_same(tmp_path: Path) -> None:
    """12 megapixels, as a camera makes them; 1.0 of 255 is far below what JPEG itself changes."""
    photo = Image.fromarray(samples.photo_like(2000, 1500)).resize((4000, 3000), Image.Resampling.BICUBIC)
    path = _file(tmp_path, samples.encoded(photo, "JPEG", quality=90, subsampling=2))
    plan = Preprocessing(299)
    reduced, full = decode(path, min_side=plan.min_decode_side), decode(path)
    assert reduced.shape == (375, 500, 3)
    difference = np.abs(preprocess(reduced, plan).astype(int) - preprocess(full, plan))
    assert difference.mean() < 1.0


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_previews_fit_and_keep_their_shape(tmp_path: Path, form: str) -> None:
    path = _file(tmp_path, samples.encoded(samples.quadrants(640, 480), form))
    preview = decode_thumbnail(path, 100)
    assert preview.shape == (75, 100, 3)
    np.testing.assert_allclose(
        preview[[18, 18, 56, 56], [25, 75, 25, 75]],
        [samples.RED, samples.GREEN, samples.BLUE, samples.GREY],
        atol=3,
    )


def test_previews_are_turned(tmp_path: Path) -> None:
    path = _file(tmp_path, samples.turned("JPEG", 6, samples.quadrants(480, 640)))
    preview = decode_thumbnail(path, 100)
    assert preview.shape == (100, 75, 3)
    np.testing.assert_allclose(preview[10, 10], samples.RED, atol=3)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_previews_are_never_enlarged(tmp_path: Path, form: str) -> None:
    path = _file(tmp_path, samples.encoded(samples.quadrants(48, 32), form))
    assert decode_thumbnail(path, 48).shape == decode_thumbnail(path, 500).shape == (32, 48, 3)


@pytest.mark.parametrize("size", [(3000, 2), (2, 3000), (1, 1)])
def test_previews_of_strips_keep_at_least_one_row(tmp_path: Path, size: tuple[int, int]) -> None:
    preview = decode_thumbnail(_file(tmp_path, samples.encoded(samples.quadrants(*size), "JPEG")), 64)
    assert 1 <= min(preview.shape[:2]) <= max(preview.shape[:2]) <= 64


def test_previews_are_antialiased(tmp_path: Path) -> None:
    """A fine check becomes the grey that it is from afar."""
    check = np.indices((512, 512)).sum(axis=0) % 2 * 255
    preview = decode_thumbnail(_file(tmp_path, samples.encoded(check.astype(np.uint8), "PNG")), 64)
    np.testing.assert_allclose(preview[4:-4, 4:-4], 128, atol=3)


def test_heic_without_its_optional_part_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(tmp_path, samples.encoded(samples.quadrants(), "HEIF"))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match="HEIC") as caught:
        decode(path)
    assert caught.value.kind == "not-an-image"
    assert "pillow-heif" in caught.value.hint


def test_odd_metadata_raise_no_warning(tmp_path: Path) -> None:
    """A broken TIFF entry makes Pillow warn; here every warning is an error, and the image is whole."""
    data = bytearray(samples.encoded(samples.quadrants(), "TIFF", software="x" * 60))
    entry = data.index(b"\x31\x01\x02\x00")
    data[entry + 4 : entry + 8] = (10_000).to_bytes(4, "little")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(_file(tmp_path, bytes(data))).shape == (32, 48, 3)


def test_many_threads_read_many_images(tmp_path: Path) -> None:
    profile = samples.rgb_profile(samples.P3_COLUMNS)
    drawn = samples.photo_like(160, 120)
    paths = [
        _file(tmp_path, samples.encoded(drawn, form, icc_profile=profile), f"{form}-{number}")
        for form in ("JPEG", "PNG", "WEBP", "TIFF")
        for number in range(8)
    ]
    alone = [decode(path) for path in paths]
    barrier = threading.Barrier(4)

    def read(path: Path) -> np.ndarray:
        barrier.wait()
        return decode(path)

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(read, paths))
    assert all((one == other).all() for one, other in zip(alone, together, strict=True))
