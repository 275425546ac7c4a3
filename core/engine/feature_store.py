"""Features kept for every later training, in one SQLite file."""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base import paths
from core.base.cache import Cache

LIMIT_BYTES: Final = 2 * 1024**3
"""What the store may take on disk: 450,000 images at 2048 features."""

_COLUMNS: Final = """
    backbone TEXT NOT NULL, preprocessing TEXT NOT NULL, precision TEXT NOT NULL, image TEXT NOT NULL,
    used REAL NOT NULL, sum INTEGER NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (backbone, preprocessing, precision, image)
"""

Rows: TypeAlias = dict[str, NDArray[np.float16]]
"""Features [d] by the sha256 of their image."""


@dataclass(frozen=True, slots=True)
class FeatureKind:
    """What features depend on besides the image.

    Attributes:
        backbone: sha256 of its file.
        preprocessing: `preprocessing.version` of what the backbone wants.
        precision: how exactly the engine was asked to compute.
        width: d, how many they are.
    """

    backbone: str
    preprocessing: str
    precision: str
    width: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What the store finds them by; the width follows from the backbone."""
        return self.backbone, self.preprocessing, self.precision


class FeatureStore:
    """Features in one SQLite file, by image and by what made them: a `Cache`, with all that this promises."""

    def __init__(self, file: Path | None = None, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Nothing is opened until it is used.

        Args:
            file: the file; made when needed. None: the person's, in the cache folder.
            limit_bytes: what the features may take on disk; those not used for longest go first.
        """
        place = paths.cache_folder() / "features.sqlite" if file is None else file
        self._cache = Cache(place, "features", _COLUMNS, limit_bytes=limit_bytes, what="features")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, kind: FeatureKind, images: Sequence[str]) -> Rows:
        """The features [d] kept for images, which are named by sha256; those not kept are not in the answer."""
        where, length = "backbone = ? AND preprocessing = ? AND precision = ? AND image", 2 * kind.width
        return {
            image: np.frombuffer(vector, "<f2")
            for image, sum_, vector in self._cache.find("image, sum, vector", where, kind.key, images)
            if isinstance(vector, bytes) and len(vector) == length and zlib.crc32(vector) == sum_
        }

    def put(self, kind: FeatureKind, rows: Mapping[str, NDArray[np.float16]]) -> None:
        """Keep features [d] of images, all or none of them; what was kept of the same images is replaced."""
        vectors = {image: row.astype("<f2").tobytes() for image, row in rows.items()}
        now = time.time()
        self._cache.put([(*kind.key, image, now, zlib.crc32(vector), vector) for image, vector in vectors.items()])

    def close(self) -> None:
        """Give the file back; the next use opens it again."""
        self._cache.close()
