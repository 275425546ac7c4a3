"""JPEG checks beyond Pillow's: the scans, their cost, and whether the compressed data are complete.

Marker and scan rules follow ITU T.81, annex B, as implemented in libjpeg: a scan ends at the first marker that is
neither a restart marker nor a stuffed zero, even if there is an end marker inside a segment.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, Final

import numpy as np
from PIL import ImageChops
from PIL.JpegImagePlugin import JpegImageFile

from core.images.bounds import TooMuchWorkError
from core.images.endings import Ending

_MAX_BLOCK_VISITS: Final = 64_000_000
"""Limit of blocks over all scans, 2.5 s in the worst case. A progressive 200-megapixel photo has 25 million."""

_SCAN_COST: Final = 1000
"""Fixed cost of a scan, in blocks."""

_COEFFICIENT_BYTES: Final = 128
"""Of a block, where all scans have to be read before the first row is ready."""

_MAX_SEGMENTS: Final = 10_000
_MAX_SAMPLING: Final = 4
_END: Final = b"\xff\xd9"
_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""Any marker except restart markers; 0xff may be repeated before it."""

_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE: Final = (0xC2, 0xC6, 0xCA, 0xCE)
_BLOCK_READ: Final = 64 * 1024
"""What Pillow reads at a time."""

_LAST_BYTES, _PIECE = 8192, 512
"""Near the end it is given less, so that it is known where it stopped."""

_MIN_VALUES: Final = 16
_FIRST_BYTES, _BLOCK_BYTES = 64 * 1024, 256 * 1024
_NOISE: Final = np.random.default_rng(0).integers(0, 255, 512, np.uint8).tobytes()
_FILLER: Final = _NOISE + b"".join(bytes((0xFF, 0xD0 + number)) + _NOISE for number in range(8))
"""Compressed data that mean something, between all restart markers."""


@dataclass(frozen=True, slots=True)
class Scans:
    """The frame and the scans of a JPEG.

    Attributes:
        blocks: the number of 8 x 8 blocks of each component, in frame order.
        is_single: whether a single sequential scan contains everything, so that rows are decoded as they are read.
        start: the position of the first scan's header; 0 if there is none.
        is_complete: whether the scans provide every coefficient of every component in full.
        end: the position of the first marker after the compressed data; None if there is none, or it was not searched.
        is_ended: whether that is the end marker.
    """

    blocks: tuple[int, ...]
    is_single: bool
    start: int
    is_complete: bool
    end: int | None
    is_ended: bool

    @property
    def memory(self) -> int:
        """The memory for coefficients in libjpeg, in bytes."""
        return 0 if self.is_single else sum(self.blocks) * _COEFFICIENT_BYTES


