"""A persistent store of features for later trainings, in one SQLite file."""

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
"""Maximum size of the store on disk: 450,000 images at 2048 features."""

_COLUMNS: Final = """
    backbone TEXT NOT NULL, preprocessing TEXT NOT NULL, precision TEXT NOT NULL, image TEXT NOT NULL,
    used REAL NOT NULL, sum INTEGER NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (backbone, preprocessing, precision, image)
"""

Rows: TypeAlias = dict[str, NDArray[np.float16]]
"""Features [d] by the SHA-256 of their image."""


@dataclass(frozen=True, slots=True)
class FeatureKind:
    """What features depend on besides the image.

    Attributes:
        backbone: SHA-256 of the file of the backbone, or of its variant.
        preprocessing: `preprocessing.version` of the backbone's preprocessing.
        precision: the requested precision.
        width: d, the number of features.
    """

    backbone: str
    preprocessing: str
    precision: str
    width: int

    @property
    def key(self) -> tuple[str, str, str]:
        """The key in the store; the width follows from the backbone."""
        return self.backbone, self.preprocessing, self.precision


class FeatureStore:
    """Features in one SQLite file, by image and `FeatureKind`, with the guarantees of `Cache`."""

    def __init__(self, file: Path | None = None, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Describe the store; the file is opened on first use.

        Args:
            file: the file, created when needed; None for the user's, in the cache folder.
            limit_bytes: maximum size on disk; the least recently used features are removed first.
        """
        place = paths.cache_folder() / "features.sqlite" if file is None else file
        self._cache = Cache(place, "features", _COLUMNS, limit_bytes=limit_bytes, what="features")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, kind: FeatureKind, images: Sequence[str]) -> Rows:
        """Return the stored features [d] of images by SHA-256; images without features are left out."""
        where, length = "backbone = ? AND preprocessing = ? AND precision = ? AND image", 2 * kind.width
        return {
            image: np.frombuffer(vector, "<f2")
            for image, sum_, vector in self._cache.find("image, sum, vector", where, kind.key, images)
            if isinstance(vector, bytes) and len(vector) == length and zlib.crc32(vector) == sum_
        }

    def put(self, kind: FeatureKind, rows: Mapping[str, NDArray[np.float16]]) -> None:
        """Store features [d] of images by SHA-256, all or none; existing ones are replaced."""
        vectors = {image: row.astype("<f2").tobytes() for image, row in rows.items()}
        now = time.time()
        self._cache.put([(*kind.key, image, now, zlib.crc32(vector), vector) for image, vector in vectors.items()])

    def erase(self, images: Sequence[str]) -> None:
        """Delete the features of images by SHA-256, of every backbone, so that nothing of them is left.

        Raises:
            StorageError: the file cannot be used.
        """
        self._cache.erase("image = ?", images)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._cache.close()
