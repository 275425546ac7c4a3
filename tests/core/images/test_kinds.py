"""Files that are known but not read are named, with what to do about them."""

from __future__ import annotations

import struct
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image, TiffImagePlugin

from core.base.errors import ImageError
from core.images.decoding import decode, read_image
from core.images.kinds import describe_kinds, unread_name
from tests import samples

BEGINNINGS = {
    "JPEG XL image": b"\xff\x0a" + bytes(100),
    "JPEG XL": b"\0\0\0\x0cJXL \r\n\x87\n",
    "JPEG 2000 image": b"\0\0\0\x0cjP  \r\n\x87\n",
    "CR3 raw photo": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(100),
    "CR2 raw photo": b"II*\0\x10\0\0\0CR\2\0" + bytes(100),
    "RAF raw photo": b"FUJIFILMCCD-RAW 0201",
    "ORF raw photo": b"IIRO\x08\0\0\0" + bytes(100),
    "RW2 raw photo": b"IIU\0\x18\0\0\0" + bytes(100),
    "X3F raw photo": b"FOVb" + bytes(100),
    "Photoshop document": b"8BPS\0\1" + bytes(20),
    "PPM image": b"P6\n2 2\n255\n" + bytes(12),
    "PGM image": b"P5 2 2 255 " + bytes(4),
    "Windows icon": b"\0\0\1\0\1\0" + bytes(30),
    "TGA image": bytes(100) + b"TRUEVISION-XFILE.\0",
    "OpenEXR image": b"v/1\x01" + bytes(20),
    "an SVG drawing": b'<?xml version="1.0"?>\n<!-- made by hand -->\n<SVG xmlns="http://www.w3.org/2000/svg"/>',
    "a PDF document": b"%PDF-1.7\n",
    "a web page": b"\n<!doctype html><html>",
    "a video": b"\0\0\0\x20ftypisom\0\0\2\0" + bytes(100),
    "an AVI video": b"RIFF0000AVI LIST",
    "Matroska": b"\x1aE\xdf\xa3" + bytes(20),
    "a sound file": b"RIFF0000WAVE",
}


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_other_kinds_are_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "b.jpg"
    path.write_bytes(BEGINNINGS[kind])
    with pytest.raises(ImageError) as caught:
        decode(path)
    assert caught.value.kind == "unsupported"
    assert kind in caught.value.what
    assert caught.value.what.endswith(", which Fovea can't read.")
    assert caught.value.hint.endswith(".")


def _tiff(tags: dict[int, object]) -> bytes:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[tag] = value
    return samples.encoded(Image.fromarray(samples.quadrants()), "TIFF", tiffinfo=directory)


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({254: 1, 271: "NIKON CORPORATION"}, "a Nikon NEF raw photo"),
        ({254: 1, 271: "SONY"}, "a Sony ARW raw photo"),
        ({50706: b"\1\4\0\0"}, "a DNG raw photo"),
        ({254: 1, 330: 8}, "a raw photo"),
    ],
)
def test_raw_photos_that_begin_as_tiff_are_not_answered_by_their_thumbnail(
    tmp_path: Path, tags: dict[int, object], kind: str
) -> None:
    path = tmp_path / "raw.tif"
    path.write_bytes(_tiff(tags))
    with pytest.raises(ImageError) as caught:
        decode(path)
    assert caught.value.what == f"“raw.tif” is {kind}, which Fovea can't read."
    assert "raw converter" in caught.value.hint


def test_a_preview_that_leads_to_sensor_data_is_a_raw_photo(tmp_path: Path) -> None:
    whole = samples.tiff(8, 8, 8, 1, bytes(64))
    below = struct.pack("<HHHII", 1, 262, 4, 1, 32803) + bytes(4)
    count = struct.unpack_from("<H", whole, 8)[0]
    entries = whole[10 : 10 + 12 * count].replace(struct.pack("<HHI", 278, 4, 1), struct.pack("<HHI", 330, 4, 1))
    entries = entries.replace(struct.pack("<HHII", 330, 4, 1, 8), struct.pack("<HHII", 330, 4, 1, len(whole)))
    path = tmp_path / "raw.tif"
    path.write_bytes(whole[:10] + entries + whole[10 + 12 * count :] + below)
    with pytest.raises(ImageError, match="is a raw photo"):
        decode(path)


def test_photos_by_a_camera_s_maker_are_no_raw_photos(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    path.write_bytes(_tiff({271: "NIKON CORPORATION"}))
    assert read_image(path).warnings == ()


def test_a_reduced_copy_in_a_tiff_is_read_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    path.write_bytes(_tiff({254: 1}))
    (warning,) = read_image(path).warnings
    assert "reduced copy" in warning


def test_skipped_files_are_counted_by_kind() -> None:
    names = ("a.CR3", "b.cr3", "c.Cr3", "d.jxl", "e.jxl", "f.txt", ".jxl", "jxl", "g.jpg")
    skipped = Counter(kind for name in names if (kind := unread_name(name)))
    assert describe_kinds(skipped) == "Skipped 5 files in unsupported formats: 3 CR3, 2 JXL."
    assert describe_kinds(Counter({"NEF": 1})) == "Skipped 1 file in an unsupported format: 1 NEF."
    assert describe_kinds(Counter()) == ""


def test_a_tiff_directory_that_lists_more_than_fits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    entry = struct.pack("<HHII", 273, 4, 50_000_000, 8)
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4))
    with pytest.raises(ImageError) as caught:
        decode(path)
    assert caught.value.kind == "too-large"
