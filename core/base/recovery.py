"""Recovery of damaged SQLite databases: along their trees, and page by page where those are damaged."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from core.base import sqlite_pages
from core.base.database import connect
from core.base.errors import DamagedError
from core.base.i18n import tr
from core.base.salvage import LOGS, set_aside
from core.base.sqlite_pages import Column
from core.base.storage import replace, storage_errors
from core.base.text import display_path

_DAMAGE: Final = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""SQLITE_ERROR means that tables are missing or from another program."""
_MAX_SINGLE_ROWS: Final = 1_000_000
"""Row numbers that are tried one by one in a damaged table."""
_SETTLE: Final = "PRAGMA wal_checkpoint(TRUNCATE)"
_log = logging.getLogger(__name__)


def is_damage(error: Exception, file: Path) -> bool:
    """Whether an SQLite error means that the database's content is damaged, rather than that its disk failed."""
    code = getattr(error, "sqlite_errorcode", -1)
    if code == sqlite3.SQLITE_READONLY:  # a damaged header can claim this
        return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)
    return code & 0xFF in _DAMAGE if code >= 0 else isinstance(error, UnicodeDecodeError)


def as_path(stored: bytes) -> Path:
    """Decode a stored path; raises ValueError, TypeError if it is not a path."""
    if b"\0" in stored:
        raise ValueError(stored)
    return Path(os.fsdecode(stored))


def rebuild(
    file: Path,
    make: Callable[[Path], sqlite3.Connection],
    *,
    needs: str = "",
    complete: Callable[[sqlite3.Connection], None] = lambda _: None,
) -> tuple[Path, int]:
    """Set a damaged SQLite database aside and replace it by one with all rows that can still be read.

    No process may be writing to it. `make` creates an empty database with the expected tables; `needs` is a table
    that must have a row for the others to be useful; `complete` adds what can be derived from the recovered rows.
    Returns the path of the damaged database, and how many rows were recovered.

    Raises:
        DamagedError: no row of the needed table can be read; the database is unchanged.
        StorageError: the disk does not allow it; the database is unchanged.
    """
    rebuilt, copy = (file.with_name(f".fovea-{secrets.token_hex(8)}.part") for _ in range(2))
    try:
        with storage_errors(file), contextlib.closing(make(rebuilt)) as target:
            target.execute(_SETTLE)
            _copy(file, copy)
            rows = _recover(copy, rebuilt, target)
            complete(target)
            target.execute(_SETTLE)
            if needs and target.execute(f"SELECT 1 FROM {needs}").fetchone() is None:
                what = tr("{file!r} is damaged and cannot be recovered.", file=str(file))
                raise DamagedError(what, hint=tr("Restore it from a backup, or delete it."))
        aside = set_aside(file)
        with storage_errors(file):
            replace(rebuilt, file)
    finally:
        for part in (rebuilt, copy):
            for ending in ("", *LOGS):
                part.with_name(part.name + ending).unlink(missing_ok=True)
    return aside, rows


def open_or_rebuild(
    file: Path,
    open_: Callable[[Path], sqlite3.Connection],
    make: Callable[[Path], sqlite3.Connection],
    message: Callable[[int, str], str],
) -> sqlite3.Connection:
    """Open and check a database with `open_`; a damaged one is rebuilt, which is logged.

    `make` is as for `rebuild`; `message` says how many rows were recovered, and where the damaged file was kept. Raises
    StorageError if it cannot be rebuilt; sqlite3.Error if it cannot be opened for another reason than damage.
    """
    try:
        return open_(file)
    except (sqlite3.DatabaseError, DamagedError) as error:
        if isinstance(error, sqlite3.Error) and not is_damage(error, file):
            raise
    aside, rows = rebuild(file, make)
    _log.warning("%s", message(rows, display_path(aside)))
    return open_(file)


def check(opened: sqlite3.Connection, file: Path) -> None:
    """Check the integrity of a database; DamagedError if SQLite finds damage, or sqlite3.Error."""
    opened.execute("BEGIN IMMEDIATE")  # fails if a damaged header makes the database read-only
    opened.execute("ROLLBACK")
    (found,) = opened.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        what = tr("{file!r} is damaged: {reason}.", file=str(file), reason=found)
        raise DamagedError(what, hint=tr("Restore it from a backup, or delete it."))


