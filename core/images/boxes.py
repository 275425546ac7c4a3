"""Boxes of HEIC and AVIF: the colours of the main image and the location of its data (ISO 14496-12, ISO 23008-12)."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import BinaryIO, Final

_MAX_META_BYTES: Final = 4 * 1024**2
_MAX_BOXES: Final = 10_000
_CODED: Final = (b"hvc1", b"av01")


@dataclass(frozen=True, slots=True)
class HeifInfo:
    """The content of a file's boxes.

    Attributes:
        nclx: colour primaries, transfer characteristics and matrix of the main image (ISO 23091-2); None if it has a
            profile or does not state them.
        parts: start and end of the compressed data of each image, including tiles.
    """

    nclx: tuple[int, int, int] | None = None
    parts: tuple[tuple[int, int], ...] = ()


def read_heif_info(file: BinaryIO) -> HeifInfo:
    """Read the boxes of a file; damaged ones are ignored."""
    with contextlib.suppress(struct.error, ValueError, IndexError, OverflowError):
        meta = _meta(file)
        if meta:
            return _heif_info(meta)
    return HeifInfo()


def _meta(file: BinaryIO) -> bytes:
    """The content of the box `meta`, without version and flags."""
    for name, start, end in file_boxes(file):
        if name == b"meta":
            file.seek(start + 4)
            return file.read(max(0, min(end - start - 4, _MAX_META_BYTES)))
    return b""


def file_boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each box of a file, and the start and end of its content, which may be beyond the file's end.

    Raises struct.error if the file ends within a header.
    """
    position = 0
    for _ in range(_MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        if not header:
            return
        size, name = struct.unpack_from(">I4s", header)
        start = 8
        if size == 1:
            (size,), start = struct.unpack_from(">Q", header, 8), 16
        if size == 0:  # up to the end of the file
            size = file.seek(0, os.SEEK_END) - position
        if size < start:
            return
        yield name, position + start, position + size
        position += size


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        start = 8
        if size == 1:
            (size,), start = struct.unpack_from(">Q", data, position + 8), 16
        size = size or len(data) - position
        if size < start:
            return
        yield name, data[position + start : position + size]
        position += size


def _heif_info(meta: bytes) -> HeifInfo:
    boxes = dict(_boxes(meta))
    kinds = dict(_kinds(boxes.get(b"iinf", b"")))
    extents = dict(_extents(boxes.get(b"iloc", b"")))
    parts = (part for item, places in extents.items() if kinds.get(item) in _CODED for part in places)
    (main,) = struct.unpack_from(">I" if boxes[b"pitm"][0] else ">H", boxes[b"pitm"], 4)
    return HeifInfo(_nclx(boxes.get(b"iprp", b""), main), tuple(parts))


def _kinds(data: bytes) -> Iterator[tuple[int, bytes]]:
    for name, entry in _boxes(data[8:] if data[:1] != b"\0" else data[6:]):
        if name == b"infe" and entry[0] >= 2:
            item, _, kind = struct.unpack_from(">HH4s" if entry[0] == 2 else ">IH4s", entry, 4)
            yield item, kind


def _extents(data: bytes) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """The location of each item in the file, without items inside the boxes themselves."""
    if not data:
        return
    version, sizes = data[0], struct.unpack_from(">H", data, 4)[0]
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    number = partial(_number, BytesIO(data[6:]))
    for _ in range(number(4 if version == 2 else 2)):
        item = number(4 if version == 2 else 2)
        method = number(2) & 15 if version else 0
        number(2)
        base, found = number(base_size), []
        for _ in range(number(2)):
            number(index_size if version else 0)
            start = base + number(offset_size)
            found.append((start, start + number(length_size)))
        if method == 0:
            yield item, found


def _number(data: BytesIO, size: int) -> int:
    """The next number of `size` bytes; 0 if `size` is 0."""
    found = data.read(size)
    if len(found) < size:
        raise ValueError("cut")
    return int.from_bytes(found, "big")


def _nclx(properties: bytes, item: int) -> tuple[int, int, int] | None:
    boxes = list(_boxes(properties))
    known = [each for name, content in boxes if name == b"ipco" for each in _boxes(content)]
    indexes = [index for name, content in boxes if name == b"ipma" for index in _associated(content, item)]
    colours = [content for name, content in (known[index - 1] for index in indexes) if name == b"colr"]
    if any(content[:4] in (b"prof", b"rICC") for content in colours):
        return None
    return next((struct.unpack_from(">3H", content, 4) for content in colours if content[:4] == b"nclx"), None)


def _associated(data: bytes, item: int) -> Iterator[int]:
    """The properties of an item; their indexes start from 1."""
    version, is_wide = data[0], data[3] & 1
    number = partial(_number, BytesIO(data[4:]))
    for _ in range(number(4)):
        current = number(4 if version else 2)
        for _ in range(number(1)):
            index = number(2) & 0x7FFF if is_wide else number(1) & 0x7F
            if current == item and index:
                yield index
