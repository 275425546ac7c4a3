"""The record of a sorting: what is meant to be done with every photo and what was done, so that a kill at any moment
leaves enough to go on or to go back. Its file is `paths.sortings()/<id>.sqlite`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final, Self

from core import paths
from core.errors import StorageError, UsageError
from core.file_lock import hold
from core.images.folders import printable
from core.sorting.values import By, Remark, SortingFacts, SortingState, SortRequest, Step
from core.storage import storage_errors

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
    sha256 TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '', follows INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX moves_by_state ON moves (state, number);
CREATE TABLE folders (
    number INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, made INTEGER NOT NULL,
    before INTEGER, after INTEGER, seen INTEGER, why TEXT NOT NULL DEFAULT ''
);
"""
"""`before` and `after` say what a file's status was when its move was begun and when it was done; of a folder, when it
was last written to, in nanoseconds since 1970: before sorting, after it, and when undoing began. `follows` is the
number of the photo that a file goes along with, 0 for photos; records of earlier versions have no such column."""


class Stage(IntEnum):
    """How far a photo is."""

    WAITING = 0
    BEGUN = 1
    """It may be where it was, half-way, or where it should be: the disk tells."""
    DONE = 2
    FAILED = 3
    LEAVING = 4
    """Its undoing was begun."""
    UNDONE = 5
    KEPT = 6
    """Undoing left it, for a reason."""


