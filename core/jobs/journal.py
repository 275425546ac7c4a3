"""The journal of a job: one SQLite file that says of every image where it lies, how far it is and what came of it.

Its folder is `paths.jobs()/<id>`. Whoever runs the job holds `lock` there, and the system takes that back from a killed
program; others may read meanwhile and note what a person says (`core.jobs.queries`). What was written before a kill is
there after it. Paths are kept as bytes, for a name need not be text.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from core.base import paths
from core.base.errors import UsageError
from core.base.locks import try_lock
from core.base.recovery import as_path
from core.base.storage import storage_errors
from core.base.text import display_path
from core.jobs.rows import COLUMNS, TABLES, outcome_columns, row_of, timing_columns
from core.jobs.schema import FAILED, FILE, GONE, WAITING, journal_errors, open_database, repair
from core.jobs.values import JobRequest, UnreadableFolder
from core.prediction import Outcome

LOCK: Final = "lock"
TRANSIENT_ERRORS: Final = ("missing", "no-access", "no-memory")
"""Failures whose reason may pass and leave the file as it was: the next run tries these images again."""

_PAUSES_S: Final = (0.05, 0.1, 0.2, 0.4)
"""Who only looks whether a job runs holds its lock for an instant."""

_SEE: Final = f"""
UPDATE images SET walk = :walk WHERE folder = :folder AND name = :name
AND place = :place AND size = :size AND mtime_ns = :mtime_ns AND state <> {GONE}
"""
"""An image as it was, at its place: by far the most of a later run, and no index changes."""
_NOTE: Final = f"""
INSERT INTO images (place, walk, folder, name, shown, size, mtime_ns)
VALUES (:place, :walk, :folder, :name, :shown, :size, :mtime_ns)
ON CONFLICT (folder, name) DO UPDATE SET
    place = :place, walk = :walk, size = :size, mtime_ns = :mtime_ns,
    state = CASE WHEN size <> :size OR mtime_ns <> :mtime_ns THEN {WAITING}
                 WHEN state <> {GONE} THEN state
                 WHEN model IS :model THEN answered ELSE {WAITING} END,
    answered = CASE WHEN size = :size AND mtime_ns = :mtime_ns THEN answered ELSE {WAITING} END,
    tried = CASE WHEN size = :size AND mtime_ns = :mtime_ns THEN tried ELSE 0 END,
    look = CASE WHEN size = :size AND mtime_ns = :mtime_ns THEN look END
"""
_RESTATE: Final = f"""
UPDATE images SET state = CASE WHEN model IS :model THEN answered ELSE {WAITING} END
WHERE state <> {GONE} AND state <> CASE WHEN model IS :model THEN answered ELSE {WAITING} END
"""
_RETRY: Final = f"""
UPDATE images SET answered = {WAITING} WHERE answered = {FAILED}
AND (SELECT kind FROM details WHERE details.number = images.number) IN ({", ".join("?" * len(TRANSIENT_ERRORS))})
"""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """An image as the walk found it; the folder is relative to the job's, and "" is that itself."""

    folder: bytes
    name: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Who answers in a run.

    Attributes:
        key: everything that decides what it answers; answers under other keys are made anew.
        name: the model's name.
        version: its version.
        top_k: how many classes of each image are kept.
    """

    key: str
    name: str
    version: int
    top_k: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image in input order.

    Attributes:
        number: its row.
        position: in input order, from 1.
        path: the file, below the job's folder as the person named that.
        outcome: of an earlier run, where that still holds.
        attempts: how often it was begun without an outcome, the first time in company, then alone.
        sha256: of its bytes as it is now; "" where nobody noted it.
    """

    number: int
    position: int
    path: Path
    outcome: Outcome | None
    attempts: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What came of an image.

    Attributes:
        number: its row.
        outcome: the prediction or the failure.
        phash: 64 bits that say what it looks like (`core.images.perceptual_hash`); None where nobody looked.
        sha256: of its bytes; "" where nobody noted it.
    """

    number: int
    outcome: Outcome
    phash: int | None = None
    sha256: str = ""


def job_id(request: JobRequest) -> str:
    """Which job a request means: 16 characters from the real folder, `recursive` and the patterns."""
    facts = [request.recursive, sorted(set(request.include)), sorted(set(request.exclude))]
    place = os.fsencode(os.path.realpath(request.folder))
    return hashlib.blake2b(place + b"\0" + json.dumps(facts).encode("ascii"), digest_size=8).hexdigest()


def job_folder(id_: str) -> Path:
    """Where a job's journal lies."""
    return paths.jobs() / id_


