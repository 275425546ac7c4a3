"""Features of recent photos, kept on disk: when the window is opened again, its photos are not computed again.

They are kept as they were computed, so predictions stay the same, and only for the engine that computed them. Paths are
not stored: files are found by a hash of their path and their state.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import time
import zlib
from dataclasses import astuple
from pathlib import Path
from typing import Final

import numpy as np
import PIL

from core.base import paths
from core.base.cache import Cache
from core.base.file_state import FileState
from core.engine import sessions
from core.engine.engine import Engine
from core.engine.feature_cache import ImageFeatures, LruFeatureCache
from core.images import preprocessing
from core.prediction import Timing

LIMIT_BYTES: Final = 64 * 1024**2
"""Maximum size on disk: 4,500 photos at 3,328 features."""
_UNWRITTEN: Final = 64
"""Photos that are written at once while more are computed."""
_COLUMNS: Final = """
    engine TEXT NOT NULL, file BLOB NOT NULL, state TEXT NOT NULL, used REAL NOT NULL, sum INTEGER NOT NULL,
    about TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (engine, file)
"""


class KeptFeatures(LruFeatureCache):
    """Features of whole images by file, for one engine, in memory and on disk, there with the guarantees of `Cache`."""

    def __init__(self, engine: Engine) -> None:
        """Describe the cache; its file is opened on first use."""
        super().__init__()
        self._cache = _open_cache()
        self._engine, self._width = _engine_key(engine), engine.card.feature_width
        self._unwritten: list[tuple[ImageFeatures, FileState]] = []
        self._unstable: set[tuple[Path, FileState]] = set()

    def get(self, path: Path, state: FileState) -> ImageFeatures | None:
        """The features of a file in its current state; None if there are none."""
        found = super().get(path, state) or self._read(path, state)
        if found is not None:
            super().put(found, state)
        elif not state.is_stable(time.time_ns()):
            self._unstable.add((path, state))
        return found

    def put(self, cached: ImageFeatures, state: FileState) -> None:
        """Keep the features of a file in the state before it was read; they are written with others, or by `write`.

        A file that had just changed when `get` was asked may have changed again, so its features are not written.
        """
        super().put(cached, state)
        if (cached.path, state) in self._unstable:
            self._unstable.discard((cached.path, state))
        else:
            self._unwritten.append((cached, state))
        if len(self._unwritten) >= _UNWRITTEN:
            self.write()

    def write(self) -> None:
        """Write what was put."""
        some, self._unwritten = self._unwritten, []
        self._cache.put([self._row(found, state) for found, state in some])

    def _read(self, path: Path, state: FileState) -> ImageFeatures | None:
        rows = self._cache.find("state, sum, about, vector", "engine = ? AND file", (self._engine,), [_file_key(path)])
        for kept_state, sum_, about, vector in rows:
            is_whole = len(vector) == 4 * self._width and _checksum(about, vector) == sum_
            if is_whole and kept_state == _state_key(state):
                timing, warnings, provider, precision = json.loads(about)
                row = np.frombuffer(vector, "<f4").astype(np.float32)
                origin = {"provider": provider, "precision": precision}
                return ImageFeatures(path, row, Timing(*timing), tuple(warnings), **origin)
        return None

    def _row(self, found: ImageFeatures, state: FileState) -> tuple[str | bytes | float | int, ...]:
        vector = found.features.astype("<f4").tobytes()
        about = json.dumps([astuple(found.timing), found.warnings, found.provider, found.precision])
        own = self._engine, _file_key(found.path), _state_key(state)
        return (*own, time.time(), _checksum(about, vector), about, vector)


def erase_kept_features() -> None:
    """Delete all kept features, so that nothing of them is left.

    Raises:
        StorageError: the file cannot be used.
    """
    with _open_cache() as cache:
        cache.erase("used < ?", [float("inf")])


def _open_cache() -> Cache:
    file, what = paths.cache_folder() / "recent.sqlite", "features of recent photos"
    return Cache(file, "recent", _COLUMNS, limit_bytes=LIMIT_BYTES, what=what)


def _engine_key(engine: Engine) -> str:
    """What features depend on besides the file."""
    card = engine.card
    parts = (
        card.sha256,
        engine.provider,
        engine.requested,
        engine.precision,
        preprocessing.version(card.preprocessing),
    )
    programs = PIL.__version__, importlib.metadata.version("fovea"), sessions.versions()
    return hashlib.sha256(json.dumps([*parts, *programs]).encode()).hexdigest()


def _file_key(path: Path) -> bytes:
    return hashlib.blake2b(os.fsencode(path.absolute()), digest_size=16).digest()


def _state_key(state: FileState) -> str:
    return " ".join(map(str, astuple(state)))


def _checksum(about: str, vector: bytes) -> int:
    return zlib.crc32(vector, zlib.crc32(about.encode()))
