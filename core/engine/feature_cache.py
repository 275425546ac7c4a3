"""A cache in memory of recent images' features: other heads over the same backbone can reuse them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.detection import Box, Detection
from core.prediction import Timing

MAX_IMAGES: Final = 4096
"""32 MB at 2048 features; the least recently used are dropped first."""


@dataclass(frozen=True, slots=True)
class FileSignature:
    """The state of a file before it was read; it changes when the file is written."""

    path: Path
    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class CropFeatures:
    """The features of a crop around the subject of an image.

    Attributes:
        box: the crop.
        subject: the thing that it was made around.
        features: float32 [d].
    """

    box: Box
    subject: Detection
    features: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ImageFeatures:
    """The features of an image.

    Attributes:
        path: the image.
        features: float32 [d].
        timing: how long they took to compute.
        warnings: warnings about the image.
        detections: the things in it; None if nobody looked for them.
        crop: the features of the crop around its subject; None if there is none.
    """

    path: Path
    features: NDArray[np.float32]
    timing: Timing
    warnings: tuple[str, ...] = ()
    detections: tuple[Detection, ...] | None = None
    crop: CropFeatures | None = None


class LruFeatureCache:
    """Features of one engine by file; thread-safe."""

    def __init__(self, *, capacity: int = MAX_IMAGES) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[FileSignature, ImageFeatures] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, signature: FileSignature) -> ImageFeatures | None:
        """Return the cached features of a file in its current state."""
        with self._lock:
            if signature in self._entries:
                self._entries.move_to_end(signature)
            return self._entries.get(signature)

    def put(self, signature: FileSignature, cached: ImageFeatures) -> None:
        """Cache the features of a file in the state before it was read."""
        with self._lock:
            self._entries[signature] = cached
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)


def file_signature(path: Path) -> FileSignature | None:
    """The current state of a file; None if it cannot be accessed."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return FileSignature(path, status.st_ino, status.st_size, status.st_mtime_ns)
