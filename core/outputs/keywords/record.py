"""What Fovea remembers of the files it put keywords into, so that it can take them out again.

What is ours stands in the files themselves; the record tells which files to look into, and which sidecars were begun by
us, so that one with nothing else in it can go.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from core.base import recovery
from core.base.errors import DamagedError, StorageError
from core.base.text import display_path

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS files (file BLOB PRIMARY KEY, photo BLOB NOT NULL, begun INTEGER NOT NULL)"
    " WITHOUT ROWID"
)
_COLUMNS: Final = "file, photo, begun"
_TIMEOUT_S: Final = 30.0
_NOTE: Final = "INSERT INTO files VALUES (?, ?, ?) ON CONFLICT (file) DO UPDATE SET begun = max(begun, excluded.begun)"


_log = logging.getLogger(__name__)


class SidecarRecord:
    """The record, open for one piece of work; several processes may have it open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, files: Iterable[tuple[Path, Path, bool]]) -> None:
        """Remember, durably, files about to be written: the file, its photo, and whether it is a sidecar of our making.

        Raises:
            StorageError: it cannot be written.
        """
        with _record_errors(), self._connection:
            rows = [(os.fsencode(file), os.fsencode(photo), started) for file, photo, started in files]
            self._connection.executemany(_NOTE, rows)

    def forget(self, files: Iterable[Path]) -> None:
        """Forget files that hold nothing of ours any more.

        Raises:
            StorageError: it cannot be written.
        """
        with _record_errors(), self._connection:
            self._connection.executemany("DELETE FROM files WHERE file = ?", [(os.fsencode(file),) for file in files])

    def follow(self, moved: Mapping[Path, Path]) -> None:
        """Remember files and photos by where they are now, given where those that were moved were and are.

        Raises:
            StorageError: it cannot be written.
        """
        ways = {os.fsencode(source): os.fsencode(target) for source, target in moved.items()}
        with _record_errors(), self._connection:
            rows = self._connection.execute("SELECT file, photo FROM files").fetchall()
            changed = [
                (ways.get(file, file), ways.get(photo, photo), file)
                for file, photo in rows
                if file in ways or photo in ways
            ]
            self._connection.executemany("UPDATE OR REPLACE files SET file = ?, photo = ? WHERE file = ?", changed)

    def is_own(self, file: Path) -> bool:
        """Whether we made this sidecar."""
        with _record_errors():
            row = self._connection.execute("SELECT begun FROM files WHERE file = ?", (os.fsencode(file),)).fetchone()
        return bool(row and row[0])

    def photos_in(self, folder: Path) -> tuple[Path, ...]:
        """Photos in this folder and all below it whose files are remembered, in the order of their names."""
        start = os.fsencode(os.path.join(folder, ""))  # noqa: PTH118 - Path drops the separator at the end
        query = "SELECT DISTINCT photo FROM files WHERE substr(photo, 1, ?) = ? ORDER BY photo"
        with _record_errors():
            rows = self._connection.execute(query, (len(start), start)).fetchall()
            return tuple(Path(os.fsdecode(row[0])) for row in rows)


@contextmanager
def open_record(file: Path) -> Iterator[SidecarRecord]:
    """Open the record, which is begun if it is not there; a damaged one is set aside, and its rows are recovered.

    Raises:
        StorageError: it cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        with _record_errors():
            file.parent.mkdir(parents=True, exist_ok=True)
            connection = stack.enter_context(closing(_open_or_rebuild(file)))
        yield SidecarRecord(connection)


def _open_or_rebuild(file: Path) -> sqlite3.Connection:
    try:
        return _connect(file)
    except (sqlite3.DatabaseError, DamagedError) as error:
        if isinstance(error, sqlite3.Error) and not recovery.is_damage(error, file):
            raise
    aside, rows = recovery.rebuild(file, _connect)
    _log.warning(
        "The record of written keywords was damaged. %s of its files are known again; it was kept as %s.",
        f"{rows:,}",
        display_path(aside),
    )
    return _connect(file)


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=_TIMEOUT_S)
    try:
        connection.execute(_SCHEMA)
        connection.execute(f"SELECT {_COLUMNS} FROM files LIMIT 1")
        recovery.check(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _record_errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError, TypeError) as error:  # the last two: a value is none of ours
        raise StorageError(
            f"The record of written keywords could not be used: {error}.",
            hint="Check free space and permissions of Fovea's folder (FOVEA_HOME); photos keep what they have.",
        ) from error
