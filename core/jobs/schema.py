"""The file of a journal: its tables, format, repair and errors."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from core.base import recovery
from core.base.database import connect
from core.base.errors import DamagedError, StorageError, os_reason
from core.base.i18n import tr, tr_n
from core.base.text import display_path
from core.jobs import opinions

FILE: Final = "journal.sqlite"
FORMAT: Final = 1
"""Incremented when a table changes. Journals of earlier formats must then be migrated, as they contain the user's
reviews; those of later formats are refused."""

WAITING, DONE, FAILED, GONE = range(4)
"""`State` as stored in the journal."""

_log = logging.getLogger(__name__)
_APPLICATION: Final = 0x466F7665

_TABLES: Final = """
CREATE TABLE job (
    folder BLOB NOT NULL, recursive INTEGER NOT NULL, include TEXT NOT NULL, exclude TEXT NOT NULL,
    begun REAL NOT NULL, walk INTEGER NOT NULL, finished INTEGER NOT NULL, model INTEGER,
    keep_features INTEGER NOT NULL
);
CREATE TABLE models (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, top_k INTEGER NOT NULL
);
CREATE TABLE folders (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, rank INTEGER NOT NULL);
CREATE TABLE troubles (folder BLOB PRIMARY KEY, message TEXT NOT NULL, hint TEXT NOT NULL);
CREATE TABLE images (
    number INTEGER PRIMARY KEY, place INTEGER NOT NULL, walk INTEGER NOT NULL,
    folder INTEGER NOT NULL REFERENCES folders, name BLOB NOT NULL, shown TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, tried INTEGER NOT NULL DEFAULT 0,
    answered INTEGER NOT NULL DEFAULT 0, model INTEGER, label TEXT, confidence REAL, unknown INTEGER, finished REAL,
    look INTEGER, verdict TEXT, said TEXT, answer TEXT AS (coalesce(said, label)),
    UNIQUE (folder, name)
);
CREATE TABLE details (
    number INTEGER PRIMARY KEY REFERENCES images,
    scores TEXT, provider TEXT, decode_ms REAL, preprocess_ms REAL, inference_ms REAL, sha256 TEXT,
    kind TEXT, message TEXT, hint TEXT
);
CREATE INDEX images_by_place ON images (place, state, answer, confidence, unknown, verdict, folder, mtime_ns);
CREATE INDEX images_by_confidence ON images (confidence, place, state, answer, unknown, verdict, folder);
"""
"""`images` contains what rows are filtered and sorted by, `details` the rest. `shown` is the path relative to the job's
folder as casefolded text, for searching; `answered` is the state of the stored outcome, and `model` the model that
produced it; `look` is the perceptual hash; `said` is the user's label; `tried` counts attempts without an outcome."""


DETECTION: Final = "CREATE TABLE IF NOT EXISTS detection (crop INTEGER NOT NULL, count INTEGER NOT NULL)"
"""What the last run looked for, in one row; earlier versions of Fovea disregard this table, as journals without it have
looked for nothing."""


def open_database(file: Path, *, make: bool = False) -> sqlite3.Connection:
    """Open a journal; threads may share the connection if they take turns.

    Args:
        file: the journal.
        make: whether to create it if it is missing.

    Raises:
        DamagedError: it is damaged.
        StorageError: it is missing, cannot be read, or was written by another program or a later version of Fovea.
    """
    with journal_errors(file):
        return connect(file, partial(_prepare, file=file, make=make), make=make)


def _prepare(opened: sqlite3.Connection, file: Path, *, make: bool) -> None:
    """Create the tables of an empty file; refuse one that is not a journal of this format."""
    opened.execute("PRAGMA synchronous = NORMAL")
    (found,) = opened.execute("PRAGMA user_version").fetchone()
    (application,) = opened.execute("PRAGMA application_id").fetchone()
    (objects,) = opened.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if make and (found, application, objects) == (0, 0, 0):
        opened.execute("PRAGMA journal_mode = WAL")
        opened.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {FORMAT}; COMMIT"
        )
    elif application != _APPLICATION or not 1 <= found <= FORMAT:
        is_journal = opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'images'").fetchone()
        raise _foreign_error(file, found if application == _APPLICATION else 0, is_journal=bool(is_journal))
    opinions.migrate(opened)


def _foreign_error(file: Path, found: int, *, is_journal: bool) -> StorageError:
    if found > FORMAT:
        what = tr("The journal {file} was created by a newer version of Fovea.", file=display_path(file))
        return StorageError(what, hint=tr("Update Fovea, or remove the job with `fovea jobs remove`."))
    if is_journal:
        return _damaged_error(file)
    what = tr("{file} is not a Fovea journal.", file=display_path(file))
    return StorageError(what, hint=tr("Move that file elsewhere, then try again."))


def repair(file: Path) -> None:
    """Rebuild a damaged journal from all rows that can still be read; the job must be locked.

    The damaged file is set aside, and a warning reports where. A journal that is intact, missing, unreadable for
    another reason or of a later version is left as it is.

    Raises:
        StorageError: the journal cannot be read or rebuilt.
    """
    try:
        with contextlib.closing(open_database(file)) as opened, journal_errors(file):
            recovery.check(opened, file)
    except DamagedError:
        aside, rows = recovery.rebuild(file, partial(open_database, make=True))
        message = tr_n(
            "The journal {file} was damaged. Recovered {count:,} row; the damaged file was kept as {copy}.",
            "The journal {file} was damaged. Recovered {count:,} rows; the damaged file was kept as {copy}.",
            rows,
            file=display_path(file),
            copy=display_path(aside),
        )
        _log.warning("%s", message)


@contextlib.contextmanager
def journal_errors(file: Path) -> Iterator[None]:
    """Translate errors of using a journal.

    Raises:
        DamagedError: the journal is damaged.
        StorageError: for every other error of SQLite or of the file system.
    """
    try:
        yield
    except sqlite3.Error as error:
        if recovery.is_damage(error, file):
            raise _damaged_error(file) from error
        raise _journal_error(file, getattr(error, "sqlite_errorcode", -1) & 0xFF, error) from error
    except OSError as error:
        raise _journal_error(file, -1, error) from error
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:  # an invalid value
        raise _damaged_error(file) from error


def _journal_error(file: Path, code: int, error: Exception) -> StorageError:
    if isinstance(error, FileNotFoundError) or (code == sqlite3.SQLITE_CANTOPEN and not os.path.lexists(file)):
        what = tr("The job's journal is missing: {file}.", file=display_path(file))
        return StorageError(what, hint=tr("Reconnect its drive and resume the job, or start the job again."))
    if code == sqlite3.SQLITE_FULL:
        what = tr("The disk is full: couldn't write the journal {file}.", file=display_path(file))
        return StorageError(what, hint=tr("Free up disk space, then resume the job."))
    reason = os_reason(error) if isinstance(error, OSError) else error
    what = tr("Couldn't use the journal {file}: {reason}.", file=display_path(file), reason=reason)
    hint = tr("Check the free space and permissions of its folder, or choose another folder with FOVEA_HOME.")
    return StorageError(what, hint=hint)


def _damaged_error(file: Path) -> DamagedError:
    what = tr("The journal {file} is damaged.", file=display_path(file))
    hint = tr("Classify the folder again: Fovea recovers what it can read, and keeps the damaged file.")
    return DamagedError(what, hint=hint)