def _copy(file: Path, copy: Path) -> None:
    for ending in ("", "-wal", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(file.with_name(file.name + ending), copy.with_name(copy.name + ending))


def _tables(opened: sqlite3.Connection) -> dict[str, tuple[Column, ...]]:
    names = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {
        name: tuple(
            Column(column, declared, is_required=bool(required), key=key)
            for _, column, declared, required, _, key in opened.execute(f"PRAGMA table_info({name})")
        )
        for (name,) in names.fetchall()
    }


def _recover(copy: Path, empty: Path, target: sqlite3.Connection) -> int:
    """Insert what can be read of a damaged copy: along its trees, then from the pages of damaged tables."""
    tables = _tables(target)
    torn = set(tables)
    if not _is_open(copy, tables):
        _renew_first_page(copy, empty)
    before = target.total_changes
    target.execute("BEGIN")
    with contextlib.suppress(sqlite3.Error), contextlib.closing(connect(copy)) as source:
        source.execute(_SETTLE)
        torn = {name for name, columns in tables.items() if not _insert_table(source, target, name, columns)}
    for name, row in sqlite_pages.rows(copy, {name: tables[name] for name in torn}) if torn else ():
        _insert(target, name, tables[name], [row])
    target.commit()
    return target.total_changes - before


def _is_open(file: Path, tables: dict[str, tuple[Column, ...]]) -> bool:
    """Whether SQLite can find the tables of a database."""
    try:
        with contextlib.closing(connect(file)) as opened:
            return tables.keys() <= _tables(opened).keys()
    except (sqlite3.Error, ValueError):
        return False


def _renew_first_page(copy: Path, empty: Path) -> None:
    """Replace the header and table list of a database by those of an empty one with the same layout."""
    header = bytearray(empty.read_bytes())
    size = int.from_bytes(header[16:18], "big")
    page = header[:size]
    pages = copy.stat().st_size // size
    page[28:40] = pages.to_bytes(4, "big") + bytes(8)  # no page counts as free
    page[92:96] = page[24:28]  # the count of pages is valid
    with copy.open("r+b") as file:
        file.write(page)


def _insert_table(source: sqlite3.Connection, target: sqlite3.Connection, name: str, columns: Sequence[Column]) -> bool:
    """Copy the rows reachable in a table's tree; return whether that is all of them."""
    keys = ", ".join(column.name for column in sorted(columns, key=lambda column: column.key) if column.key)
    try:
        source.execute(f"SELECT rowid FROM {name} LIMIT 1")
        return _insert_numbered(source, target, name, columns)
    except sqlite3.OperationalError:  # a table without row numbers, or none at all
        if _insert_ordered(source, target, name, columns, f"{keys} ASC"):
            return True
        _insert_ordered(source, target, name, columns, f"{keys} DESC")
        return False
    except sqlite3.Error:
        return False


def _insert_ordered(
    source: sqlite3.Connection, target: sqlite3.Connection, name: str, columns: Sequence[Column], order: str
) -> bool:
    selected = ", ".join(column.name for column in columns)
    try:
        for row in source.execute(f"SELECT {selected} FROM {name} ORDER BY {order}"):
            _insert(target, name, columns, [row])
    except sqlite3.Error:
        return False
    return True


def _insert_numbered(
    source: sqlite3.Connection, target: sqlite3.Connection, name: str, columns: Sequence[Column]
) -> bool:
    """Copy rows from the start up to the damage, from the end down to it, and one by one in between."""
    query = f"SELECT rowid, {', '.join(column.name for column in columns)} FROM {name} NOT INDEXED"
    ends = []
    for way in ("ASC", "DESC"):
        last = None
        try:
            for number, *row in source.execute(f"{query} ORDER BY rowid {way}"):
                _insert(target, name, columns, [row])
                last = number
        except sqlite3.Error:
            ends.append(last)
        else:
            return True
    low, high = ends
    for number in range(low or 0, min(high or 0, (low or 0) + _MAX_SINGLE_ROWS)):
        with contextlib.suppress(sqlite3.Error):
            found = source.execute(f"{query} WHERE rowid = ?", (number,)).fetchall()
            _insert(target, name, columns, [row[1:] for row in found])
    return False


def _insert(target: sqlite3.Connection, name: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows that are not there yet, skipping those that violate the table's constraints."""
    names, marks = ", ".join(column.name for column in columns), ", ".join("?" * len(columns))
    with contextlib.suppress(sqlite3.IntegrityError, OverflowError, UnicodeEncodeError):
        target.executemany(f"INSERT OR IGNORE INTO {name} ({names}) VALUES ({marks})", rows)
