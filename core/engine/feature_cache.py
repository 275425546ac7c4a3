"""Features of the images looked at lately, in memory: another head over the same backbone answers them at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.prediction import Timing

MOST_IMAGES: Final = 4096
"""At 2048 features 32 MB; those not asked for longest go first."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file as it was before it was read; written to, it has another one."""

    path: Path
    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the backbone made of an image.

    Attributes:
        path: the image.
        features: float32 [d].
        timing: how long that took then.
        warnings: about the image.
    """

    path: Path
    features: NDArray[np.float32]
    timing: Timing
    warnings: tuple[str, ...] = ()


class Recent:
    """Features by file, of one engine; any thread may ask."""

    def __init__(self, *, most: int = MOST_IMAGES) -> None:
        self._most = most
        self._seen: OrderedDict[Stamp, Seen] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, stamp: Stamp) -> Seen | None:
        """What was seen of the file as it is now."""
        with self._lock:
            if stamp in self._seen:
                self._seen.move_to_end(stamp)
            return self._seen.get(stamp)

    def put(self, stamp: Stamp, seen: Seen) -> None:
        """Keep what was seen of the file as it was before it was read."""
        with self._lock:
            self._seen[stamp] = seen
            while len(self._seen) > self._most:
                self._seen.popitem(last=False)


def stamp_of(path: Path) -> Stamp | None:
    """The file as it is now; None where it cannot be looked at."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return Stamp(path, status.st_ino, status.st_size, status.st_mtime_ns)
