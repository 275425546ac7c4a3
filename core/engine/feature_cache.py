"""A cache in memory of recent images' features: other heads over the same backbone can reuse them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.file_state import FileState
from core.detection import Box, Detection
from core.prediction import Timing

KEPT: Final = "kept"
"""Takes the place of the provider where features were stored by an earlier run."""

MAX_IMAGES: Final = 4096
"""32 MB at 2048 features; the least recently used are dropped first."""


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
        provider: what computed them.
        precision: the number format they were computed in; "" if they were stored.
    """

    path: Path
    features: NDArray[np.float32]
    timing: Timing
    warnings: tuple[str, ...] = ()
    detections: tuple[Detection, ...] | None = None
    crop: CropFeatures | None = None
    provider: str = KEPT
    precision: str = ""


class LruFeatureCache:
    """Features of one engine by file; thread-safe."""

    def __init__(self, *, capacity: int = MAX_IMAGES) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[tuple[Path, FileState], ImageFeatures] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, state: FileState) -> ImageFeatures | None:
        """Return the cached features of a file in its current state."""
        with self._lock:
            if (path, state) in self._entries:
                self._entries.move_to_end((path, state))
            return self._entries.get((path, state))

    def write(self) -> None:
        """Write what is to be kept on disk: here nothing."""

    def put(self, cached: ImageFeatures, state: FileState) -> None:
        """Cache the features of a file in the state before it was read."""
        with self._lock:
            self._entries[cached.path, state] = cached
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
