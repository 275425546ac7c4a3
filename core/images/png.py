"""PNG checks beyond Pillow's: it gets only chunks that affect the pixels, and checksums and rows are checked.

Text, unknown and damaged ancillary chunks do not damage an image (ISO 15948, 13.2), but Pillow would refuse the file
for many of them, so they are filtered out. Image data with a wrong checksum, or missing rows, count as damage.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, Final, cast

import numpy as np
from PIL.PngImagePlugin import PngImageFile

from core.images.bounds import TooMuchWorkError

_SIGNATURE_BYTES: Final = 8
_KEPT: Final = (b"PLTE", b"tRNS", b"eXIf")
"""Chunks that affect pixels and orientation, besides the header and the image data."""

_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
_SEMANTIC_CHUNKS: Final = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")
"""Text chunks that may contain the orientation."""

_MAX_CHUNK_BYTES: Final = 1024**2
_MAX_PROFILE_BYTES: Final = 16 * 1024**2
_MAX_CHUNKS: Final = 500_000
"""Encoders make one for each 8 kB."""

_BLOCK_BYTES: Final = 64 * 1024
_UNLIMITED: Final = 2**31 - 1
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples per pixel for each colour type."""

PASSES: Final = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
"""Adam7: first column, step, first row, step."""

_MARKS: Final[dict[str, object]] = {
    "L": 0x5B,
    "P": 0x5B,
    "I;16": 0x5BA7,
    "LA": (0x5B, 0xA7),
    "RGB": (0x5B, 0xA7, 0x13),
    "RGBA": (0x5B, 0xA7, 0x13, 0x6D),
}
"""By mode, an unlikely colour that marks rows not decoded yet."""


class Png(PngImageFile):
    """A PNG with irrelevant chunks filtered out, and all colour information in `info`."""

    def __init__(self, file: BinaryIO) -> None:
        self._source = _Source(file)
        super().__init__(cast("BinaryIO", self._source))  # which reads and seeks as far as Pillow asks for
        self.info.update(self._source.info)

    @property
    def has_wrong_sum(self) -> bool:
        """Whether image data read so far have a wrong checksum."""
        return self._source.has_wrong_sum

    def load_prepare(self) -> None:
        """Allocate the pixels with the last two rows marked; called by Pillow."""
        super().load_prepare()
        if self.mode in _MARKS:
            self.im.paste(_MARKS[self.mode], (0, max(0, self.height - 2), *self.size))

    def may_miss_rows(self) -> bool:
        """Whether any pixel of the last two rows still has the marker colour after decoding."""
        mark = _MARKS.get(self.mode)
        last = np.asarray(self.crop((0, max(0, self.height - 2), *self.size)))
        return mark is None or bool((last == np.array(mark)).reshape(*last.shape[:2], -1).all(axis=-1).any())

    def load_end(self) -> None:
        """Read to the end, so that all checksums are checked; called by Pillow."""
        while self._source.read(_BLOCK_BYTES):
            pass
        self.info.update(self._source.info)


