"""The file of the label store: opened, made from what earlier versions of Fovea stored, and rebuilt if damaged."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from core.base import paths, recovery
from core.base.database import connect, transaction
from core.base.errors import LaterVersionError
from core.base.i18n import tr_n
from core.datasets.label_migration import old_labels
from core.datasets.label_store import COLUMNS, LabelsByPath, LabelStore, label_errors

FORMAT: Final = 1
"""Incremented when a table changes; files of earlier formats must then be migrated, those of later ones are refused."""

_TABLES: Final = (
    """
CREATE TABLE labels (
    photo NOT NULL, model TEXT NOT NULL, folder TEXT NOT NULL,
    label TEXT NOT NULL, source TEXT NOT NULL, created REAL NOT NULL, path BLOB, size INTEGER,
    predicted TEXT NOT NULL, confidence REAL NOT NULL, unknown INTEGER, trained TEXT NOT NULL,
    PRIMARY KEY (photo, model, folder)
)""",
    "CREATE INDEX labels_by_size ON labels (size)",
    "CREATE INDEX labels_by_path ON labels (path)",
    "CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT)",
    "CREATE INDEX files_not_hashed ON files (size) WHERE sha256 IS NULL",
)
"""`photo` is the SHA-256 of the content as text, or the path as bytes as long as the file was not hashed; `path` is the
file for which the label was given. `files` are the files whose labels or hashes are known, in the state they had."""

_log = logging.getLogger(__name__)


@contextmanager
def open_labels() -> Iterator[LabelStore]:
    """Open the store, creating it if needed.

    What earlier versions of Fovea stored is taken over once, when the file is created; their files stay as they are. A
    damaged file is set aside, and its rows are recovered.

    Raises:
        StorageError: it cannot be opened, or was written by a later version of Fovea.
    """
    file = paths.labels_file()
    with contextlib.ExitStack() as stack:
        with label_errors():
            file.parent.mkdir(parents=True, exist_ok=True)
            make = partial(connect, prepare=_make_tables)
            connection = stack.enter_context(closing(recovery.open_or_rebuild(file, _open, make, _damaged_text)))
        yield LabelStore(connection)


def find_labels(files: Iterable[Path], check: Callable[[], None] = lambda: None) -> LabelsByPath:
    """All labels of photos, see `LabelStore.find`; without any label, nothing is written.

    Raises:
        StorageError: the store cannot be read at the moment. One of a later version of Fovea is only logged.
    """
    if not has_labels():
        return {}
    try:
        with open_labels() as store:
            return store.find(files, check)
    except LaterVersionError as error:
        _log.warning("Labels were not applied. %s", error)
        return {}


def note_written(files: Iterable[Path]) -> None:
    """Let labels follow files that Fovea itself has written, see `LabelStore.note_written`.

    Raises:
        StorageError: the store cannot be written.
    """
    if has_labels():
        with open_labels() as store:
            store.note_written(files)


def has_labels() -> bool:
    """Whether there may be labels: without any, no file is made for them."""
    return any(place.exists() for place in (paths.labels_file(), paths.corrections(), paths.label_overrides()))


def _damaged_text(rows: int, copy: str) -> str:
    return tr_n(
        "The file of your labels was damaged. Recovered {count:,} entry; the damaged file was kept as {copy}.",
        "The file of your labels was damaged. Recovered {count:,} entries; the damaged file was kept as {copy}.",
        rows,
        copy=copy,
    )


def _open(file: Path) -> sqlite3.Connection:
    return connect(file, partial(_prepare, file=file))


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    """Check the store; an empty file takes over what earlier versions of Fovea stored."""
    if os.access(file, os.W_OK):
        recovery.check(connection, file)
    if not _format(connection):
        with transaction(connection):
            if not _format(connection):  # no other process has just done it
                _make_tables(connection)
                LabelStore(connection).take_over(old_labels())
    _check_format(connection, file)
    connection.execute("PRAGMA secure_delete = ON")  # what the user removes is gone


def _make_tables(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def _check_format(connection: sqlite3.Connection, file: Path) -> None:
    if _format(connection) > FORMAT:
        raise LaterVersionError(file)
    connection.execute(f"SELECT {COLUMNS} FROM labels LIMIT 1")


def _format(connection: sqlite3.Connection) -> int:
    """The format of a file; 0 if it is empty."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
