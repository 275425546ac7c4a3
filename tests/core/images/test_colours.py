"""Bit depths, palettes, transparency and colour profiles: the values that come out, not only the shapes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from core.images.decoding import Pixels, decode
from tests import samples

P3, ADOBE = (
    samples.rgb_profile(samples.P3_COLUMNS),
    samples.rgb_profile(samples.ADOBE_COLUMNS, samples.gamma_curve(2.2)),
)
SRGB = samples.rgb_profile(samples.SRGB_COLUMNS)
TONES = ((200, 100, 50), (60, 120, 180), (128, 128, 128), (90, 200, 110))


Decoder = Callable[[bytes], Pixels]


@pytest.fixture
def decoded(tmp_path: Path) -> Decoder:
    """Bytes of a file -> pixels as lists of rows of colours."""

    def decode_bytes(data: bytes) -> Pixels:
        path = tmp_path / "image"
        path.write_bytes(data)
        return decode(path)

    return decode_bytes


def _row(*colours: tuple[int, ...]) -> Pixels:
    return np.array([colours], np.uint8)


def _grey(pixels: Pixels) -> list[int]:
    assert (pixels == pixels[..., :1]).all(), "grey images stay grey"
    return pixels[..., 0].ravel().tolist()


def test_grey_and_black_and_white(decoded: Decoder) -> None:
    values = np.array([[0, 1, 127, 254, 255]], np.uint8)
    assert _grey(decoded(samples.encoded(values, "PNG"))) == [0, 1, 127, 254, 255]
    assert _grey(decoded(samples.encoded(Image.fromarray(values > 100), "PNG"))) == [0, 0, 255, 255, 255]
    assert _grey(decoded(samples.encoded(Image.fromarray(values > 100), "TIFF"))) == [0, 0, 255, 255, 255]


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bits_are_scaled_and_not_clipped(decoded: Decoder, form: str) -> None:
    values = np.array([[0, 256, 257, 1000, 32768, 65278, 65535]], np.uint16)
    expected = np.rint(values / 257).astype(int).ravel().tolist()
    assert _grey(decoded(samples.encoded(Image.fromarray(values), form))) == expected == [0, 1, 1, 4, 128, 254, 255]


def test_big_endian_16_bits(decoded: Decoder) -> None:
    values = np.array([[0, 257, 65535]], ">u2")
    assert _grey(decoded(samples.encoded(Image.fromarray(values), "TIFF"))) == [0, 1, 255]


def test_16_bit_colour_keeps_its_upper_byte(decoded: Decoder) -> None:
    rows = b"".join(
        b"\0" + b"".join(struct.pack(">3H", 65535, 0x8000, red * 257) for red in range(3)) for _ in range(2)
    )
    assert decoded(samples.png(3, 2, 16, 2, rows))[0].tolist() == [[255, 128, 0], [255, 128, 1], [255, 128, 2]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 100, 255], [0, 100, 255]),
        ([0, 257, 65535], [0, 1, 255]),
        ([-128, 0, 127], [0, 128, 255]),
        ([0, 10**9, 2 * 10**9], [0, 128, 255]),
        ([7, 7, 7], [7, 7, 7]),
        ([-7, -7, -7], [0, 0, 0]),
    ],
)
def test_32_bit_integers(decoded: Decoder, values: list[float], expected: list[int]) -> None:
    assert _grey(decoded(samples.encoded(Image.fromarray(np.array([values], np.int32)), "TIFF"))) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.5, 1], [0, 128, 255]),
        ([0, 100, 255], [0, 100, 255]),
        ([-1, 0, 3], [0, 64, 255]),
        ([np.nan, np.inf, -np.inf, 0.2], [0, 255, 0, 51]),
        ([np.nan, np.nan], [0, 0]),
        ([-3e38, 0, 3e38], [0, 128, 255]),
    ],
)
def test_floating_point(decoded: Decoder, values: list[float], expected: list[int]) -> None:
    assert _grey(decoded(samples.encoded(Image.fromarray(np.array([values], np.float32)), "TIFF"))) == expected


def test_the_range_of_deep_grey_is_that_of_the_whole_image(decoded: Decoder) -> None:
    """The image is converted in bands; a band of its own small range must not be stretched by it."""
    values = np.zeros((1200, 1024), np.int32)
    values[0, 0], values[-1, -1] = -1000, 1000
    pixels = decoded(samples.encoded(Image.fromarray(values), "TIFF"))
    assert pixels[0, 0, 0] == 0
    assert pixels[-1, -1, 0] == 255
    assert np.unique(pixels[1:-1]).tolist() == [128]


def test_alpha_is_laid_over_white(decoded: Decoder) -> None:
    pixels = _row((200, 0, 100, 255), (200, 0, 100, 0), (200, 0, 100, 51))
    expected = [[200, 0, 100], [255, 255, 255], [244, 204, 224]]
    for form in ("PNG", "WEBP", "TIFF"):
        options = {"exact": True} if form == "WEBP" else {}
        np.testing.assert_allclose(decoded(samples.encoded(pixels, form, **options))[0], expected, atol=1)


def test_grey_with_alpha_is_laid_over_white(decoded: Decoder) -> None:
    values = Image.merge("LA", [Image.fromarray(np.array([band], np.uint8)) for band in ([0, 0, 100], [255, 0, 128])])
    assert _grey(decoded(samples.encoded(values, "PNG"))) == [0, 255, 177]


def test_palette(decoded: Decoder) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    for form in ("PNG", "GIF", "BMP", "TIFF"):
        assert decoded(samples.encoded(image, form))[0].tolist() == [[10, 20, 30], [40, 50, 60], [70, 80, 90]]


def test_palette_with_transparency(decoded: Decoder) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    one_clear = [[10, 20, 30], [255, 255, 255], [70, 80, 90]]
    assert decoded(samples.encoded(image, "GIF", transparency=1))[0].tolist() == one_clear
    assert decoded(samples.encoded(image, "PNG", transparency=1))[0].tolist() == one_clear
    half = decoded(samples.encoded(image, "PNG", transparency=bytes([255, 0, 51])))[0]
    np.testing.assert_allclose(half, [[10, 20, 30], [255, 255, 255], [218, 220, 222]], atol=1)


def test_one_transparent_colour(decoded: Decoder) -> None:
    colours = _row((10, 20, 30), (40, 50, 60))
    assert decoded(samples.encoded(colours, "PNG", transparency=(10, 20, 30)))[0].tolist() == [[255] * 3, [40, 50, 60]]
    assert _grey(decoded(samples.encoded(np.array([[5, 9]], np.uint8), "PNG", transparency=9))) == [5, 255]
    deep = Image.fromarray(np.array([[0, 300, 65535]], np.uint16))
    assert _grey(decoded(samples.encoded(deep, "PNG", transparency=300))) == [0, 255, 255]


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile(decoded: Decoder, form: str) -> None:
    """Adobe's inverted CMYK in a JPEG, upright CMYK in a TIFF; both mean the same inks."""
    inks = np.zeros((16, 32, 4), np.uint8)
    inks[:, :16], inks[:, 16:] = (255, 0, 0, 0), (0, 255, 255, 128)
    pixels = decoded(samples.encoded(Image.frombytes("CMYK", (32, 16), inks.tobytes()), form))
    np.testing.assert_allclose(pixels[4, [4, 28]], [[0, 255, 255], [127, 0, 0]], atol=3)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_with_a_profile(decoded: Decoder, form: str) -> None:
    mixtures = np.zeros((2, 2, 2, 2, 3), np.uint8)
    mixtures[0, 0, 0, 0], mixtures[1, 0, 0, 0], mixtures[0, 1, 1, 0] = (255, 255, 255), (60, 150, 210), (220, 70, 60)
    inks = np.zeros((16, 48, 4), np.uint8)
    inks[:, 16:32], inks[:, 32:] = (255, 0, 0, 0), (0, 255, 255, 0)
    image = Image.frombytes("CMYK", (48, 16), inks.tobytes())
    pixels = decoded(samples.encoded(image, form, icc_profile=samples.cmyk_profile(mixtures)))
    np.testing.assert_allclose(pixels[4, [4, 24, 44]], [(255, 255, 255), (60, 150, 210), (220, 70, 60)], atol=4)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF", "HEIF"])