class _Source:
    """A filtered file for Pillow: checked header chunks, then all image data as one chunk."""

    def __init__(self, file: BinaryIO) -> None:
        self.has_wrong_sum = False
        self.info: dict[str, object] = {}
        self._file, self._position = file, 0
        self.data = self._image_data()
        self._ready = BytesIO(self._head())

    def read(self, count: int = -1) -> bytes:
        """Read the next bytes; fewer, but at least one, at the end of a chunk."""
        found = self._ready.read(count) or next(self.data, b"")
        if 0 <= count < len(found):
            self._ready, found = BytesIO(found[count:]), found[:count]
        self._position += len(found)
        return found

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        """Accept only the current position, which is all Pillow asks for."""
        if position != self._position:
            raise ValueError("not there")

    def _head(self) -> bytes:
        kept = [self._file.read(_SIGNATURE_BYTES)]
        for _ in range(_MAX_CHUNKS):
            name, length = self._next_chunk()
            if len(name) < 4:
                raise EOFError("chunk")
            if name == b"IDAT":
                self._length = length
                return b"".join((*kept, struct.pack(">I", _UNLIMITED), name))
            most = _MAX_PROFILE_BYTES if name == b"iCCP" else _MAX_CHUNK_BYTES
            content = self._file.read(length) if length <= most else self._skip(length)
            has_right_sum = zlib.crc32(content, zlib.crc32(name)) == self._sum()
            if not has_right_sum and name in (b"IHDR", b"PLTE"):
                raise ValueError("sum")
            if has_right_sum and self._is_kept(name, content):
                kept.append(_chunk(name, content))
        raise TooMuchWorkError

    def _skip(self, length: int) -> bytes:
        self._file.seek(length, 1)
        return b""

    def _sum(self) -> int:
        return int.from_bytes(self._file.read(4), "big")

    def _is_kept(self, name: bytes, content: bytes) -> bool:
        """Whether to pass a chunk to Pillow; chunks it cannot read are stored in `info`."""
        if name == b"iCCP":
            self.info["icc_profile"] = _inflated(content.partition(b"\0")[2][1:], _MAX_PROFILE_BYTES)
        elif name == b"cICP" and len(content) == 4:
            self.info["cicp"] = tuple(content)
        return name in (b"IHDR", *_KEPT) or (name in _TEXTS and _is_short_text(name, content))

    def _image_data(self) -> Iterator[bytes]:
        """Yield the content of all IDAT chunks, checking their checksums; then look for EXIF."""
        name, left = b"IDAT", self._length
        for _ in range(_MAX_CHUNKS):
            if name != b"IDAT":
                break
            found = zlib.crc32(name)
            while left:
                block = self._file.read(min(left, _BLOCK_BYTES))
                if not block:
                    return
                found, left = zlib.crc32(block, found), left - len(block)
                yield block
            stated = self._file.read(4)
            self.has_wrong_sum |= len(stated) == 4 and int.from_bytes(stated, "big") != found
            name, left = self._next_chunk()
        else:
            raise TooMuchWorkError
        self._read_exif(name, left)

    def _next_chunk(self) -> tuple[bytes, int]:
        """The name and length of the next chunk; the name is shorter than 4 bytes at the end of the file."""
        header = self._file.read(8)
        return header[4:], int.from_bytes(header[:4], "big")

    def _read_exif(self, name: bytes, length: int) -> None:
        """Look for EXIF after the image data, from the current chunk on."""
        for _ in range(_MAX_CHUNKS):
            if name in (b"", b"IEND"):
                return
            content = self._file.read(length) if name == b"eXIf" and length <= _MAX_CHUNK_BYTES else self._skip(length)
            if zlib.crc32(content, zlib.crc32(name)) == self._sum() and name == b"eXIf":
                self.info["exif"] = b"Exif\0\0" + content
            name, length = self._next_chunk()


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))


def _is_short_text(name: bytes, content: bytes) -> bool:
    """Whether a text may contain the orientation, and decompresses to a size that Pillow accepts."""
    if not content.startswith(_SEMANTIC_CHUNKS):
        return False
    packed = content.partition(b"\0")[2][1:] if name == b"zTXt" else content
    if name == b"iTXt":
        return content.partition(b"\0")[2][:1] == b"\0"
    return name == b"tEXt" or _inflated(packed, _MAX_CHUNK_BYTES) is not None


def _inflated(data: bytes, maximum: int) -> bytes | None:
    """Decompress data; None if they are damaged or larger than `maximum` bytes."""
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(data, maximum)
    except zlib.error:
        return None
    return None if unpacking.unconsumed_tail else found


def misses_rows(file: BinaryIO) -> bool:
    """Whether the compressed data of a PNG have fewer bytes than its header declares."""
    file.seek(_SIGNATURE_BYTES + 8)
    width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", file.read(13))
    needed = _bytes_of(width, height, depth * _SAMPLES[colours], is_interlaced=bool(interlaced))
    file.seek(0)
    unpacking = zlib.decompressobj()
    try:
        for block in _Source(file).data:
            left = block
            while left and needed > 0:
                needed -= len(unpacking.decompress(left, _MAX_CHUNK_BYTES))
                left = unpacking.unconsumed_tail
            if needed <= 0 or unpacking.eof:
                break
    except zlib.error:
        return True
    return needed > 0


def _bytes_of(width: int, height: int, bits: int, *, is_interlaced: bool) -> int:
    """The size of all rows in bytes, including one filter byte per row."""
    total = 0
    for left, across, top, down in PASSES if is_interlaced else ((0, 1, 0, 1),):
        columns, rows = -(-max(0, width - left) // across), -(-max(0, height - top) // down)
        total += rows * (1 + -(-columns * bits // 8)) if columns else 0
    return total
