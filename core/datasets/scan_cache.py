"""A cache of scan results, so that files that did not change are not scanned again.

A file counts as unchanged if its size, times and inode are the same. Because of the limited resolution of file times, a
file written just before its scan may have changed again without a trace, so its result is not cached; git does the same
(Documentation/technical/racy-git.txt).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias

import PIL

from core.base import paths
from core.base.cache import Cache
from core.base.file_state import FileState
from core.datasets.problems import ProblemKind

SCAN_VERSION: Final = 2
"""Incremented whenever the scan of an unchanged file would give another result."""

LIMIT_BYTES: Final = 64 * 1024**2
"""The largest size of the cache on disk: 200,000 images."""

_COLUMNS: Final = """
    file BLOB PRIMARY KEY, state TEXT NOT NULL, used REAL NOT NULL, sum INTEGER NOT NULL, seen TEXT NOT NULL
"""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """The scan result of a readable image.

    Attributes:
        sha256: of its bytes, in hexadecimal.
        phash: 64-bit perceptual hash (`core.images.perceptual_hash`).
        quality_flags: any of TINY, ELONGATED, BLANK, GREY.
    """

    sha256: str
    phash: int
    quality_flags: tuple[ProblemKind, ...]


@dataclass(frozen=True, slots=True)
class ReadError:
    """Why a file cannot be read: what happened and what the user can do."""

    message: str
    hint: str


ScanResult: TypeAlias = ImageInfo | ReadError


class ScanCache:
    """Scan results in one SQLite file, with the guarantees of `Cache`.

    Paths are not stored: files are found by a hash of their path.
    """

    def __init__(self, file: Path | None = None, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Create a cache; its file is opened on first use.

        Args:
            file: the SQLite file, created when needed; None: the default one in the cache folder.
            limit_bytes: the largest size on disk; the least recently used entries are evicted first.
        """
        place = paths.cache_folder() / "seen.sqlite" if file is None else file
        self._cache = Cache(place, "seen", _COLUMNS, limit_bytes=limit_bytes, what="notes about images")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cache.close()

    def get(self, files: Sequence[Path]) -> list[ScanResult | None]:
        """The result of each file; None if it was never scanned or has changed since."""
        keys = [_key(file) for file in files]
        rows = {key: row for key, *row in self._cache.find("file, state, sum, seen", "file", (), keys)}
        return [_valid_result(file, *rows[key]) if key in rows else None for file, key in zip(files, keys, strict=True)]

    def put(self, results: Iterable[tuple[Path, FileState, ScanResult]]) -> None:
        """Store the results of files for the states they were scanned in."""
        now = time.time()
        notes = ((_key(file), _serialized_state(state), json.dumps(_as_json(what))) for file, state, what in results)
        self._cache.put([(key, state, now, _checksum(state, note), note) for key, state, note in notes])

    def erase(self, images: Sequence[str]) -> None:
        """Delete the results of images by SHA-256, wherever they are, so that nothing of them is left.

        Raises:
            StorageError: the file cannot be used.
        """
        self._cache.erase("instr(seen, ?)", images)


def _key(file: Path) -> bytes:
    return hashlib.blake2b(os.fsencode(file.absolute()), digest_size=16).digest()


def _serialized_state(state: FileState) -> str:
    """A file state together with the versions of the scan and of Pillow."""
    return f"{SCAN_VERSION} {PIL.__version__} {state.size} {state.mtime_ns} {state.ctime_ns} {state.inode}"


def _checksum(state: str, note: str) -> int:
    return zlib.crc32(f"{state}\n{note}".encode())


def _as_json(result: ScanResult) -> dict[str, object]:
    if isinstance(result, ReadError):
        return {"message": result.message, "hint": result.hint}
    return {"sha256": result.sha256, "look": result.phash, "oddities": result.quality_flags}


def _valid_result(file: Path, state: str, sum_: int, note: str) -> ScanResult | None:
    """The result in a row, if the row is intact and the file has not changed."""
    now = FileState.of(file)
    if now is None or _serialized_state(now) != state or _checksum(state, note) != sum_:
        return None
    fields = json.loads(note)
    if "sha256" not in fields:
        return ReadError(**fields)
    return ImageInfo(fields["sha256"], fields["look"], tuple(map(ProblemKind, fields["oddities"])))
