"""A cache in an SQLite file, the basis of every cache of the project.

A cache never raises: a damaged file is set aside, and if nothing can be written, nothing is cached. If the process is
killed, everything put before is kept.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Self, TypeAlias, TypeVar

from core.base.database import connect, erase, transaction
from core.base.errors import StorageError
from core.base.i18n import tr
from core.base.recovery import is_damage
from core.base.salvage import LOGS, files_set_aside, set_aside
from core.base.storage import is_there, storage_errors

_BATCH_SIZE: Final = 500
"""Rows per statement; SQLite limits the number of parameters to some thousands."""
_USED_DAILY_S: Final = 24 * 3600
"""Resolution of the last use: updating it at every read would cost more than the read."""
_KEPT_FRACTION: Final = 0.9
"""The fraction of the limit that is kept when a cache is trimmed, so that it is not trimmed again at once."""

_log = logging.getLogger(__name__)
T = TypeVar("T")

Value: TypeAlias = str | int | float | bytes


class Cache:
    """One table in one SQLite file, which several threads and processes may use at once.

    Nothing here raises for a file error: it is logged as a warning, once, and nothing is cached from then on.
    """

    def __init__(self, file: Path, table: str, columns: str, *, limit_bytes: int, what: str) -> None:
        """Describe the cache; the file is created and opened on first use.

        The columns are as in CREATE TABLE, including `used REAL`, in seconds since 1970. Beyond `limit_bytes` on
        disk, the least recently used rows are removed. `what` is a lower-case plural for the rows, for messages.
        """
        self._file, self._table, self._columns = file, table, columns
        self._limit, self._what = limit_bytes, what
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._is_usable = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def find(self, columns: str, where: str, values: tuple[Value, ...], one_of: Sequence[Value]) -> list[Any]:
        """Return the matching rows as tuples of `columns`, and mark them as used now.

        `values` are the parameters of the condition `where`, which ends in the name of a column whose value must be
        one of `one_of`.
        """
        found: list[Any] = []
        for start in range(0, len(one_of), _BATCH_SIZE):
            some = tuple(one_of[start : start + _BATCH_SIZE])
            chosen = f"WHERE {where} IN ({', '.join('?' * len(some))})"
            found += self._do(partial(self._select, columns, chosen, values + some)) or ()
        return found

    def put(self, rows: Sequence[tuple[Value, ...]]) -> None:
        """Store complete rows, all or none; those with the same primary key are replaced."""
        if rows:
            self._do(partial(self._insert, rows))

    def erase(self, condition: str, values: Sequence[Value]) -> None:
        """Delete rows so that nothing of them is left, not even in damaged files that were set aside.

        The condition has one parameter, and is used once for each value.

        Raises:
            StorageError: the file cannot be used; there may be such rows in it.
        """
        for aside in files_set_aside(self._file.parent, self._file.name):
            with storage_errors(aside):
                for ending in ("", *LOGS):
                    aside.with_name(aside.name + ending).unlink(missing_ok=True)
        statement = f"DELETE FROM {self._table} WHERE {condition}"
        if is_there(self._file) and not self._do(partial(self._erase, statement, values)):
            what = tr("Couldn't delete from the cache {file!r} ({what}).", file=str(self._file), what=self._what)
            raise StorageError(what, hint=tr("Close other programs that use it, or delete the file, then try again."))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._close()

    def _select(self, columns: str, chosen: str, values: tuple[Value, ...], opened: sqlite3.Connection) -> list[Any]:
        rows = opened.execute(f"SELECT {columns} FROM {self._table} {chosen}", values).fetchall()
        now = time.time()
        with contextlib.suppress(sqlite3.OperationalError):  # a read-only file works too
            aged = f"UPDATE {self._table} SET used = ? {chosen} AND used < ?"
            opened.execute(aged, (now, *values, now - _USED_DAILY_S))
        return rows

    def _insert(self, rows: Sequence[tuple[Value, ...]], opened: sqlite3.Connection) -> None:
        marks = ", ".join("?" * len(rows[0]))
        with transaction(opened):
            opened.executemany(f"INSERT OR REPLACE INTO {self._table} VALUES ({marks})", rows)
            self._trim(opened)

    def _erase(self, statement: str, values: Sequence[Value], opened: sqlite3.Connection) -> bool:
        erase(opened, statement, [(value,) for value in values])
        return True

    def _trim(self, opened: sqlite3.Connection) -> None:
        size = _size(opened)
        if size <= self._limit:
            return
        (count,) = opened.execute(f"SELECT COUNT(*) FROM {self._table}").fetchone()
        surplus = count - int(count * _KEPT_FRACTION * self._limit / size)
        oldest = f"SELECT rowid FROM {self._table} ORDER BY used, rowid LIMIT ?"
        opened.execute(f"DELETE FROM {self._table} WHERE rowid IN ({oldest})", (surplus,))

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Run work on the open file, replacing a damaged file by a new one."""
        with self._lock:
            for _ in range(2):
                if not self._is_usable:
                    break
                try:
                    self._connection = self._connection or self._open()
                    return work(self._connection)
                except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
                    self._close()
                    self._recover(error)
            return None

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        return connect(self._file, self._prepare)

    def _prepare(self, opened: sqlite3.Connection) -> None:
        opened.text_factory = str  # damaged text is an error, as everything can be computed again
        _begin_log(opened)
        opened.execute("PRAGMA synchronous = NORMAL")
        opened.executescript(
            f"CREATE TABLE IF NOT EXISTS {self._table} ({self._columns});"
            f"CREATE INDEX IF NOT EXISTS {self._table}_by_use ON {self._table} (used);"
        )

    def _recover(self, error: sqlite3.Error | OSError | UnicodeDecodeError) -> None:
        """Set a damaged file aside and delete earlier ones, because the content can be recomputed."""
        reason: object = error
        if is_damage(error, self._file):
            earlier = files_set_aside(self._file.parent, self._file.name)
            try:
                aside = set_aside(self._file)
            except StorageError as second:
                reason = second
            else:
                what = tr(
                    "The cache {file!r} ({what}) was damaged and is rebuilt. The damaged file was kept as {aside!r}.",
                    file=str(self._file),
                    what=self._what,
                    aside=aside.name,
                )
                _log.warning("%s", what)
                for old in earlier:
                    old.unlink(missing_ok=True)
                return
        self._is_usable = False
        what = tr(
            "Couldn't use the cache {file!r} ({what}), so the content is computed again next time: {reason}",
            file=str(self._file),
            what=self._what,
            reason=reason,
        )
        _log.warning("%s", what)


def _begin_log(opened: sqlite3.Connection) -> None:
    """Enable the write-ahead log: a kill loses nothing that was put, and readers never wait for writers."""
    try:
        opened.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:  # for this one SQLite does not wait
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise  # otherwise another process is just doing it


def _size(opened: sqlite3.Connection) -> int:
    pages, free, page = (
        opened.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * page)
