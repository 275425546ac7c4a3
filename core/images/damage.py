"""Detection of missing parts of a decoded image, which decoders do not report, by the end of its data."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

import numpy as np
from PIL import ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from core.images import boxes
from core.images.endings import Ending, read_ending
from core.images.jpeg import Jpeg, is_cut
from core.images.png import Png, misses_rows
from core.images.tiff import Directory, read_directory

_WEBP_DATA: Final = (b"VP8 ", b"VP8L", b"ALPH", b"ANMF")
_MIN_STEP: Final = 8
"""Threshold of 255: a pixel that differs by less from the tail's colour may be its neighbour in a photo."""


def is_damaged(file: BinaryIO, image: ImageFile.ImageFile) -> bool:
    """Whether a part of a decoded image is missing or filled in by the decoder; its file is at any position."""
    if isinstance(image, Png):
        return image.has_wrong_sum or (image.may_miss_rows() and misses_rows(file))
    ending = read_ending(file)
    if isinstance(image, Jpeg):
        return is_cut(file, image, ending)
    return ending.tail > 0 and _is_complete(file, image, ending)


def _is_complete(file: BinaryIO, image: ImageFile.ImageFile, ending: Ending) -> bool:
    """Whether a tail of equal bytes covers pixel data."""
    if isinstance(image, BmpImageFile):
        return _bmp_is_cut(file, image, ending)
    if isinstance(image, TiffImageFile):
        directory = read_directory(file)
        is_plain = directory.is_plain and image.mode in ("L", "RGB", "CMYK", "RGBA", "I;16")
        return _plain_tiff_is_cut(directory, image, ending) if is_plain else ending.reaches(directory.parts)
    if isinstance(image, WebPImageFile):
        return ending.reaches(_webp_parts(file))
    if isinstance(image, GifImageFile):
        return _gif_end(file) > ending.tail_start
    return ending.reaches(boxes.read_heif_info(file).parts)


def _webp_parts(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """The start and end of the compressed data (WebP container specification)."""
    position = 12
    while True:
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return
        name, size = struct.unpack("<4sI", header)
        if name in _WEBP_DATA:
            yield position + 8, position + 8 + size
        position += 8 + size + size % 2


def _gif_end(file: BinaryIO) -> int:
    """The end of the first image (GIF 89a, sections 18 to 23)."""
    file.seek(10)
    _skip_colours(file)
    while (block := file.read(1)) == b"!":
        file.seek(1, os.SEEK_CUR)
        _skip_blocks(file)
    if block == b",":
        file.seek(8, os.SEEK_CUR)
        _skip_colours(file, between=1)
        _skip_blocks(file)
    return file.tell()


def _skip_colours(file: BinaryIO, between: int = 2) -> None:
    """Skip the next flags, a number of bytes after them, and the colour table that they declare."""
    flags = int.from_bytes(file.read(1), "big")
    file.seek(between + (3 << (flags & 7) + 1 if flags & 0x80 else 0), os.SEEK_CUR)


def _skip_blocks(file: BinaryIO) -> None:
    while length := int.from_bytes(file.read(1), "big"):
        file.seek(length, os.SEEK_CUR)


def _bmp_is_cut(file: BinaryIO, image: BmpImageFile, ending: Ending) -> bool:
    file.seek(10)
    (start,) = struct.unpack("<I", file.read(4))
    file.seek(22)
    height, _, bits, compression = struct.unpack("<iHHI", file.read(12))
    row_bytes = (image.width * bits + 31) // 32 * 4
    if compression not in (0, 3) or bits < 8:
        return ending.reaches([(start, ending.size)])
    row, place = divmod(ending.tail_start - start, row_bytes)
    pixels = np.asarray(image.convert("RGB"))
    return _has_abrupt_end(pixels[::-1] if height > 0 else pixels, row, place * 8 // bits)


def _plain_tiff_is_cut(directory: Directory, image: TiffImageFile, ending: Ending) -> bool:
    """Whether the tail begins in a strip, which gives the row; strips may be in any order."""
    rows_each = directory.first(278, image.height) or image.height
    row_bytes = max(1, -(-sum(directory.values.get(258, (1,))) * image.width // 8))
    for index, (start, end) in enumerate(directory.parts):
        if start <= ending.tail_start < end:
            row, place = divmod(ending.tail_start - start, row_bytes)
            pixels = np.asarray(image)
            return _has_abrupt_end(pixels, index * rows_each + row, place * image.width // row_bytes)
    return False


def _has_abrupt_end(pixels: np.ndarray, row: int, column: int) -> bool:
    """Whether uncompressed pixels, in file order, break off at a position after which all are equal.

    An image can really be black at its end: then its content ends at the end of a row, or the pixels around the
    position are already as dark. In a truncated file, pixels to the left of the position, and above and to the right of
    it, have other colours.
    """
    if not 0 <= row < len(pixels) or not 0 < column < pixels.shape[1]:
        return False
    plain = pixels[-1, -1].astype(np.int64)
    scale = 257 if pixels.dtype.itemsize == 2 else 1
    around = (pixels[row, :column], *([pixels[row - 1, column:]] if row else []))
    steps = (np.abs(part.astype(np.int64) - plain).reshape(len(part), -1).max(axis=1) for part in around)
    return all(float(np.mean(step > _MIN_STEP * scale)) > 0.5 for step in steps)