def test_wide_gamut_profiles_are_applied(decoded: Decoder, form: str) -> None:
    tiles = np.repeat(np.repeat(_row(*TONES), 16, axis=0), 16, axis=1)
    for profile, columns, gamma in ((P3, samples.P3_COLUMNS, None), (ADOBE, samples.ADOBE_COLUMNS, 2.2)):
        expected = [samples.to_srgb(tone, columns, gamma) for tone in TONES]
        assert np.abs(np.array(expected) - TONES).max() > 12, "the profile matters for these colours"
        pixels = decoded(samples.encoded(tiles, form, icc_profile=profile))
        np.testing.assert_allclose(pixels[8, 8::16], expected, atol=2 if form in samples.LOSSLESS else 5)


def test_colours_outside_srgb_go_to_its_edge(decoded: Decoder) -> None:
    pixels = decoded(samples.encoded(_row((255, 0, 0), (0, 255, 0)), "PNG", icc_profile=P3))
    np.testing.assert_allclose(pixels[0], [[255, 0, 0], [0, 255, 0]], atol=1)


def test_a_profile_that_is_srgb_changes_nothing(decoded: Decoder) -> None:
    steps = np.arange(256, dtype=np.uint8)
    pixels = np.stack([steps, steps[::-1], np.roll(steps, 99)], axis=-1)[None]
    assert (decoded(samples.encoded(pixels, "PNG", icc_profile=SRGB)) == pixels).all()


