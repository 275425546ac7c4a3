"""How files end: a copy that broke off may leave the right length, its end all zeros or all ones."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final

MIN_TAIL: Final = 32
"""Bytes. Compressed data never end in as many equal ones, but where a large image is all of one colour."""

_BLOCK_BYTES: Final = 1024**2


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a file.

    Attributes:
        size: of the file, in bytes.
        last: its last two bytes.
        tail: how many bytes at its end are all 0x00 or all 0xff; 0 where they are fewer than `MIN_TAIL`.
    """

    size: int
    last: bytes
    tail: int

    @property
    def tail_start(self) -> int:
        """Where the tail begins."""
        return self.size - self.tail

    def reaches(self, ranges: Iterable[tuple[int, int]]) -> bool:
        """Whether the tail covers the end of any range of (start, end), or of what the file holds of it."""
        ends = ((start, min(end, self.size)) for start, end in ranges)
        return self.tail > 0 and any(end - max(start, self.tail_start) >= MIN_TAIL for start, end in ends)


def read_ending(file: BinaryIO) -> Ending:
    """Look at the end of a file; its position afterwards is anywhere."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - MIN_TAIL))
    block = file.read(MIN_TAIL)
    value = block[-1:]
    if len(block) < MIN_TAIL or value not in (b"\0", b"\xff") or block.strip(value):
        return Ending(size, block[-2:], 0)
    return Ending(size, block[-2:], _tail(file, size, value))


def _tail(file: BinaryIO, size: int, value: bytes) -> int:
    end = size
    while end:
        start = max(0, end - _BLOCK_BYTES)
        file.seek(start)
        block = file.read(end - start)
        left = len(block.rstrip(value))
        if left:
            return size - start - left
        end = start
    return size
