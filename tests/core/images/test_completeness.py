"""Whether files end early: each kind, cut anywhere."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from core.images.completeness import is_truncated
from tests import samples

FORMS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF")
PIXELS = samples.photo_like(64, 48)


def _is_cut(tmp_path: Path, data: bytes) -> bool:
    (tmp_path / "x").write_bytes(data)
    return is_truncated(tmp_path / "x")


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_cut_off_anywhere_ends_early_and_the_whole_one_does_not(tmp_path: Path, form: str) -> None:
    whole = samples.encoded(PIXELS, form)
    assert not _is_cut(tmp_path, whole)
    shortest = 16  # before that, its kind cannot be known
    for length in {*range(shortest, len(whole) - 2, max(1, len(whole) // 60)), len(whole) - 2}:
        assert _is_cut(tmp_path, whole[:length]), length


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_what_follows_an_image_does_not_matter(tmp_path: Path, form: str) -> None:
    whole = samples.encoded(PIXELS, form)
    for trailer in (b"\0" * 40, b"a film of a phone" * 1000):
        assert not _is_cut(tmp_path, whole + trailer)


def test_the_end_of_a_thumbnail_is_not_that_of_the_photo(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "JPEG", exif=b"Exif\0\0" + samples.encoded(PIXELS, "JPEG"))
    whole = stream.getvalue()
    assert whole.count(b"\xff\xd9") == 2
    assert not _is_cut(tmp_path, whole)
    assert _is_cut(tmp_path, whole[: len(whole) // 2 + 200])


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF"])
def test_an_end_that_is_all_zeros_is_missing(tmp_path: Path, form: str) -> None:
    """Copies to network shares set the length first."""
    whole = samples.encoded(PIXELS, form)
    assert _is_cut(tmp_path, whole[: len(whole) // 2] + b"\0" * (len(whole) - len(whole) // 2))


@pytest.mark.parametrize(
    "data",
    [
        b"Dear all,",
        b"\xff\xd8\xff nonsense",
        b"\xff\xd8" + b"\xff\xe0\0\x02" * 20_000,
        b"\x89PNG\r\n\x1a\n" + struct.pack(">L4sL", 0, b"teXt", 0) * 20_000,
        struct.pack(">L4s8x", 16, b"ftyp") + struct.pack(">L4s", 8, b"free") * 20_000,
        struct.pack(">L4s8x", 16, b"ftyp") + struct.pack(">L4s", 0, b"mdat"),
    ],
)
def test_what_is_damaged_otherwise_does_not_end_early(tmp_path: Path, data: bytes) -> None:
    assert not _is_cut(tmp_path, data)


def test_an_empty_file_ends_early(tmp_path: Path) -> None:
    assert _is_cut(tmp_path, b"")
    with pytest.raises(OSError, match="No such file"):
        is_truncated(tmp_path / "gone.jpg")
