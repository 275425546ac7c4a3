"""The record of a sorting: what is planned and done for every photo, so that it can be resumed or undone even after a
kill. Its file is `paths.sortings()/<id>.sqlite`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, Self

from core.base import lock_files, paths, recovery
from core.base.database import connect, transaction
from core.base.errors import DamagedError, LaterVersionError, StorageError, UsageError
from core.base.i18n import tr
from core.base.recovery import as_path
from core.base.storage import is_there
from core.base.text import display_path
from core.outputs.sorting.entries import Folder, Move, MoveState
from core.outputs.sorting.values import SortingState, SortingSummary, SortIssue, SortRequest, Step, TransferMode

_FORMAT: Final = 1
_APPLICATION: Final = 0x466F7653
_LOCK: Final = "lock"
_TABLES: Final = """
CREATE TABLE sorting (
    source BLOB NOT NULL, destination BLOB NOT NULL, manner TEXT NOT NULL, threshold REAL NOT NULL,
    flat INTEGER NOT NULL, begun REAL NOT NULL, state TEXT NOT NULL
);
CREATE TABLE moves (
    number INTEGER PRIMARY KEY, source BLOB NOT NULL, target BLOB NOT NULL, bytes INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, before TEXT NOT NULL DEFAULT '', after TEXT NOT NULL DEFAULT '',
    sha256 TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '', follows INTEGER
);
CREATE INDEX moves_by_state ON moves (state, number);
CREATE TABLE folders (
    number INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, made INTEGER NOT NULL,
    before INTEGER, after INTEGER, seen INTEGER, why TEXT NOT NULL DEFAULT ''
);
"""
"""`before` and `after` are the status of a file when its move was started and done. For a folder, `before`, `after` and
`seen` are its modification time before sorting, after it, and when undoing started, in nanoseconds since 1970.
`follows` is the number of a companion's photo, NULL for photos; records of earlier versions have no such column."""


