"""What can be made again, kept in one SQLite file: what every cache of the project stands on.

A cache never fails its user: what is damaged is set aside, and where nothing can be written, nothing is kept. A kill at
any moment leaves what was put before.
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

from core.base.errors import StorageError
from core.base.recovery import is_damage
from core.base.salvage import files_set_aside, set_aside

_BATCH_SIZE: Final = 500
"""Rows asked for by one statement; SQLite takes no more than some thousand parameters."""
_TIMEOUT_S: Final = 30.0
"""How long another process may hold the file; it does so for milliseconds."""
_USED_DAILY_S: Final = 24 * 3600
"""How finely last use is noted: writing it at every reading would cost more than the reading."""
_KEPT_FRACTION: Final = 0.9
"""What is left of a cache that grew over its limit, so that it does not do so again at once."""

_log = logging.getLogger(__name__)
T = TypeVar("T")

Value: TypeAlias = str | int | float | bytes


class Cache:
    """One table in one SQLite file, which threads may share and two processes may use at once.

    Nothing here raises for what may happen to a file: it is told by a warning, once, and from then on nothing is kept.
    """

    def __init__(self, file: Path, table: str, columns: str, *, limit_bytes: int, what: str) -> None:
        """Nothing is opened until it is used.

        Args:
            file: the file; made when needed.
            table: its name.
            columns: as CREATE TABLE has them; among them `used REAL`, in seconds since 1970.
            limit_bytes: what the rows may take on disk; those not used for longest go first.
            what: what a person calls the rows, in small letters.
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
        """The rows that are there, as tuples of `columns`; they count as used now.

        Args:
            columns: what is asked of each row.
            where: what must hold of a row, ending in the name of a column.
            values: of the question marks in `where`.
            one_of: what that column must be one of.
        """
        found: list[Any] = []
        for start in range(0, len(one_of), _BATCH_SIZE):
            some = tuple(one_of[start : start + _BATCH_SIZE])
            chosen = f"WHERE {where} IN ({', '.join('?' * len(some))})"
            found += self._do(partial(self._select, columns, chosen, values + some)) or ()
        return found

    def put(self, rows: Sequence[tuple[Value, ...]]) -> None:
        """Keep rows of all columns, all rows or none; those of the same primary key are replaced."""
        if rows:
            self._do(partial(self._insert, rows))

    def close(self) -> None:
        """Give the file back; the next use opens it again."""
        with self._lock:
            self._close()

    def _select(self, columns: str, chosen: str, values: tuple[Value, ...], opened: sqlite3.Connection) -> list[Any]:
        rows = opened.execute(f"SELECT {columns} FROM {self._table} {chosen}", values).fetchall()
        now = time.time()
        with contextlib.suppress(sqlite3.OperationalError), opened:  # a file that can only be read serves too
            aged = f"UPDATE {self._table} SET used = ? {chosen} AND used < ?"
            opened.execute(aged, (now, *values, now - _USED_DAILY_S))
        return rows

    def _insert(self, rows: Sequence[tuple[Value, ...]], opened: sqlite3.Connection) -> None:
        marks = ", ".join("?" * len(rows[0]))
        with opened:
            opened.executemany(f"INSERT OR REPLACE INTO {self._table} VALUES ({marks})", rows)
            self._trim(opened)

    def _trim(self, opened: sqlite3.Connection) -> None:
        """Delete what was not used for longest, if the rows take more than they may."""
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
        """Do something with the open file, if need be with a new one in the place of a damaged one."""
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
        opened = sqlite3.connect(self._file, timeout=_TIMEOUT_S, check_same_thread=False)
        try:
            _begin_log(opened)
            opened.execute("PRAGMA synchronous = NORMAL")
            opened.executescript(
                f"CREATE TABLE IF NOT EXISTS {self._table} ({self._columns});"
                f"CREATE INDEX IF NOT EXISTS {self._table}_by_use ON {self._table} (used);"
            )
        except BaseException:
            opened.close()
            raise
        return opened

    def _recover(self, error: sqlite3.Error | OSError | UnicodeDecodeError) -> None:
        """Set a damaged file aside; of those of earlier times only the last is kept, for all can be made again."""
        reason: object = error
        if is_damage(error, self._file):
            earlier = files_set_aside(self._file.parent, self._file.name)
            try:
                aside = set_aside(self._file)
            except StorageError as second:
                reason = second
            else:
                what = "The %s kept in %r were damaged and are computed again; the damaged file was kept as %r."
                _log.warning(what, self._what, str(self._file), aside.name)
                for old in earlier:
                    old.unlink(missing_ok=True)
                return
        self._is_usable = False
        _log.warning(
            "%s are not kept in %r, so they have to be made again another time: %s.",
            self._what.capitalize(),
            str(self._file),
            reason,
        )


def _begin_log(opened: sqlite3.Connection) -> None:
    """Have the file written through a log: a kill loses nothing that was put, and a reader never waits for a writer."""
    try:
        opened.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:  # for this one SQLite does not wait
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise  # else another process is just doing it, and once is enough


def _size(opened: sqlite3.Connection) -> int:
    """Bytes of the pages in use."""
    pages, free, page = (
        opened.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * page)
