"""The journal's file: its tables, its format, and what goes wrong with it in a person's words."""

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
from core.base.errors import DamagedError, StorageError
from core.base.text import display_path

FILE: Final = "journal.sqlite"
FORMAT: Final = 1
"""Raised when a table changes; journals of earlier formats are then brought up to it here, for they hold what people
said, and those of later ones are left alone."""

WAITING, DONE, FAILED, GONE = range(4)
"""`State` as the journal writes it."""

_log = logging.getLogger(__name__)
_APPLICATION: Final = 0x466F7665
_TIMEOUT_S: Final = 30.0
"""How long another connection may be writing; it does so for milliseconds."""

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
"""`images` holds what rows are chosen and ordered by, `details` the rest. `shown` is the path below the job's folder as
text, in small letters, to be searched; `answered` is the state that the kept outcome means, and `model` who gave it;
`tried` counts beginnings that led to no outcome."""


def open_database(file: Path, *, make: bool = False) -> sqlite3.Connection:
    """Open a journal; threads may share the connection if they take turns.

    Args:
        file: the journal.
        make: whether it is made where it is missing.

    Raises:
        DamagedError: it is damaged.
        StorageError: it is missing, cannot be read, or another program or a later version of this one wrote it.
    """
    with journal_errors(file):
        opened = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode={'rwc' if make else 'rw'}",
            uri=True,
            timeout=_TIMEOUT_S,
            check_same_thread=False,
            isolation_level=None,
        )
        opened.text_factory = recovery.as_text
        try:
            opened.execute("PRAGMA synchronous = NORMAL")
            _prepare(opened, file, make=make)
        except BaseException:
            opened.close()
            raise
    return opened


def _prepare(opened: sqlite3.Connection, file: Path, *, make: bool) -> None:
    """Make the tables of an empty file; refuse one that is not a journal of this format."""
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


def _foreign_error(file: Path, found: int, *, is_journal: bool) -> StorageError:
    if found > FORMAT:
        what = f"The journal {display_path(file)} was written by a later version of Fovea. Nothing was changed."
        return StorageError(what, hint="Use that version, or remove the job with `fovea jobs remove`.")
    if is_journal:
        return _damaged_error(file)
    what = f"{display_path(file)} is not a journal that Fovea wrote. Nothing was changed."
    return StorageError(what, hint="Move that file elsewhere, then run the command again.")


def repair(file: Path) -> None:
    """Rebuild a damaged journal from all rows that can still be read; needs the job to be held.

    The damaged file is set aside, and a warning says where. A journal that is whole, missing, unreadable for another
    reason or of a later version is left as it is.

    Raises:
        StorageError: the journal cannot be read, or the disk does not allow it.
    """
    try:
        with contextlib.closing(open_database(file)) as opened, journal_errors(file):
            recovery.check(opened, file)
    except DamagedError:
        aside, rows = recovery.rebuild(file, partial(open_database, make=True))
        _log.warning(
            "The journal %s was damaged. %s of it could be read and recovered; the damaged file was kept as %s.",
            display_path(file),
            f"{rows:,} rows",
            display_path(aside),
        )


@contextlib.contextmanager
def journal_errors(file: Path) -> Iterator[None]:
    """Tell a person what an error about a journal means.

    Raises:
        DamagedError: it holds what no journal holds.
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
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:  # a value is none of ours
        raise _damaged_error(file) from error


def _journal_error(file: Path, code: int, error: Exception) -> StorageError:
    if isinstance(error, FileNotFoundError) or (code == sqlite3.SQLITE_CANTOPEN and not os.path.lexists(file)):
        what = f"The job's journal is gone: {display_path(file)} was removed, or its disk is not there."
        return StorageError(what, hint="The same command begins the job anew, or goes on once the disk is back.")
    if code == sqlite3.SQLITE_FULL:
        what = f"The disk is full: the journal {display_path(file)} cannot grow."
        return StorageError(what, hint="Make room; the same command then goes on where it stopped.")
    reason = error.strerror if isinstance(error, OSError) else error
    what = f"The journal {display_path(file)} could not be used: {reason}."
    return StorageError(what, hint="Check free space and permissions there, or choose another folder with FOVEA_HOME.")


def _damaged_error(file: Path) -> DamagedError:
    what = f"The journal {display_path(file)} is damaged."
    hint = "Classify the folder again: what can be read is recovered, and the damaged file is kept."
    return DamagedError(what, hint=hint)
