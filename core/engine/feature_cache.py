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

MAX_IMAGES: Final = 4096
"""At 2048 features 32 MB; those not asked for longest go first."""


@dataclass(frozen=True, slots=True)
class FileSignature:
    """A file as it was before it was read; written to, it has another one."""

    path: Path
    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class CachedFeatures:
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


class LruFeatureCache:
    """Features by file, of one engine; any thread may ask."""

    def __init__(self, *, capacity: int = MAX_IMAGES) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[FileSignature, CachedFeatures] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, signature: FileSignature) -> CachedFeatures | None:
        """What was seen of the file as it is now."""
        with self._lock:
            if signature in self._entries:
                self._entries.move_to_end(signature)
            return self._entries.get(signature)

    def put(self, signature: FileSignature, cached: CachedFeatures) -> None:
        """Keep what was seen of the file as it was before it was read."""
        with self._lock:
            self._entries[signature] = cached
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)


def file_signature(path: Path) -> FileSignature | None:
    """The file as it is now; None where it cannot be looked at."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return FileSignature(path, status.st_ino, status.st_size, status.st_mtime_ns)