class SortingRecord(contextlib.AbstractContextManager["SortingRecord"]):
    """The open record of one sorting.

    Every method raises StorageError if the record cannot be read or written any more.
    """

    def __init__(self, id_: str, *, make: bool = False) -> None:
        """Open or create a record.

        Raises:
            UsageError: it does not exist.
            DamagedError: it is damaged.
            StorageError: it cannot be opened, or was written by a later version of Fovea.
        """
        self.id = id_
        self._file = paths.sortings() / f"{id_}.sqlite"
        if not make and not is_there(self._file):
            raise UsageError(tr("No sorting {id!r}.", id=id_), hint=tr("List the sortings with `fovea sort --list`."))
        with self._errors():
            self._database = connect(self._file, partial(self._prepare, make=make), make=make)

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @classmethod
    def begin(cls, request: SortRequest, steps: Iterable[Step]) -> Self:
        """Create the record of a plan, atomically."""
        paths.sortings().mkdir(parents=True, exist_ok=True)
        record = cls(f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(1)}", make=True)
        try:
            folders = (os.fsencode(request.source), os.fsencode(request.destination))
            options = (request.by.value, request.threshold, request.flat, time.time(), SortingState.SORTING.value)
            with record._writing() as database:
                database.execute("INSERT INTO sorting VALUES (?, ?, ?, ?, ?, ?, ?)", (*folders, *options))
                database.executemany(
                    "INSERT INTO moves (number, source, target, bytes, follows) VALUES (?, ?, ?, ?, ?)", _rows(steps)
                )
        except BaseException:
            record.forget()
            raise
        return record

    def forget(self) -> None:
        """Close and delete the record."""
        self._database.close()
        for ending in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + ending).unlink(missing_ok=True)

    def summary(self) -> SortingSummary:
        """The summary of the sorting."""
        with self._reading() as database:
            asked = database.execute("SELECT * FROM sorting").fetchone()
            if asked is None and database.execute("SELECT 1 FROM moves LIMIT 1").fetchone() is None:
                what = tr("The sorting {id!r} was interrupted before it sorted any photos.", id=self.id)
                raise UsageError(what, hint=tr("Sort the photos again."))
            if asked is None:
                raise self._damaged()
            source, destination, manner, threshold, flat, started, state = asked
            counts = dict(database.execute(f"SELECT state, count(*) FROM {self._photos} GROUP BY state").fetchall())
            query = f"SELECT state, why <> '', count(*) FROM moves WHERE {self._follows} <> 0 GROUP BY 1, 2"
            along = {(state, bool(has_reason)): count for state, has_reason, count in database.execute(query)}
            (left,) = database.execute("SELECT count(*) FROM folders WHERE why <> ''").fetchone()
        with self._errors():
            folders = as_path(source), as_path(destination)
            asked = SortRequest(*folders, TransferMode(manner), float(threshold), bool(flat))
            reached = SortingState(state)
            time.localtime(started)  # raises an error for an invalid time
        return SortingSummary(
            self.id,
            asked,
            started,
            reached,
            waiting=counts.get(MoveState.WAITING, 0) + counts.get(MoveState.STARTED, 0),
            sorted=counts.get(MoveState.DONE, 0) + counts.get(MoveState.UNDOING, 0),
            failed=counts.get(MoveState.FAILED, 0) + along.get((MoveState.FAILED, True), 0),
            undone=counts.get(MoveState.UNDONE, 0),
            kept=counts.get(MoveState.KEPT, 0) + along.get((MoveState.KEPT, True), 0) + left,
            companions=along.get((MoveState.DONE, False), 0) + along.get((MoveState.UNDOING, False), 0),
        )

    def size(self) -> int:
        """The size of all waiting photos, in bytes."""
        with self._reading() as database:
            query = "SELECT coalesce(sum(bytes), 0) FROM moves WHERE state <= ?"
            (size,) = database.execute(query, (MoveState.STARTED,)).fetchone()
        return int(size)

    def count(self, *states: MoveState) -> int:
        """The number of photos in one of these states."""
        marks = ", ".join("?" * len(states))
        with self._reading() as database:
            query = f"SELECT count(*) FROM {self._photos} WHERE state IN ({marks})"
            (number,) = database.execute(query, states).fetchone()
        return int(number)

    def moves(self, *states: MoveState, limit: int) -> list[Move]:
        """The first photos and companions in one of these states; each photo comes before its companions."""
        marks = ", ".join("?" * len(states))
        query = (
            f"SELECT number, source, target, state, before, after, sha256, why, {self._follows} FROM moves "
            f"WHERE state IN ({marks}) ORDER BY number LIMIT ?"
        )
        with self._reading() as database:
            return [_move(*row) for row in database.execute(query, (*states, limit))]

    def move_state(self, number: int) -> MoveState | None:
        """The state of a photo; None if it was lost when the record was damaged."""
        with self._reading() as database:
            row = database.execute("SELECT state FROM moves WHERE number = ?", (number,)).fetchone()
            return None if row is None else MoveState(row[0])

    def folders(self) -> list[Folder]:
        """The folders that were created or changed, in order."""
        with self._reading() as database:
            rows = database.execute("SELECT path, made, before, after, seen FROM folders ORDER BY number")
            return [Folder(as_path(path), bool(result), *times) for path, result, *times in rows]

    def issues(self) -> Iterator[SortIssue]:
        """What could not be sorted and what undoing left in place, with reasons."""
        query = "SELECT source, why FROM moves WHERE state = ? AND why <> '' UNION ALL "
        query += "SELECT target, why FROM moves WHERE state = ? AND why <> '' UNION ALL "
        query += "SELECT path, why FROM folders WHERE why <> ''"
        with self._reading() as database:
            for path, reason in database.execute(query, (MoveState.FAILED, MoveState.KEPT)).fetchall():
                yield SortIssue(as_path(path), reason)

    def kept_paths(self) -> set[Path]:
        """The files that undoing left in place."""
        with self._reading() as database:
            rows = database.execute("SELECT target FROM moves WHERE state = ?", (MoveState.KEPT,)).fetchall()
        return {as_path(path) for (path,) in rows}

    def check(self) -> None:
        """Check the integrity of the record; DamagedError if it is damaged."""
        with self._reading() as database:
            recovery.check(database, self._file)
            (is_lost,) = database.execute(
                "SELECT EXISTS (SELECT 1 FROM moves) AND NOT EXISTS (SELECT 1 FROM sorting)"
            ).fetchone()
        if is_lost:
            raise self._damaged()

    def save(self, moves: Sequence[Move], folders: Sequence[Folder] = (), state: SortingState | None = None) -> None:
        """Save the states of photos, folders and the sorting, atomically."""
        with self._writing() as database:
            database.executemany(
                "UPDATE moves SET state = ?, before = ?, after = ?, sha256 = ?, why = ? WHERE number = ?",
                [(each.state, each.before, each.after, each.sha256, each.reason, each.number) for each in moves],
            )
            database.executemany(
                "INSERT INTO folders (path, made, before, after, seen) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (path) DO UPDATE SET after = excluded.after, seen = excluded.seen",
                [(os.fsencode(one.path), one.is_created, one.before, one.after, one.last_seen) for one in folders],
            )
            if state is not None:
                database.execute("UPDATE sorting SET state = ?", (state.value,))

    def retry(self) -> None:
        """Mark what undoing left in place to be tried again."""
        with self._writing() as database:
            database.execute("UPDATE moves SET state = ?, why = '' WHERE state = ?", (MoveState.DONE, MoveState.KEPT))
            database.execute("UPDATE folders SET why = ''")

    def save_left_folder(self, folder: Path, reason: str) -> None:
        """Save why undoing left a folder that the sorting had created."""
        with self._writing() as database:
            database.execute("UPDATE folders SET why = ? WHERE path = ?", (reason, os.fsencode(folder)))

    def _prepare(self, database: sqlite3.Connection, *, make: bool) -> None:
        if make:
            _make_tables(database)
        (found,) = database.execute("PRAGMA user_version").fetchone()
        (application,) = database.execute("PRAGMA application_id").fetchone()
        if application == _APPLICATION and found > _FORMAT:
            raise LaterVersionError(self._file)
        if (found, application) != (_FORMAT, _APPLICATION):
            raise self._damaged()
        columns = {name for _, name, *_ in database.execute("PRAGMA table_info(moves)")}
        self._follows = "coalesce(follows, 0)" if "follows" in columns else "0"
        self._photos = f"(SELECT * FROM moves WHERE {self._follows} = 0)"
        database.execute("PRAGMA synchronous = FULL")  # started moves must be known even after a power cut

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            yield self._database

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._errors(), transaction(self._database):
            yield self._database

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if recovery.is_damage(error, self._file):
                raise self._damaged() from error
            what = tr("Couldn't use the record {file}: {error}.", file=display_path(self._file), error=error)
            hint = tr("Check the free space and permissions of its folder. The steps done so far are recorded.")
            raise StorageError(what, hint=hint) from error
        except (ValueError, TypeError, OverflowError) as error:  # an invalid value
            raise self._damaged() from error

    def _damaged(self) -> DamagedError:
        what = tr("The record of a sorting is damaged: {file}.", file=display_path(self._file))
        hint = tr("Recover what can be read and undo the sorting with `fovea sort --undo {id}`.", id=self.id)
        return DamagedError(what, hint=hint)


