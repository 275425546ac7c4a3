"""Ends of files: an interrupted copy may have the right length, but end in zeros or ones."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final

MIN_TAIL: Final = 32
"""In bytes. Compressed data never end in this many equal bytes, except in a large image of a single colour."""

_BLOCK_BYTES: Final = 1024**2


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a file: its size and its last two bytes.

    `tail` bytes at its end are all 0x00 or all 0xff; 0 if fewer than `MIN_TAIL`.
    """

    size: int
    last: bytes
    tail: int

    @property
    def tail_start(self) -> int:
        """The position of the tail."""
        return self.size - self.tail

    def reaches(self, ranges: Iterable[tuple[int, int]]) -> bool:
        """Whether the tail covers the end of any range (start, end), or of its part in the file."""
        ends = ((start, min(end, self.size)) for start, end in ranges)
        return self.tail > 0 and any(end - max(start, self.tail_start) >= MIN_TAIL for start, end in ends)


def read_ending(file: BinaryIO) -> Ending:
    """Read the end of a file; its position changes."""
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
