"""A check that an image file is not truncated according to its structure; nothing is decoded, and little is read."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from core.images.bounds import TooMuchWorkError
from core.images.boxes import file_boxes

_BLOCK_BYTES: Final = 1024**2
_MAX_BYTES: Final = 256 * 1024**2
"""Larger files are not searched."""
_MAX_PARTS: Final = 10_000
"""Maximum number of segments or chunks that are followed."""
_END_OF_JPEG: Final = b"\xff\xd9"
_START_OF_SCAN: Final = 0xDA
_FIRST_JPEG_MARKER: Final = 0xC0


class _TruncatedError(Exception):
    """The next part is beyond the end of the file."""


def is_truncated(path: Path) -> bool:
    """Whether a file is empty or truncated, for example because it is still being written.

    Files that are not images, or are damaged in other ways, do not count as truncated. Raises OSError if it cannot be
    read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(16)
        check = next((check for kind, check in _CHECKS if kind(head)), None)
        try:
            return not head or (check is not None and check(file, size))
        except _TruncatedError:
            return True


def _read(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise _TruncatedError
    return data


def _jpeg(file: BinaryIO, size: int) -> bool:
    """JPEG (ITU-T T.81): segments with lengths up to the first scan, then data up to the end marker."""
    file.seek(2)
    for _ in range(_MAX_PARTS):
        mark, kind, length = struct.unpack(">BBH", _read(file, 4))
        if mark != 0xFF or kind < _FIRST_JPEG_MARKER:
            return False
        if kind == _START_OF_SCAN:
            return size <= _MAX_BYTES and not _holds(file, _END_OF_JPEG)
        file.seek(max(length - 2, 0), os.SEEK_CUR)
    return False


def _holds(file: BinaryIO, wanted: bytes) -> bool:
    """Whether the rest of a file contains two consecutive bytes."""
    last = b""
    for block in iter(partial(file.read, _BLOCK_BYTES), b""):
        if wanted in last + block:
            return True
        last = block[-1:]
    return False


def _png(file: BinaryIO, size: int) -> bool:
    """PNG: chunks with lengths up to IEND; zeros are data not written yet."""
    file.seek(8)
    for _ in range(_MAX_PARTS):
        length, kind = struct.unpack(">L4s", _read(file, 8))
        file.seek(length + 4, os.SEEK_CUR)
        if kind == b"IEND" or not kind.isalpha():
            return not any(kind) or file.tell() > size
    return False


def _iso_media(file: BinaryIO, size: int) -> bool:
    """AVIF and HEIC (ISO 14496-12): boxes with lengths, of which the last contains the image data."""
    try:
        found = [(kind, end) for kind, _, end in file_boxes(file)]
    except struct.error:
        return True
    end = found[-1][1] if found else 0
    return end > size or (end == size and all(kind != b"mdat" for kind, _ in found))


def _stated(file: BinaryIO, size: int, at: int, before: int) -> bool:
    """RIFF and BMP: whether the file is shorter than the size in its header, which leaves out `before` bytes."""
    file.seek(at)
    return bool(struct.unpack("<L", _read(file, 4))[0] + before > size)


def _gif(file: BinaryIO, size: int) -> bool:
    """GIF (89a): the trailer; some programs append zeros."""
    file.seek(max(0, size - _BLOCK_BYTES))
    return not file.read().rstrip(b"\0").endswith(b";")


def _tiff(file: BinaryIO, size: int) -> bool:
    """TIFF (6.0): the first directory, which may be at the end, and the strips or tiles it lists."""
    from core.images.tiff import read_directory  # imports Pillow

    try:
        parts = read_directory(file).parts
    except TooMuchWorkError:
        return False
    return not parts or any(end > size for _, end in parts)


_CHECKS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], bool]], ...]] = (
    (lambda head: head.startswith(b"\xff\xd8"), _jpeg),
    (lambda head: head.startswith(b"\x89PNG"), _png),
    (lambda head: head.startswith(b"RIFF"), partial(_stated, at=4, before=8)),
    (lambda head: head[4:8] == b"ftyp", _iso_media),
    (lambda head: head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")), _tiff),
    (lambda head: head.startswith(b"GIF8"), _gif),
    (lambda head: head.startswith(b"BM"), partial(_stated, at=2, before=0)),
)
"""How files begin, and the check of their end."""