def make_database(file: Path) -> sqlite3.Connection:
    """Create an empty record for recovery."""
    return connect(file, _make_tables)


def _make_tables(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    result = f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_FORMAT};"
    database.executescript(f"BEGIN; {_TABLES} {result} COMMIT")


def destinations() -> set[Path]:
    """The destinations of all sortings that were not undone."""
    found = set()
    for file in paths.sortings().glob("*.sqlite"):
        with contextlib.suppress(OSError):  # another process has just deleted it
            found.add(_destination(file, file.stat().st_mtime_ns))
    return {folder for folder in found if folder is not None}


@lru_cache(maxsize=10_000)  # a watch makes a record each time it sorts
def _destination(file: Path, _: int) -> Path | None:
    with contextlib.suppress(StorageError, UsageError), SortingRecord(file.stem) as record:
        summary = record.summary()
        return None if summary.state is SortingState.UNDONE else summary.request.destination
    return None


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Lock sorting, so that no other process sorts or undoes.

    Raises UsageError if another process is sorting; StorageError if the folder of the records cannot be written.
    """
    with lock_files.locked(paths.sortings() / _LOCK, _taken_error):
        yield


def _taken_error() -> UsageError:
    what = tr("Another Fovea process is sorting photos or undoing a sorting.")
    return UsageError(what, hint=tr("Wait until it has finished, then try again."))


def _rows(steps: Iterable[Step]) -> Iterator[tuple[int, bytes, bytes, int, int | None]]:
    """Rows of photos, each before its companions, with their numbers."""
    number = 0
    for step in steps:
        if step.target is None:
            continue
        number += 1
        yield number, os.fsencode(step.source), os.fsencode(step.target), step.size, None
        photo = number
        for one in step.companions:
            number += 1
            yield number, os.fsencode(one.source), os.fsencode(one.target), one.size, photo


def _move(
    number: int, source: bytes, target: bytes, stage: int, before: str, after: str, sum_: str, reason: str, follows: int
) -> Move:
    return Move(number, as_path(source), as_path(target), MoveState(stage), before, after, sum_, reason, follows)
