"""TIFF checks beyond Pillow's: raw photos that start like TIFF, and the location of pixels (TIFF 6.0, TIFF/EP, DNG)."""

from __future__ import annotations

import contextlib
import ctypes
import struct
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import BinaryIO, Final

from PIL import _imaging

from core.base.i18n import mark
from core.images.bounds import TooMuchWorkError

_MAX_ENTRIES: Final = 4096
_MAX_PARTS: Final = 1_000_000
"""Strips or tiles; encoders make one for each 8 kB."""

ORIENTATION: Final = 274
_CODES: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_SUBFILE, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUB_IFDS, _DNG_VERSION = 254, 259, 262, 271, 330, 50706
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_SENSOR: Final = (32803, 34892)
"""Photometric interpretations of sensor data: colour filter array (TIFF/EP) and linear raw (DNG)."""

_MAX_SUB_IFDS: Final = 8

_MAKERS: Final = (
    (b"NIKON", mark("a Nikon NEF raw photo")),
    (b"SONY", mark("a Sony ARW raw photo")),
    (b"Canon", mark("a Canon CR2 raw photo")),
    (b"PENTAX", mark("a Pentax PEF raw photo")),
    (b"RICOH", mark("a Pentax PEF raw photo")),
    (b"SAMSUNG", mark("a Samsung SRW raw photo")),
    (b"Hasselblad", mark("a Hasselblad 3FR raw photo")),
    (b"Phase One", mark("a Phase One IIQ raw photo")),
    (b"Leaf", mark("a Leaf MOS raw photo")),
    (b"EASTMAN KODAK", mark("a Kodak DCR raw photo")),
    (b"Kodak", mark("a Kodak DCR raw photo")),
    (b"SEIKO EPSON", mark("an Epson ERF raw photo")),
    (b"Mamiya", mark("a Mamiya MEF raw photo")),
)


@dataclass(slots=True)
class Directory:
    """The first directory of a TIFF.

    Attributes:
        values: numbers by tag, only of relevant tags.
        make: the camera maker, as bytes.
        has_sensor_link: whether a subdirectory describes sensor data.
    """

    values: dict[int, tuple[int, ...]] = field(default_factory=dict)
    make: bytes = b""
    has_sensor_link: bool = False

    def first(self, tag: int, default: int = 0) -> int:
        """The first value of a tag."""
        return next(iter(self.values.get(tag, ())), default)

    @property
    def is_sensor(self) -> bool:
        """Whether the directory describes sensor data."""
        return self.first(_PHOTOMETRIC) in _SENSOR

    @property
    def is_reduced(self) -> bool:
        """Whether the directory describes a reduced copy of another image."""
        return bool(self.first(_SUBFILE) & 1)

    @property
    def raw_kind(self) -> str | None:
        """The raw format, marked for translation; None if the directory describes the image itself.

        The first directory of a raw photo describes a small copy or the sensor data; the rest is in other directories.
        """
        if _DNG_VERSION in self.values:
            return mark("a DNG raw photo")
        is_sensor = self.is_sensor or self.has_sensor_link
        if not (is_sensor or self.is_reduced):
            return None
        made_by = next((kind for make, kind in _MAKERS if self.make.upper().startswith(make.upper())), None)
        return made_by or (mark("a raw photo") if is_sensor or _SUB_IFDS in self.values else None)

    @property
    def parts(self) -> list[tuple[int, int]]:
        """The start and end of each strip or tile in the file."""
        starts = self.values.get(_STRIPS) or self.values.get(_TILES, ())
        counts = self.values.get(_STRIP_BYTES) or self.values.get(_TILE_BYTES, ())
        return [(start, start + count) for start, count in zip(starts, counts, strict=False)]

    @property
    def is_plain(self) -> bool:
        """Whether pixels are stored uncompressed in strips, with interleaved samples."""
        return self.first(_COMPRESSION, 1) == 1 and _STRIPS in self.values and self.first(284, 1) == 1


_WANTED: Final = frozenset(
    {_SUBFILE, ORIENTATION, 258, _PHOTOMETRIC, 278, 281, 284, _COMPRESSION, _SUB_IFDS, _DNG_VERSION}
)
_LISTS: Final = frozenset({_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES})


def read_directory(file: BinaryIO) -> Directory:
    """Read the first directory of a TIFF or BigTIFF; damaged entries are ignored.

    Raises TooMuchWorkError if it lists an unreasonable number of parts.
    """
    found = Directory()
    with contextlib.suppress(struct.error, OSError, ValueError, IndexError, OverflowError):
        _read_into(found, file)
    return found


def _read_into(found: Directory, file: BinaryIO) -> None:
    file.seek(0)
    header = file.read(16)
    order = "<" if header[:2] == b"II" else ">"
    is_big = 43 in (header[2], header[3])
    (place,) = struct.unpack_from(order + ("Q" if is_big else "I"), header, 8 if is_big else 4)
    _read_at(found, file, place, order, is_big=is_big)
    for below in found.values.get(_SUB_IFDS, ())[:_MAX_SUB_IFDS]:
        sub = Directory()
        _read_at(sub, file, below, order, is_big=is_big)
        found.has_sensor_link |= sub.is_sensor


def _read_at(found: Directory, file: BinaryIO, place: int, order: str, *, is_big: bool) -> None:
    file.seek(place)
    (count,) = struct.unpack(order + ("Q" if is_big else "H"), file.read(8 if is_big else 2))
    form = order + ("HHQ8s" if is_big else "HHI4s")
    size = struct.calcsize(form)
    if count > _MAX_ENTRIES:
        raise TooMuchWorkError
    entries = file.read(count * size)
    for at in range(0, len(entries) - size + 1, size):
        tag, kind, length, inline = struct.unpack_from(form, entries, at)
        if tag == _MAKE:
            found.make = _content(file, order, length, inline)[:64]
        elif tag in _WANTED | _LISTS and kind in _CODES:
            if length > _MAX_PARTS:
                raise TooMuchWorkError
            one = order + _CODES[kind]
            content = _content(file, order, length * struct.calcsize(one), inline)
            usable = len(content) // struct.calcsize(one)
            found.values[tag] = struct.unpack_from(f"{order}{usable}{_CODES[kind]}", content)


def _content(file: BinaryIO, order: str, count: int, inline: bytes) -> bytes:
    if count <= len(inline):
        return inline[:count]
    (place,) = struct.unpack(order + ("Q" if len(inline) == 8 else "I"), inline)
    file.seek(place)
    return file.read(count)


class _Errors(threading.local):
    count = 0


_ERRORS: Final = _Errors()
_Handler: Final = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


def _count_error(module: int, form: int, values: int) -> None:  # noqa: ARG001 - libtiff's signature
    _ERRORS.count += 1


_COUNT_ERROR: Final = _Handler(_count_error)


@cache
def catch_errors() -> None:
    """Count libtiff's errors and keep them from standard error; Pillow does this only for its warnings.

    The function is found through Pillow's library if it loads libtiff as a shared library: on Linux and macOS.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        set_handler.argtypes, set_handler.restype = [_Handler], ctypes.c_void_p
        set_handler(_COUNT_ERROR)


def errors() -> int:
    """The number of libtiff errors in this thread."""
    return _ERRORS.count
