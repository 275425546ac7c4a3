"""What was seen of each file, so that a folder that did not change is not looked at again.

A file counts as unchanged while size, times and inode stay the same. Times tell seconds or less apart, so one that was
written just before it was looked at may have been written again since without a trace; such a file is not believed, as
git does not (Documentation/technical/racy-git.txt).
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias

import PIL

from core.base import paths
from core.base.cache import Cache
from core.datasets.problems import ProblemKind

SCAN_VERSION: Final = 2
"""Raised whenever other things would be seen in the same file."""

LIMIT_BYTES: Final = 64 * 1024**2
"""What the memo may take on disk: 200,000 images."""

_STABLE_NS: Final = 2_000_000_000
"""FAT tells times no finer than this."""

_COLUMNS: Final = """
    file BLOB PRIMARY KEY, state TEXT NOT NULL, used REAL NOT NULL, sum INTEGER NOT NULL, seen TEXT NOT NULL
"""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What was seen of a file that can be read.

    Attributes:
        sha256: of its bytes, in hexadecimal.
        phash: 64 bits, nearly the same for images that look nearly the same (`core.images.perceptual_hash`).
        quality_flags: what is unusual about it: TINY, ELONGATED, BLANK, GREY.
    """

    sha256: str
    phash: int
    quality_flags: tuple[ProblemKind, ...]


@dataclass(frozen=True, slots=True)
class ReadError:
    """Why a file cannot be read: what happened and what the person can do."""

    message: str
    hint: str


ScanResult: TypeAlias = ImageInfo | ReadError


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells that a file was written.

    Attributes:
        size: in bytes.
        mtime_ns: when its content changed, in nanoseconds since 1970, as anyone may set it.
        ctime_ns: when anything about it changed; on Windows, when it was made.
        inode: its number on its disk.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileState | None:
        """The state of a file; None where there is none."""
        try:
            status = path.stat()
        except OSError:
            return None
        is_file = stat.S_ISREG(status.st_mode)
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino) if is_file else None

    def is_stable(self, at_ns: int) -> bool:
        """Whether a look at that moment, in nanoseconds since 1970, will be followed by no change without a trace."""
        return max(self.mtime_ns, self.ctime_ns) + _STABLE_NS < at_ns


class ScanCache:
    """What was seen of files, in one SQLite file: a `Cache`, with all that this promises.

    Where files lie is not written down: they are found by a hash of that.
    """

    def __init__(self, file: Path | None = None, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Nothing is opened until it is used.

        Args:
            file: the file; made when needed. None: the person's, in the cache folder.
            limit_bytes: what the memo may take on disk; what was not used for longest goes first.
        """
        place = paths.cache_folder() / "seen.sqlite" if file is None else file
        self._cache = Cache(place, "seen", _COLUMNS, limit_bytes=limit_bytes, what="notes about images")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cache.close()

    def get(self, files: Sequence[Path]) -> list[ScanResult | None]:
        """What was seen of each file; None where it was never looked at or has changed since."""
        keys = [_key(file) for file in files]
        rows = {key: row for key, *row in self._cache.find("file, state, sum, seen", "file", (), keys)}
        return [_valid_result(file, *rows[key]) if key in rows else None for file, key in zip(files, keys, strict=True)]

    def put(self, results: Iterable[tuple[Path, FileState, ScanResult]]) -> None:
        """Keep what was seen of files in the states they were in."""
        now = time.time()
        notes = ((_key(file), _serialized_state(state), json.dumps(_as_json(what))) for file, state, what in results)
        self._cache.put([(key, state, now, _checksum(state, note), note) for key, state, note in notes])


def _key(file: Path) -> bytes:
    return hashlib.blake2b(os.fsencode(file.absolute()), digest_size=16).digest()


def _serialized_state(state: FileState) -> str:
    """A state, and what looked at the file then."""
    return f"{SCAN_VERSION} {PIL.__version__} {state.size} {state.mtime_ns} {state.ctime_ns} {state.inode}"


def _checksum(state: str, note: str) -> int:
    return zlib.crc32(f"{state}\n{note}".encode())


def _as_json(result: ScanResult) -> dict[str, object]:
    if isinstance(result, ReadError):
        return {"message": result.message, "hint": result.hint}
    return {"sha256": result.sha256, "look": result.phash, "oddities": result.quality_flags}


def _valid_result(file: Path, state: str, sum_: int, note: str) -> ScanResult | None:
    """What a row says, if it is whole and the file is as it was."""
    now = FileState.of(file)
    if now is None or _serialized_state(now) != state or _checksum(state, note) != sum_:
        return None
    fields = json.loads(note)
    if "sha256" not in fields:
        return ReadError(**fields)
    return ImageInfo(fields["sha256"], fields["look"], tuple(map(ProblemKind, fields["oddities"])))
