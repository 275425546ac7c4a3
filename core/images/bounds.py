"""How much work and memory images may take, over all threads of the program."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MAX_BYTES: Final = 1024**3
"""Of a file: an uncompressed 16-bit TIFF of `MAX_PIXELS` fits."""

MAX_SIDE: Final = 65_535
"""The most a JPEG can state."""

MAX_PIXELS: Final = 120_000_000
"""What may be decoded: photos of 102-megapixel cameras pass."""

MAX_JPEG_PIXELS: Final = 256_000_000
"""What a JPEG may have before it is reduced while decoding: photos of 200-megapixel phones pass."""

MAX_MEMORY: Final = 960_000_000
"""Bytes for all images that are being decoded at a time, as far as their headers tell."""


class TooLargeError(Exception):
    """The header states more pixels than may be decoded."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(size)
        self.size = size


class TooMuchWorkError(Exception):
    """Decoding the file would take longer than an image may."""


class TooMuchMemoryError(Exception):
    """Decoding the file would take more memory than an image may."""


def check_size(size: tuple[int, int], most_pixels: int | None = None) -> None:
    """Refuse what has too many pixels; `MAX_PIXELS` where no other number is given.

    Raises:
        TooLargeError: it has.
    """
    if max(size) > MAX_SIDE or size[0] * size[1] > (most_pixels or MAX_PIXELS):
        raise TooLargeError(size)


class Memory:
    """What images that are being decoded may take together; an image waits until there is enough for it."""

    def __init__(self, maximum: int = MAX_MEMORY) -> None:
        self._most, self._taken = maximum, 0
        self._freed = threading.Condition()

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        """Hold `count` bytes.

        Raises:
            TooMuchMemoryError: there are never as many.
        """
        if count > self._most:
            raise TooMuchMemoryError
        with self._freed:
            self._freed.wait_for(lambda: self._taken + count <= self._most)
            self._taken += count
        try:
            yield
        finally:
            with self._freed:
                self._taken -= count
                self._freed.notify_all()


MEMORY: Final = Memory()