def test_profiles_of_grey_images(decoded: Decoder) -> None:
    values = np.array([[0, 64, 128, 255]], np.uint8)
    linear = samples.grey_profile(samples.gamma_curve(1.0))
    np.testing.assert_allclose(
        _grey(decoded(samples.encoded(values, "PNG", icc_profile=linear))), [0, 137, 188, 255], atol=1
    )
    deep = Image.fromarray(values.astype(np.uint16) * 257)
    np.testing.assert_allclose(
        _grey(decoded(samples.encoded(deep, "PNG", icc_profile=linear))), [0, 137, 188, 255], atol=1
    )


def test_profile_and_transparency_together(decoded: Decoder) -> None:
    pixels = _row((200, 100, 50, 255), (200, 100, 50, 0))
    shown = samples.to_srgb((200, 100, 50), samples.P3_COLUMNS, None)
    np.testing.assert_allclose(
        decoded(samples.encoded(pixels, "PNG", icc_profile=P3))[0], [shown, (255, 255, 255)], atol=2
    )


@pytest.mark.parametrize(
    "profile",
    [
        b"no profile",
        b"\0",
        P3[:100],
        P3[:200],
        P3[:128] + bytes(len(P3) - 128),
        samples.grey_profile(samples.gamma_curve(1)),
    ],
    ids=["text", "zero", "half-header", "cut", "hollow", "of-another-mode"],
)
def test_profiles_that_cannot_be_used_are_passed_over(decoded: Decoder, profile: bytes) -> None:
    pixels = _row(*TONES)
    assert (decoded(samples.encoded(pixels, "PNG", icc_profile=profile)) == pixels).all()


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd"])
def test_tiff_compressions(decoded: Decoder, compression: str) -> None:
    pixels = samples.quadrants()
    assert (decoded(samples.encoded(pixels, "TIFF", compression=compression)) == pixels).all()


