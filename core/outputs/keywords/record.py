"""The record of files with keywords of Fovea, so that these can be removed again.

The keywords themselves are marked in the files; the record lists these files, and which sidecars Fovea created, so that
a sidecar without other content can be deleted.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from core.base import recovery
from core.base.database import connect, transaction
from core.base.errors import StorageError
from core.base.i18n import tr, tr_n

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS files (file BLOB PRIMARY KEY, photo BLOB NOT NULL, begun INTEGER NOT NULL)"
    " WITHOUT ROWID"
)
_NOTE: Final = "INSERT INTO files VALUES (?, ?, ?) ON CONFLICT (file) DO UPDATE SET begun = max(begun, excluded.begun)"


class SidecarRecord:
    """The open record; several processes may have it open.

    Every method raises StorageError if it cannot be read or written.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, files: Iterable[tuple[Path, Path, bool]]) -> None:
        """Record, durably, files about to be written: (file, photo, whether it is a sidecar created by Fovea)."""
        with _record_errors(), transaction(self._connection):
            rows = [(os.fsencode(file), os.fsencode(photo), started) for file, photo, started in files]
            self._connection.executemany(_NOTE, rows)

    def forget(self, files: Iterable[Path]) -> None:
        """Remove files without keywords of Fovea from the record."""
        with _record_errors(), transaction(self._connection):
            self._connection.executemany("DELETE FROM files WHERE file = ?", [(os.fsencode(file),) for file in files])

    def follow(self, moved: Mapping[Path, Path]) -> None:
        """Update the paths of moved files and photos, given as a mapping from old to new paths."""
        targets = {os.fsencode(source): os.fsencode(target) for source, target in moved.items()}
        with _record_errors(), transaction(self._connection):
            rows = self._connection.execute("SELECT file, photo FROM files").fetchall()
            changed = [
                (targets.get(file, file), targets.get(photo, photo), file)
                for file, photo in rows
                if file in targets or photo in targets
            ]
            self._connection.executemany("UPDATE OR REPLACE files SET file = ?, photo = ? WHERE file = ?", changed)

    def is_own(self, file: Path) -> bool:
        """Whether Fovea created this sidecar."""
        with _record_errors():
            row = self._connection.execute("SELECT begun FROM files WHERE file = ?", (os.fsencode(file),)).fetchone()
        return bool(row and row[0])

    def photos_in(self, folder: Path) -> tuple[Path, ...]:
        """The recorded photos in a folder and its subfolders, in order of their paths."""
        start = os.fsencode(os.path.join(folder, ""))  # noqa: PTH118 - Path drops the separator at the end
        query = "SELECT DISTINCT photo FROM files WHERE substr(photo, 1, ?) = ? ORDER BY photo"
        with _record_errors():
            rows = self._connection.execute(query, (len(start), start)).fetchall()
            return tuple(Path(os.fsdecode(row[0])) for row in rows)


@contextmanager
def open_record(file: Path) -> Iterator[SidecarRecord]:
    """Open the record, creating it if needed; a damaged one is set aside, and its rows are recovered.

    Raises StorageError if it cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        with _record_errors():
            file.parent.mkdir(parents=True, exist_ok=True)
            connection = stack.enter_context(closing(recovery.open_or_rebuild(file, _connect, _connect, _damaged_text)))
        yield SidecarRecord(connection)


def _damaged_text(rows: int, copy: str) -> str:
    return tr_n(
        "The record of written keywords was damaged. Recovered {count:,} entry; the damaged file was kept as {copy}.",
        "The record of written keywords was damaged. Recovered {count:,} entries; the damaged file was kept as {copy}.",
        rows,
        copy=copy,
    )


def _connect(file: Path) -> sqlite3.Connection:
    return connect(file, partial(_prepare, file=file))


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    connection.execute(_SCHEMA)
    connection.execute("SELECT file, photo, begun FROM files LIMIT 1")
    recovery.check(connection, file)


@contextmanager
def _record_errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError, TypeError) as error:  # the last two: an invalid value
        raise StorageError(
            tr("Couldn't use the record of written keywords: {error}.", error=error),
            hint=tr("Check the free space and permissions of Fovea's folder (FOVEA_HOME). Photos are not affected."),
        ) from error
