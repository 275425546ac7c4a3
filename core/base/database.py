"""The one way SQLite databases are opened: each statement stands alone unless `transaction` groups several."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

_TIMEOUT_S: Final = 30.0
"""How long to wait for another connection to finish writing, which normally takes milliseconds."""
CHUNK: Final = 500
"""The values of one statement; SQLite allows at least 999."""

Item = TypeVar("Item")


def connect(
    file: Path, prepare: Callable[[sqlite3.Connection], object] = lambda _: None, *, make: bool = True
) -> sqlite3.Connection:
    """Open a database, or `make` a missing one; threads may share the connection if they take turns.

    `prepare` makes or checks its tables; the connection is closed if it raises an error. Damaged characters of stored
    text are replaced. Raises sqlite3.Error if it cannot be opened.
    """
    place = str(file) if make else f"{file.absolute().as_uri()}?mode=rw"
    opened = sqlite3.connect(place, timeout=_TIMEOUT_S, isolation_level=None, check_same_thread=False, uri=not make)
    opened.text_factory = lambda stored: stored.decode(errors="replace")
    try:
        prepare(opened)
    except BaseException:
        opened.close()
        raise
    return opened


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Run the block as one transaction."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled back already
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def erase(database: sqlite3.Connection, statement: str, values: Sequence[tuple[object, ...]]) -> None:
    """Delete or overwrite rows so that no byte of what they were is left in the files of a database.

    The statement, which does that, runs once with each of the values. Raises sqlite3.Error if it could not be done, for
    example because another program is reading for a long time.
    """
    with transaction(database):
        database.executemany(statement, values)
    database.execute("VACUUM")  # pages that were split or freed earlier have copies of rows
    if database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise sqlite3.OperationalError("database is locked")


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield the items, as many at a time as one statement takes."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