class Journal:
    """A job's journal, held by whoever runs it; threads may share it.

    Every method raises StorageError where the journal cannot be used any more: the disk is full, its folder was
    removed under way, or whatever else. What was noted before is kept.
    """

    def __init__(self, request: JobRequest, model: ModelRef) -> None:
        """Open the job's journal, or begin it, and hold it; what `model` did not answer waits from now on.

        Raises:
            UsageError: another program runs this job now.
            StorageError: the journal cannot be written, or a later version of Fovea wrote it.
        """
        self.id = job_id(request)
        self._top = request.folder
        self._file = job_folder(self.id) / FILE
        self._lock = threading.RLock()
        self._walker = _FileRecorder()
        with contextlib.ExitStack() as stack:
            stack.enter_context(locked(self._file.parent))
            if self._file.exists():
                repair(self._file)
            self._database = open_database(self._file, make=True)
            stack.callback(self._database.close)
            with journal_errors(self._file):
                self._identity = self._file.stat().st_ino
            with self._writing() as database:
                self._model, self._walk = _start_walk(database, request, model)
            self._resources = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with journal_errors(self._file), self._lock:
            self._resources.close()

    # ---- the walk

    def add_found(self, images: Sequence[FoundFile]) -> None:
        """Note the next images of the walk, in their order; what is new or changed waits from now on."""
        with self._writing() as database:
            for image in images:
                values = self._walker.step(database, image) | {"walk": self._walk, "model": self._model}
                if not database.execute(_SEE, values).rowcount:
                    database.execute(_NOTE, values)

    def end_walk(self, unreadable_folders: Sequence[UnreadableFolder]) -> int:
        """Note that the walk has ended; how many images are gone.

        Args:
            unreadable_folders: folders that could not be read; what lay in them does not count as gone.
        """
        below = {_relative(error.folder, self._top): error for error in unreadable_folders}
        with self._writing() as database:
            database.execute("DELETE FROM troubles")
            rows = [(place, error.message, error.hint) for place, error in below.items()]
            database.executemany("INSERT INTO troubles VALUES (?, ?, ?)", rows)
            database.execute("CREATE TEMP TABLE IF NOT EXISTS spared (id INTEGER PRIMARY KEY)")
            folders = database.execute("SELECT id, path FROM folders").fetchall()
            spared = [(id_,) for id_, path in folders if any(_is_within(path, place) for place in below)]
            database.executemany("INSERT INTO spared VALUES (?)", spared)
            missed = f"walk <> ? AND state <> {GONE} AND folder NOT IN (SELECT id FROM spared)"
            removed = database.execute(f"UPDATE images SET state = {GONE} WHERE {missed}", (self._walk,)).rowcount
            database.execute("DROP TABLE spared")
        return removed

    # ---- the work

    def next_images(self, position: int, limit: int) -> list[Image]:
        """The next images found in this walk after a place in input order, at most `limit`; a short list may grow
        until `end_walk`.
        """
        chosen = "images.place > ? AND images.walk = ? ORDER BY images.place LIMIT ?"
        more = f"images.place, images.tried, CASE WHEN answered <> {WAITING} THEN details.sha256 END"
        with self._reading() as database:
            query = f"SELECT {more}, {COLUMNS} FROM {TABLES} WHERE {chosen}"
            return [self._image(*record) for record in database.execute(query, (position, self._walk, limit))]

    def start(self, numbers: Iterable[int]) -> None:
        """Note that these images are about to be read, so that one that kills the program is found."""
        with self._writing() as database:
            database.executemany("UPDATE images SET tried = tried + 1 WHERE number = ?", ((n,) for n in numbers))

    def release(self, numbers: Iterable[int]) -> None:
        """Note that these images were begun and are left waiting by a program that lives."""
        with self._writing() as database:
            database.executemany("UPDATE images SET tried = 0 WHERE number = ?", ((n,) for n in numbers))

    def record(self, results: Sequence[ImageResult]) -> None:
        """Note what came of images, all or nothing."""
        now = time.time()
        with self._writing() as database:
            database.executemany(
                "UPDATE images SET state = ?1, answered = ?1, label = ?2, confidence = ?3, unknown = ?4, tried = 0,"
                " model = ?5, finished = ?6, look = coalesce(?7, look) WHERE number = ?8",
                [
                    (*outcome_columns(each.outcome), self._model, now, _as_signed(each.phash), each.number)
                    for each in results
                ],
            )  # fmt: skip
            rows = [timing_columns(each.number, each.outcome, each.sha256) for each in results]
            database.executemany(f"INSERT OR REPLACE INTO details VALUES ({', '.join('?' * 10)})", rows)

    def finish(self) -> None:
        """Note that the job came to its end."""
        with self._writing() as database:
            database.execute("UPDATE job SET finished = 1")

    def pending_count(self) -> int:
        """How many images found in this walk wait."""
        query = f"SELECT count(*) FROM images WHERE state = {WAITING} AND walk = ?"
        with self._reading() as database:
            return int(database.execute(query, (self._walk,)).fetchone()[0])

    def _image(self, place: int, tried: int, sha256: str | None, *record: Any) -> Image:  # noqa: ANN401 - a row
        try:
            row = row_of(record, self._top)
        except (ValueError, TypeError, LookupError):  # damaged: it is classified again
            number, folder, name = record[:3]
            return Image(number, place, self._top / as_path(folder) / as_path(name), None, 0, "")
        return Image(row.number, place, row.path, row.outcome, tried, sha256 or "")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, journal_errors(self._file):
            yield self._database

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction. A file that was removed could still be written to, but nobody would ever read it."""
        with self._lock, journal_errors(self._file):
            if self._file.stat().st_ino != self._identity:
                raise FileNotFoundError
            with transaction(self._database):
                yield self._database


class _FileRecorder:
    """Gives images their places and folders their numbers; a folder's images come together."""

    def __init__(self) -> None:
        self._place = 0
        self._folder, self._id = b"", -1

    def step(self, database: sqlite3.Connection, image: FoundFile) -> dict[str, object]:
        """What the next image of the walk adds to its row."""
        self._place += 1
        if self._id < 0 or image.folder != self._folder:
            self._folder, self._id = image.folder, _folder_id(database, image.folder, self._place)
        shown = os.fsdecode(os.path.join(image.folder, image.name))  # noqa: PTH118 - bytes
        return {
            "place": self._place,
            "folder": self._id,
            "name": image.name,
            "shown": (shown if shown.isprintable() else display_path(shown)).casefold(),
            "size": image.size,
            "mtime_ns": image.mtime_ns,
        }


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a job, so that no other program runs it; its folder is made where need be.

    Raises:
        UsageError: another program runs it.
        StorageError: the folder cannot be written.
    """
    with contextlib.ExitStack() as stack:
        with storage_errors(folder / LOCK):
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((folder / LOCK).open("a+b"))
            for pause in (*_PAUSES_S, None):
                if try_lock(file):
                    break
                if pause is None:
                    what = "This folder is being classified by another program just now."
                    raise UsageError(what, hint="Wait until it is done, or stop it; what it has done so far is kept.")
                time.sleep(pause)
        yield


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Everything written in the block, or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a full disk may have rolled back already
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _start_walk(database: sqlite3.Connection, request: JobRequest, model_ref: ModelRef) -> tuple[int, int]:
    """Begin a run; the number of who answers and that of the walk."""
    if database.execute("SELECT 1 FROM job").fetchone() is None:
        patterns = json.dumps(request.include), json.dumps(request.exclude)
        folder = os.fsencode(os.path.realpath(request.folder))
        database.execute(
            "INSERT INTO job VALUES (?, ?, ?, ?, ?, 0, 0, NULL, 0)", (folder, request.recursive, *patterns, time.time())
        )
    model = _model_id(database, model_ref)
    asked = (model, request.keep_features)
    database.execute("UPDATE job SET walk = walk + 1, finished = 0, model = ?, keep_features = ?", asked)
    database.execute(_RETRY, TRANSIENT_ERRORS)
    database.execute(_RESTATE, {"model": model})
    (walk,) = database.execute("SELECT walk FROM job").fetchone()
    return model, walk


def _model_id(database: sqlite3.Connection, model_ref: ModelRef) -> int:
    """The number of who answers; one that kept fewer classes than are asked now was another."""
    known = "WHERE key = ? AND top_k >= ? ORDER BY id = (SELECT model FROM job) DESC, id DESC"
    found = database.execute(f"SELECT id FROM models {known}", (model_ref.key, model_ref.top_k)).fetchone()
    if found is None:
        insert = "INSERT INTO models (key, name, version, top_k) VALUES (?, ?, ?, ?) RETURNING id"
        facts = (model_ref.key, model_ref.name, model_ref.version, model_ref.top_k)
        found = database.execute(insert, facts).fetchone()
    return int(found[0])


def _folder_id(database: sqlite3.Connection, path: bytes, rank: int) -> int:
    insert = "INSERT INTO folders (path, rank) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET rank = excluded.rank"
    (id_,) = database.execute(f"{insert} RETURNING id", (path, rank)).fetchone()
    return int(id_)


def _relative(folder: Path, top: Path) -> bytes:
    below = os.path.relpath(os.fsencode(folder), os.fsencode(top))
    return b"" if below == b"." else below


def _is_within(path: bytes, place: bytes) -> bool:
    return not place or path == place or path.startswith(place + os.fsencode(os.sep))


def _as_signed(phash: int | None) -> int | None:
    """64 bits as SQLite keeps them."""
    return None if phash is None else phash - (1 << 64 if phash >> 63 else 0)
