"""The orientation of an image from its metadata; damaged metadata are ignored."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final

from PIL import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from core.images.bounds import TooMuchWorkError
from core.images.tiff import ORIENTATION, read_directory

_EXIF: Final = b"Exif\0\0"
_MAX_BYTES: Final = 1024**2
_XMP: Final = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])")


def orientation_of(image: ImageFile.ImageFile) -> object:
    """The EXIF orientation (EXIF 2.32, tag 274), from EXIF or otherwise XMP; None if neither states it.

    Pillow would read all of EXIF for this, which in a malicious file may be larger than memory.
    """
    if isinstance(image, TiffImageFile):
        return image.tag_v2.get(ORIENTATION)
    exif = image.info.get("exif") or _raw_profile(image.info.get("Raw profile type exif"))
    found = _from_exif(exif) if isinstance(exif, bytes) else None
    if found is not None:
        return found
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    text = _XMP.search((xmp.encode() if isinstance(xmp, str) else xmp)[:_MAX_BYTES])
    return int(text[1]) if text else None


def _from_exif(exif: bytes) -> int | None:
    try:
        directory = read_directory(BytesIO(exif.removeprefix(_EXIF)))
    except TooMuchWorkError:
        return None
    return directory.first(ORIENTATION) if ORIENTATION in directory.values else None


def _raw_profile(text: object) -> bytes | None:
    """EXIF from a PNG text chunk written by ImageMagick: three lines, then hexadecimal digits."""
    try:
        return bytes.fromhex("".join(str(text).split("\n")[3:])) if text else None
    except ValueError:
        return None