@dataclass(frozen=True, slots=True)
class Move:
    """A photo in the record.

    Attributes:
        number: its place in the sorting, from 1.
        source: where it was.
        target: where it comes.
        stage: how far it is.
        before: what told, when it was begun, that the file at `source` is this one (`core.sorting.moves.written`).
        after: the same of the file at `target`, when it was done.
        sha256: of its bytes, where they were read; else empty.
        why: it failed, or was kept.
        follows: the number of the photo that this file goes along with; 0 for a photo.
    """

    number: int
    source: Path
    target: Path
    stage: Stage
    before: str = ""
    after: str = ""
    sha256: str = ""
    why: str = ""
    follows: int = 0


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder in the record; times are when it was last written to, in nanoseconds since 1970.

    Attributes:
        path: the folder.
        made: whether the sorting made it.
        before: its time before; None for one that was made.
        after: its time once all was sorted; None until then.
        seen: its time when undoing began; None until then, and if it was gone.
    """

    path: Path
    made: bool
    before: int | None = None
    after: int | None = None
    seen: int | None = None


class Record:
    """One sorting's record, open.

    Every method raises StorageError where the record cannot be read or written any more.
    """

    def __init__(self, id_: str, *, make: bool = False) -> None:
        """Open a record, or make one.

        Raises:
            UsageError: there is none of that name.
            StorageError: it is damaged, cannot be opened, or a later version of Fovea wrote it.
        """
        self.id = id_
        self._file = paths.sortings() / f"{id_}.sqlite"
        if not make and not self._file.is_file():
            raise UsageError(f"There is no sorting called {id_!r}.", hint="`fovea sort --list` lists them.")
        with self._errors():
            self._database = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(make=make)
            except BaseException:
                self._database.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @classmethod
    def begin(cls, request: SortRequest, steps: Iterable[Step]) -> Self:
        """Make a record of what is meant to be done; nothing is kept of one that cannot be written whole."""
        paths.sortings().mkdir(parents=True, exist_ok=True)
        record = cls(f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(1)}", make=True)
        try:
            facts = (os.fsencode(request.source), os.fsencode(request.destination))
            asked = (request.by.value, request.threshold, request.flat, time.time(), SortingState.SORTING.value)
            with record._writing() as database:
                database.execute("INSERT INTO sorting VALUES (?, ?, ?, ?, ?, ?, ?)", (*facts, *asked))
                database.executemany(
                    "INSERT INTO moves (number, source, target, bytes, follows) VALUES (?, ?, ?, ?, ?)", _rows(steps)
                )
        except BaseException:
            record.forget()
            raise
        return record

    def forget(self) -> None:
        """Close the record and delete it."""
        self._database.close()
        for ending in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + ending).unlink(missing_ok=True)

    # ---- what it says

    def facts(self) -> SortingFacts:
        """The sorting as it is listed."""
        with self._reading() as database:
            asked = database.execute("SELECT * FROM sorting").fetchone()
            if asked is None:  # killed while it was being made: nothing was done yet
                raise StorageError(f"The record of the sorting {self.id!r} is empty.", hint="Sort again.")
            source, destination, manner, threshold, flat, begun, state = asked
            counted = database.execute(f"SELECT state, count(*) FROM {self._photos} GROUP BY state").fetchall()
            query = f"SELECT state, why <> '', count(*) FROM moves WHERE {self._follows} <> 0 GROUP BY 1, 2"
            along = {(state, bool(has_reason)): count for state, has_reason, count in database.execute(query)}
            (left,) = database.execute("SELECT count(*) FROM folders WHERE why <> ''").fetchone()
        counts = dict(counted)
        folders = Path(os.fsdecode(source)), Path(os.fsdecode(destination))
        return SortingFacts(
            self.id,
            SortRequest(*folders, By(manner), threshold, bool(flat)),
            begun,
            SortingState(state),
            waiting=counts.get(Stage.WAITING, 0) + counts.get(Stage.BEGUN, 0),
            sorted=counts.get(Stage.DONE, 0) + counts.get(Stage.LEAVING, 0),
            failed=counts.get(Stage.FAILED, 0) + along.get((Stage.FAILED, True), 0),
            undone=counts.get(Stage.UNDONE, 0),
            kept=counts.get(Stage.KEPT, 0) + along.get((Stage.KEPT, True), 0) + left,
            companions=along.get((Stage.DONE, False), 0) + along.get((Stage.LEAVING, False), 0),
        )

    def size(self) -> int:
        """Bytes of all photos that are waiting."""
        with self._reading() as database:
            query = "SELECT coalesce(sum(bytes), 0) FROM moves WHERE state <= ?"
            (size,) = database.execute(query, (Stage.BEGUN,)).fetchone()
        return int(size)

    def count(self, *stages: Stage) -> int:
        """How many photos are at one of these stages."""
        marks = ", ".join("?" * len(stages))
        with self._reading() as database:
            query = f"SELECT count(*) FROM {self._photos} WHERE state IN ({marks})"
            (number,) = database.execute(query, stages).fetchone()
        return int(number)

    def moves(self, *stages: Stage, limit: int) -> list[Move]:
        """The first photos and companions at one of these stages; each photo comes before its companions."""
        marks = ", ".join("?" * len(stages))
        query = (
            f"SELECT number, source, target, state, before, after, sha256, why, {self._follows} FROM moves "
            f"WHERE state IN ({marks}) ORDER BY number LIMIT ?"
        )
        with self._reading() as database:
            rows = database.execute(query, (*stages, limit)).fetchall()
        return [_move(*row) for row in rows]

    def stage(self, number: int) -> Stage:
        """How far a photo is."""
        with self._reading() as database:
            (stage,) = database.execute("SELECT state FROM moves WHERE number = ?", (number,)).fetchone()
        return Stage(stage)

    def folders(self) -> list[Folder]:
        """The folders that were made or written to, in the order in which that happened."""
        with self._reading() as database:
            rows = database.execute("SELECT path, made, before, after, seen FROM folders ORDER BY number").fetchall()
        return [Folder(Path(os.fsdecode(path)), bool(made), *times) for path, made, *times in rows]

    def remarks(self) -> Iterator[Remark]:
        """What could not be sorted, and what undoing left, and why."""
        query = "SELECT source, why FROM moves WHERE state = ? AND why <> '' UNION ALL "
        query += "SELECT target, why FROM moves WHERE state = ? AND why <> '' UNION ALL "
        query += "SELECT path, why FROM folders WHERE why <> ''"
        with self._reading() as database:
            for path, why in database.execute(query, (Stage.FAILED, Stage.KEPT)).fetchall():
                yield Remark(Path(os.fsdecode(path)), why)

    def kept(self) -> set[Path]:
        """The files that undoing left."""
        with self._reading() as database:
            rows = database.execute("SELECT target FROM moves WHERE state = ?", (Stage.KEPT,)).fetchall()
        return {Path(os.fsdecode(path)) for (path,) in rows}

    # ---- what is noted

    def note(self, moves: Sequence[Move], folders: Sequence[Folder] = (), state: SortingState | None = None) -> None:
        """Note what holds of photos and folders from now on, and of the sorting; all of it or nothing."""
        with self._writing() as database:
            database.executemany(
                "UPDATE moves SET state = ?, before = ?, after = ?, sha256 = ?, why = ? WHERE number = ?",
                [(each.stage, each.before, each.after, each.sha256, each.why, each.number) for each in moves],
            )
            database.executemany(
                "INSERT INTO folders (path, made, before, after, seen) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (path) DO UPDATE SET after = excluded.after, seen = excluded.seen",
                [(os.fsencode(one.path), one.made, one.before, one.after, one.seen) for one in folders],
            )
            if state is not None:
                database.execute("UPDATE sorting SET state = ?", (state.value,))

    def retry(self) -> None:
        """Have undoing try once more what it left."""
        with self._writing() as database:
            database.execute("UPDATE moves SET state = ?, why = '' WHERE state = ?", (Stage.DONE, Stage.KEPT))
            database.execute("UPDATE folders SET why = ''")

    def note_left(self, folder: Path, why: str) -> None:
        """Note why undoing left a folder that the sorting had made."""
        with self._writing() as database:
            database.execute("UPDATE folders SET why = ? WHERE path = ?", (why, os.fsencode(folder)))

    # ---- the file

    def _prepare(self, *, make: bool) -> None:
        (found,) = self._database.execute("PRAGMA user_version").fetchone()
        (application,) = self._database.execute("PRAGMA application_id").fetchone()
        if make:
            self._database.execute("PRAGMA journal_mode = WAL")
            made = f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_FORMAT};"
            self._database.executescript(f"BEGIN; {_TABLES} {made} COMMIT")
        elif (found, application) != (_FORMAT, _APPLICATION):
            what = f"The record of the sorting {self.id!r} is not one that this Fovea can read."
            raise StorageError(what, hint="Use the version that wrote it; nothing was changed.")
        columns = {name for _, name, *_ in self._database.execute("PRAGMA table_info(moves)")}
        self._follows = "follows" if "follows" in columns else "0"
        self._photos = f"(SELECT * FROM moves WHERE {self._follows} = 0)"
        self._database.execute("PRAGMA synchronous = FULL")  # what was begun is known even after a power cut

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            yield self._database

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            what = f"The record {printable(self._file)} could not be used: {error}."
            hint = "Check free space and permissions of that folder; what was done so far is known."
            raise StorageError(what, hint=hint) from error


def sortings() -> list[SortingFacts]:
    """All sortings that there are records of, the latest first; records that cannot be read are left out."""
    found = []
    for file in paths.sortings().glob("*.sqlite"):
        with contextlib.suppress(StorageError, UsageError), Record(file.stem) as record:
            found.append(record.facts())
    return sorted(found, key=lambda facts: facts.begun, reverse=True)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Hold all sorting: no other process sorts or undoes meanwhile.

    Raises:
        UsageError: another one does.
        StorageError: the folder of the records cannot be written.
    """
    lock = paths.sortings() / _LOCK
    with storage_errors(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("a+b")
    with file:
        if not hold(file):
            what = "Photos are being sorted, or put back, by another Fovea."
            raise UsageError(what, hint="Wait until it has ended, then ask again.")
        yield


def _rows(steps: Iterable[Step]) -> Iterator[tuple[int, bytes, bytes, int, int]]:
    """Photos, each before its companions, with their numbers."""
    number = 0
    for step in steps:
        if step.target is None:
            continue
        number += 1
        yield number, os.fsencode(step.source), os.fsencode(step.target), step.size, 0
        photo = number
        for one in step.companions:
            number += 1
            yield number, os.fsencode(one.source), os.fsencode(one.target), one.size, photo


def _move(
    number: int, source: bytes, target: bytes, stage: int, before: str, after: str, sum_: str, why: str, follows: int
) -> Move:
    folders = Path(os.fsdecode(source)), Path(os.fsdecode(target))
    return Move(number, *folders, Stage(stage), before, after, sum_, why, follows)
