"""Features kept for every later training, in one SQLite file.

The store is a cache and never fails its user: what is damaged is set aside, and where nothing can be written, nothing
is kept.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from core import paths

LIMIT_BYTES: Final = 2 * 1024**3
"""What the store may take on disk: 450,000 images at 2048 features."""

_AT_ONCE: Final = 500
"""Images asked for by one statement; SQLite takes no more than some thousand parameters."""
_PATIENCE_S: Final = 30.0
"""How long another process may hold the store; it does so for milliseconds."""
_USED_DAILY_S: Final = 24 * 3600
"""How finely last use is noted: writing it at every reading would cost more than the reading."""
_KEPT_SHARE: Final = 0.9
"""What is left of a store that grew over its limit, so that it does not do so again at once."""
_DAMAGE: Final = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""SQLITE_ERROR comes of tables that are not ours."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS features (
    backbone TEXT NOT NULL, preprocessing INTEGER NOT NULL, precision TEXT NOT NULL, image TEXT NOT NULL,
    used REAL NOT NULL, sum INTEGER NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (backbone, preprocessing, precision, image)
);
CREATE INDEX IF NOT EXISTS features_by_use ON features (used);
"""
_WHERE: Final = "WHERE backbone = ? AND preprocessing = ? AND precision = ? AND image"

_log = logging.getLogger(__name__)
T = TypeVar("T")

Rows: TypeAlias = dict[str, NDArray[np.float16]]
"""Features [d] by the sha256 of their image."""


@dataclass(frozen=True, slots=True)
class FeatureKind:
    """What features depend on besides the image.

    Attributes:
        backbone: sha256 of its file.
        preprocessing: `preprocessing.VERSION`.
        precision: how exactly the engine was asked to compute.
        width: d, how many they are.
    """

    backbone: str
    preprocessing: int
    precision: str
    width: int

    @property
    def key(self) -> tuple[str, int, str]:
        """What the store finds them by; the width follows from the backbone."""
        return self.backbone, self.preprocessing, self.precision


class FeatureStore:
    """Features in one SQLite file, by image and by what made them; two processes may use it at once.

    A kill at any moment leaves what was put before. Nothing here raises for what may happen to a file: it is told by a
    warning, once, and from then on nothing is kept.
    """

    def __init__(self, file: Path | None = None, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Nothing is opened until it is used.

        Args:
            file: the file; made when needed. None: the person's, in the cache folder.
            limit_bytes: what the features may take on disk; those not used for longest go first.
        """
        self._file = paths.cache_folder() / "features.sqlite" if file is None else file
        self._limit = limit_bytes
        self._connection: sqlite3.Connection | None = None
        self._works = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, kind: FeatureKind, images: Sequence[str]) -> Rows:
        """The features [d] kept for images, which are named by sha256; those not kept are not in the answer."""
        found: Rows = {}
        for start in range(0, len(images), _AT_ONCE):
            some = tuple(images[start : start + _AT_ONCE])
            found |= self._do(lambda opened, some=some: _select(opened, kind, some)) or {}  # type: ignore[misc]
        return found

    def put(self, kind: FeatureKind, rows: Mapping[str, NDArray[np.float16]]) -> None:
        """Keep features [d] of images, all or none of them; what was kept of the same images is replaced."""
        vectors = {image: row.astype("<f2").tobytes() for image, row in rows.items()}
        now = time.time()
        values = [(*kind.key, image, now, zlib.crc32(vector), vector) for image, vector in vectors.items()]

        def insert(opened: sqlite3.Connection) -> None:
            with opened:
                opened.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?, ?, ?, ?, ?)", values)
                _trim(opened, self._limit)

        self._do(insert)

    def close(self) -> None:
        """Give the file back; the next use opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do something with the open file, if need be with a new one in the place of a damaged one."""
        for _ in range(2):
            if not self._works:
                break
            try:
                self._connection = self._connection or _open(self._file)
                return work(self._connection)
            except (sqlite3.Error, OSError) as error:
                self.close()
                self._recover(error)
        return None

    def _recover(self, error: sqlite3.Error | OSError) -> None:
        if getattr(error, "sqlite_errorcode", -1) & 0xFF in _DAMAGE:
            try:
                _set_aside(self._file)
            except OSError as second:
                error = second
            else:
                _log.warning("The features kept in %r were damaged; they are computed anew.", str(self._file))
                return
        self._works = False
        _log.warning(
            "Features are not kept in %r, so a later training computes them again: %s.", str(self._file), error
        )


def _open(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    opened = sqlite3.connect(file, timeout=_PATIENCE_S)
    try:
        _begin_log(opened)
        opened.execute("PRAGMA synchronous = NORMAL")
        opened.executescript(_TABLES)
    except BaseException:
        opened.close()
        raise
    return opened


def _begin_log(opened: sqlite3.Connection) -> None:
    """Have the file written through a log: a kill loses nothing that was put, and a reader never waits for a writer."""
    try:
        opened.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:  # for this one SQLite does not wait
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise  # else another process is just doing it, and once is enough


def _set_aside(file: Path) -> None:
    """Rename a damaged file, so that a new one can be begun; an earlier one set aside is replaced."""
    file.replace(file.with_suffix(".damaged"))
    for ending in ("-wal", "-shm"):  # a log without its file is not read, so a kill before this does no harm
        file.with_name(file.name + ending).unlink(missing_ok=True)


def _select(opened: sqlite3.Connection, kind: FeatureKind, images: tuple[str, ...]) -> Rows:
    marks = ", ".join("?" * len(images))
    chosen, values = f"{_WHERE} IN ({marks})", (*kind.key, *images)
    rows = opened.execute(f"SELECT image, sum, vector FROM features {chosen}", values).fetchall()
    now = time.time()
    with contextlib.suppress(sqlite3.OperationalError), opened:  # a file that can only be read serves too
        opened.execute(f"UPDATE features SET used = ? {chosen} AND used < ?", (now, *values, now - _USED_DAILY_S))
    length = 2 * kind.width
    return {
        image: np.frombuffer(vector, "<f2")
        for image, sum_, vector in rows
        if len(vector) == length and zlib.crc32(vector) == sum_
    }


def _trim(opened: sqlite3.Connection, limit_bytes: int) -> None:
    """Delete what was not used for longest, if the features take more than they may."""
    size = _size(opened)
    if size <= limit_bytes:
        return
    (count,) = opened.execute("SELECT COUNT(*) FROM features").fetchone()
    surplus = count - int(count * _KEPT_SHARE * limit_bytes / size)
    opened.execute(
        "DELETE FROM features WHERE rowid IN (SELECT rowid FROM features ORDER BY used, rowid LIMIT ?)", (surplus,)
    )


def _size(opened: sqlite3.Connection) -> int:
    """Bytes of the pages in use."""
    pages, free, page = (
        opened.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * page)
