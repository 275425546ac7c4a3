"""Limits of work and memory for images, over all threads of the program."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MAX_BYTES: Final = 1024**3
"""Maximum size of a file: an uncompressed 16-bit TIFF of `MAX_PIXELS` fits."""

MAX_SIDE: Final = 65_535
"""The maximum side a JPEG can have."""

MAX_PIXELS: Final = 120_000_000
"""Maximum decoded size: enough for photos of 102-megapixel cameras."""

MAX_JPEG_PIXELS: Final = 256_000_000
"""Maximum size of a JPEG that is reduced while decoding: enough for photos of 200-megapixel phones."""

MAX_MEMORY: Final = 960_000_000
"""Maximum bytes for all images being decoded at a time, according to their headers."""


class TooLargeError(Exception):
    """The image has more pixels than the limit."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(size)
        self.size = size


class TooMuchWorkError(Exception):
    """Decoding would take too long."""


class TooMuchMemoryError(Exception):
    """Decoding would need too much memory."""


def check_size(size: tuple[int, int], most_pixels: int | None = None) -> None:
    """Check the size of an image against a limit of pixels, by default `MAX_PIXELS`.

    Raises TooLargeError if it is too large.
    """
    if max(size) > MAX_SIDE or size[0] * size[1] > (most_pixels or MAX_PIXELS):
        raise TooLargeError(size)


class Memory:
    """The memory budget of images being decoded; an image waits until there is enough for it."""

    def __init__(self, maximum: int = MAX_MEMORY) -> None:
        self._most, self._taken = maximum, 0
        self._freed = threading.Condition()

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        """Reserve `count` bytes; raises TooMuchMemoryError if they exceed the whole budget."""
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