@pytest.mark.parametrize(("bits", "kind"), [(8, "B"), (16, "H")])
def test_grey_tiff_whose_zero_is_white(decoded: Decoder, bits: int, kind: str) -> None:
    full = 2**bits - 1
    data = struct.pack(f"<3{kind}", 0, full // 255 * 100, full)
    assert _grey(decoded(samples.tiff(3, 1, bits, 0, data))) == [255, 155, 0]
    assert _grey(decoded(samples.tiff(3, 1, bits, 1, data))) == [0, 100, 255]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_grey_of_fewer_bits_stored_in_16(decoded: Decoder, form: str, bits: int) -> None:
    white = 2**bits - 1
    values = np.array([[0, round(white * 100 / 255), white]], np.uint16)
    np.testing.assert_allclose(_grey(decoded(samples.encoded(Image.fromarray(values), form))), [0, 100, 255], atol=1)


def test_a_tiff_may_state_its_white(decoded: Decoder) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[281] = 40_000
    values = Image.fromarray(np.array([[0, 10_000]], np.uint16))
    assert _grey(decoded(samples.encoded(values, "TIFF", tiffinfo=tags))) == [0, 64]


_TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
_HDR = np.repeat(np.repeat(np.array([TONES], np.uint8), 16, axis=0), 16, axis=1)


def _pq(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084, equation 5.2."""
    power = (nits / 10_000) ** (2610 / 16384)
    found: NDArray[np.float64] = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    return found


def _hlg(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """ITU-R BT.2100, table 5, for a display of 1,000 cd/m2."""
    light = nits / 1000
    luminance = light @ np.array([0.2627, 0.6780, 0.0593])
    scene = light * luminance[..., None] ** (1 / 1.2 - 1)
    logarithmic = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    found: NDArray[np.float64] = np.where(scene <= 1 / 12, np.sqrt(3 * scene), logarithmic)
    return found


def _hdr_png(codes: bytes, values: NDArray[np.float64]) -> bytes:
    rows = b"".join(b"\0" + row.tobytes() for row in np.rint(values * 65535).astype(">u2"))
    return samples.png(values.shape[1], values.shape[0], 16, 2, rows, extra=samples.png_chunk(b"cICP", codes))


@pytest.mark.parametrize(("transfer", "curve"), [(16, _pq), (18, _hlg)])
def test_hdr_of_a_photo_without_highlights_looks_as_its_standard_version(
    decoded: Decoder, transfer: int, curve: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> None:
    values = curve(samples.linear(_HDR / 255) @ _TO_BT2020.T * 203)
    np.testing.assert_allclose(decoded(_hdr_png(bytes([9, transfer, 0, 1]), values)), _HDR, atol=5)


def test_hdr_heic(decoded: Decoder) -> None:
    values = np.rint(_pq(samples.linear(_HDR / 255) @ _TO_BT2020.T * 203) * 65535).astype("<u2")
    image = pillow_heif.from_bytes("RGB;16", _HDR.shape[1::-1], values.tobytes())
    buffer = BytesIO()
    image.save(
        buffer, quality=95, chroma=444, color_primaries=9, transfer_characteristics=16, matrix_coefficients=9,
        full_range_flag=1,
    )  # fmt: skip
    np.testing.assert_allclose(decoded(buffer.getvalue())[8, 8::16], TONES, atol=10)


def test_hdr_highlights_are_compressed_and_keep_their_order(decoded: Decoder) -> None:
    nits = np.repeat(np.array([[10.0, 100.0, 203.0, 500.0, 1000.0]]), 40, axis=1)
    grey = decoded(_hdr_png(bytes([9, 16, 0, 1]), _pq(np.stack([nits] * 3, axis=-1))))[0, 20::40, 0].tolist()
    assert grey == sorted(set(grey)), "brighter is brighter"
    assert grey[-1] >= 250
    assert 185 <= grey[1] <= 195, "mid-tones stay as they are"


@pytest.mark.parametrize("codes", [(1, 13, 0, 1), (2, 2, 0, 1), (1, 1, 0, 1)])
def test_code_points_of_srgb_change_nothing(decoded: Decoder, codes: tuple[int, ...]) -> None:
    assert (decoded(_hdr_png(bytes(codes), _HDR / 255)) == _HDR).all()


def test_code_points_of_display_p3(decoded: Decoder) -> None:
    expected = [samples.to_srgb(tone, samples.P3_COLUMNS, None) for tone in TONES]
    found = decoded(_hdr_png(bytes([12, 13, 0, 1]), _HDR / 255))
    np.testing.assert_allclose(found[8, 8::16], expected, atol=2)