@dataclass(slots=True)
class _ScanState:
    """The state of reading a JPEG; `open_bits` has the bits still to come by component and coefficient."""

    is_progressive: bool = False
    ids: tuple[int, ...] = ()
    blocks: tuple[int, ...] = ()
    is_single: bool = False
    cost: int = 0
    open_bits: dict[int, list[int]] = field(default_factory=dict)

    def frame(self, code: int, body: bytes) -> None:
        _, height, width, count = struct.unpack_from(">BHHB", body)
        parts = [struct.unpack_from("BB", body, 6 + 3 * index) for index in range(count)]
        across, down = [sampling >> 4 for _, sampling in parts], [sampling & 15 for _, sampling in parts]
        if not parts or not all(1 <= each <= _MAX_SAMPLING for each in (*across, *down)):
            raise ValueError("sampling")
        columns, rows = -(-width // (8 * max(across))), -(-height // (8 * max(down)))
        self.is_progressive = code in _PROGRESSIVE
        self.ids = tuple(name for name, _ in parts)
        self.blocks = tuple(columns * h * rows * v for h, v in zip(across, down, strict=True))
        self.open_bits = {name: [1] * (64 if self.is_progressive else 1) for name in self.ids}

    def scan(self, body: bytes) -> None:
        names = [body[1 + 2 * index] for index in range(body[0])]
        first, last, bits = body[-3:]
        self.is_single = not self.is_progressive and len(names) == len(self.ids)
        size = dict(zip(self.ids, self.blocks, strict=True))
        self.cost += _SCAN_COST + sum(size.get(name, 0) for name in names)
        if self.is_progressive:
            for name in names:
                for index in range(first, min(last, 63) + 1):
                    self.open_bits[name][index] = bits & 15
        else:
            self.open_bits |= {name: [] for name in names}

    @property
    def is_complete(self) -> bool:
        return not any(left for lefts in self.open_bits.values() for left in lefts)


def read_scans(file: BinaryIO) -> Scans:
    """Read the markers of a JPEG, as far as needed; nothing is decoded.

    A scan that changes nothing has a hundred bytes but is applied to the whole image, so a few kilobytes could keep a
    decoder busy for minutes.

    Raises:
        TooMuchWorkError: the scans would take too long.
        ValueError: the frame is invalid.
        struct.error, IndexError: a segment is truncated.
    """
    found, start, end, is_ended = _ScanState(), 0, None, False
    for position, code, body in _segments(file):
        if code in _FRAMES and not found.blocks:
            found.frame(code, body)
        elif code == _SOS:
            found.scan(body)
            start = start or position
            if found.is_single:
                break
            if found.cost > _MAX_BLOCK_VISITS:
                raise TooMuchWorkError
        elif code in (_SOI, _EOI):
            end, is_ended = position, code == _EOI
            break
    return Scans(found.blocks, found.is_single, start, found.is_complete, end, is_ended)


def _segments(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield the position, marker and content of each segment after the start of the image, without compressed data."""
    window, position = _Window(file), 2
    for _ in range(_MAX_SEGMENTS):
        found = window.marker_from(position)
        if found is None:
            return
        code = window.read(found + 1, 1)[0]
        if code in (_SOI, _EOI, _TEM):
            yield found, code, b""
            position = found + 2
            continue
        length = int.from_bytes(window.read(found + 2, 2), "big")
        is_needed = code in _FRAMES or code == _SOS
        yield found, code, window.read(found + 4, max(0, length - 2)) if is_needed else b""
        position = found + 2 + max(2, length)
    raise TooMuchWorkError


class _Window:
    """A part of a file in memory, reloaded as needed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._start = file, 0
        file.seek(0)
        self._data = file.read(_FIRST_BYTES)

    def read(self, position: int, count: int) -> bytes:
        """Read bytes at a position; fewer at the end of the file."""
        if not self._start <= position <= position + count <= self._start + len(self._data):
            self._move(position)
        at = position - self._start
        return self._data[at : at + count]

    def marker_from(self, position: int) -> int | None:
        """The position of the first marker at or after a position."""
        if not self._start <= position < self._start + len(self._data):
            self._move(position)
        found = _MARKER.search(self._data, position - self._start)
        while found is None:
            if len(self._data) < 2:
                return None
            self._move(self._start + len(self._data) - 1)
            found = _MARKER.search(self._data)
        return self._start + found.start()

    def _move(self, position: int) -> None:
        self._file.seek(position)
        self._start, self._data = position, self._file.read(_BLOCK_BYTES)


class Jpeg(JpegImageFile):
    """A JPEG to which a missing end marker is added.

    Attributes:
        is_ended: whether the end marker was added.
        read_to: how far libjpeg has read the file.
    """

    is_ended = False
    read_to = 0

    def __init__(self, file: BinaryIO, scans: Scans) -> None:
        self.scans = scans
        self._last = file.seek(0, os.SEEK_END) - _LAST_BYTES
        file.seek(0)
        super().__init__(file)

    def load_read(self, read_bytes: int) -> bytes:
        """Read compressed data, in small pieces near the end to find out how much is used; called by Pillow."""
        assert self.fp is not None
        maximum = max(_PIECE, self._last - self.read_to)
        data = self.fp.read(min(read_bytes, maximum) if self.scans.is_single else read_bytes)
        self.read_to += len(data)
        if not data and not self.is_ended:
            self.is_ended = True
            return _END
        return data

    def _read_dpi_from_exif(self) -> None:
        """Do not read EXIF, which may be larger than memory."""


def is_cut(file: BinaryIO, image: Jpeg, ending: Ending) -> bool:
    """Whether libjpeg filled in a part of a decoded image because the compressed data end too early.

    Raises EOFError if it did, and the file is truncated.
    """
    scans = image.scans
    lacks_some = not (scans.is_complete or scans.is_single) or _misses_data(file, image, ending)
    if lacks_some and image.is_ended and not ending.tail:
        raise EOFError("JPEG")
    return lacks_some


def _misses_data(file: BinaryIO, image: Jpeg, ending: Ending) -> bool:
    """Whether the last scan lacks data; libjpeg then fills with grey, and Pillow ignores its warning.

    If possible, the image is decoded again with other data before the end marker, which a complete image does not read.
    """
    scans, is_grey = image.scans, _is_grey(image)
    if not is_grey and scans.is_single and ending.last == _END:
        return _has_unread_data(file, image, ending)
    if not is_grey and scans.is_ended:
        return False
    end, is_ended = _end_of_only_scan(file) if scans.is_single else (scans.end, scans.is_ended)
    if is_ended and not is_grey:
        return False
    file.seek(0)
    data = file.read(ending.tail_start if end is None else end)
    plain = _decoded(data, b"", image) if end is None and ending.tail else image
    return ImageChops.difference(plain, _decoded(data, _FILLER, image)).getbbox() is not None


def _has_unread_data(file: BinaryIO, image: Jpeg, ending: Ending) -> bool:
    """Whether libjpeg had all pixels before the end of the compressed data, because it lost synchronization.

    Some cameras pad with equal bytes before the end marker, and some append another image.
    """
    left = ending.size - len(_END) - image.read_to
    if left <= 0:
        return False
    start = max(image.scans.start, image.read_to - 2 * _BLOCK_READ)
    file.seek(start)
    if _END in file.read(image.read_to - start):
        return False
    rest = file.read(min(left, _BLOCK_READ))
    found = _MARKER.search(rest)
    return len(set(rest[: found.start()] if found else rest)) > _MIN_VALUES


def _is_grey(image: Jpeg) -> bool:
    """Whether the last pixel has the colour of blocks filled in by libjpeg."""
    last = image.getpixel((image.width - 1, image.height - 1))
    return all(abs(value - 128) <= 1 for value in (last if isinstance(last, tuple) else (last,)))  # type: ignore[operator]


def _end_of_only_scan(file: BinaryIO) -> tuple[int | None, bool]:
    """The position of the first marker after the scan, and whether it is the end marker."""
    start = next(position + 4 for position, code, _ in _segments(file) if code == _SOS)
    end = _Window(file).marker_from(start)
    file.seek(end or 0)
    return end, file.read(2) == _END


def _decoded(data: bytes, filler: bytes, like: Jpeg) -> Jpeg:
    image = Jpeg(BytesIO(data + filler + _END), like.scans)
    image.draft(None, like.size)
    image.load()
    return image
