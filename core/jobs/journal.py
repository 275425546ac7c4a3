"""The journal of a job: one SQLite file with the path, state and result of every image.

Its folder is `paths.jobs()/<id>`. The program that runs the job holds the file `lock` there, which the system releases
when the program is killed; others may read and store reviews meanwhile (`core.jobs.queries`). Whatever was written
survives a kill. Paths are stored as bytes, as a file name need not be valid text.
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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from core.base import lock_files, paths
from core.base.database import transaction
from core.base.errors import UsageError
from core.base.i18n import tr
from core.base.recovery import as_path
from core.base.text import display_path
from core.detection import DetectionOptions
from core.jobs import opinions
from core.jobs.rows import COLUMNS, TABLES, outcome_columns, row_of, timing_columns
from core.jobs.schema import DETECTION, DONE, FAILED, FILE, GONE, WAITING, journal_errors, open_database, repair
from core.jobs.values import JobRequest
from core.prediction import Failure, Outcome, Prediction

LOCK: Final = "lock"
TRANSIENT_ERRORS: Final = ("missing", "no-access", "no-memory")
"""Kinds of failures whose cause may go away without a change to the file: the next run retries these images."""

_PATIENCE_S: Final = 0.75
"""Checking whether a job is running holds its lock for an instant."""

_SEE: Final = f"""
UPDATE images SET walk = :walk WHERE folder = :folder AND name = :name
AND place = :place AND size = :size AND mtime_ns = :mtime_ns AND state <> {GONE}
"""
"""An unchanged image at its old place: by far the most frequent case in a later run, and no index changes."""
_VALID: Final = f"""
CASE WHEN model IS :model AND (answered <> {DONE} OR {opinions.IS_COMPLETE}) THEN answered ELSE {WAITING} END
"""
"""The state of an image that exists: what it was answered by the models of this run."""
_NOTE: Final = f"""
INSERT INTO images (place, walk, folder, name, shown, size, mtime_ns)
VALUES (:place, :walk, :folder, :name, :shown, :size, :mtime_ns)
ON CONFLICT (folder, name) DO UPDATE SET
    place = :place, walk = :walk, size = :size, mtime_ns = :mtime_ns,
    state = CASE WHEN size <> :size OR mtime_ns <> :mtime_ns THEN {WAITING}
                 WHEN state <> {GONE} THEN state
                 ELSE {_VALID} END,
    answered = CASE WHEN size = :size AND mtime_ns = :mtime_ns THEN answered ELSE {WAITING} END,
    tried = CASE WHEN size = :size AND mtime_ns = :mtime_ns THEN tried ELSE 0 END,
    look = CASE WHEN size = :size AND mtime_ns = :mtime_ns THEN look END
"""
_RESTATE: Final = f"""
UPDATE images SET state = {_VALID} WHERE state <> {GONE} AND state <> {_VALID}
"""
_RETRY: Final = f"""
UPDATE images SET answered = {WAITING} WHERE answered = {FAILED}
AND (SELECT kind FROM details WHERE details.number = images.number) IN ({", ".join("?" * len(TRANSIENT_ERRORS))})
"""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """An image as the walk found it; the folder is relative to the job's, which is ""."""

    folder: bytes
    name: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ModelRef:
    """The model of a run.

    Attributes:
        key: identifies everything that determines predictions; results with another key are computed again.
        name: the model's name.
        version: its version.
        top_k: the number of classes stored for each image.
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
        path: the file, below the job's folder as the user named it.
        outcome: the outcome of an earlier run, if it is still valid.
        attempts: how often it was started without an outcome: the first time with others, then alone.
        sha256: the hash of its current bytes; "" if unknown.
        others: what the further models said in that run.
    """

    number: int
    position: int
    path: Path
    outcome: Outcome | None
    attempts: int
    sha256: str
    others: tuple[Prediction, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The result of an image.

    Attributes:
        number: its row.
        outcome: the prediction or the failure.
        phash: its 64-bit perceptual hash (`core.images.perceptual_hash`); None if not computed.
        sha256: the hash of its bytes; "" if not computed.
        others: what the further models say; empty for a failure.
    """

    number: int
    outcome: Outcome
    phash: int | None = None
    sha256: str = ""
    others: tuple[Prediction, ...] = ()


def job_id(request: JobRequest) -> str:
    """The id of the job of a request: 16 hexadecimal digits from the resolved folder, `recursive` and the patterns."""
    options = [request.recursive, sorted(set(request.include)), sorted(set(request.exclude))]
    place = os.fsencode(os.path.realpath(request.folder))
    return hashlib.blake2b(place + b"\0" + json.dumps(options).encode("ascii"), digest_size=8).hexdigest()


def job_folder(id_: str) -> Path:
    """The folder of a job's journal."""
    return paths.jobs() / id_


class Journal(contextlib.AbstractContextManager["Journal"]):
    """A job's journal, opened and locked to run the job; thread-safe.

    Every method raises StorageError if the journal cannot be used any more, for example because the disk is full or
    its folder was removed. What was recorded before is kept.
    """

    def __init__(self, request: JobRequest, model: ModelRef, others: Sequence[ModelRef] = ()) -> None:
        """Open or create the job's journal, and lock it.

        Images that were not classified by `model` and all the `others` are waiting from now on.

        Raises:
            UsageError: another program is running this job.
            StorageError: the journal cannot be written, or was written by a later version of Fovea.
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
                self._model, *self._others = (_model_id(database, one) for one in (model, *others))
                self._walk = _start_walk(database, request, self._model, self._others)
            self._resources = stack.pop_all()

    def __exit__(self, *_: object) -> None:
        with journal_errors(self._file), self._lock:
            self._resources.close()

    # ---- the walk

    def add_found(self, images: Sequence[FoundFile]) -> None:
        """Record the next images of the walk, in order; new and changed ones are waiting from now on."""
        with self._writing() as database:
            for image in images:
                values = self._walker.step(database, image) | {"walk": self._walk, "model": self._model}
                if not database.execute(_SEE, values).rowcount:
                    database.execute(_NOTE, values)

    def has_answered(self, image: FoundFile) -> bool:
        """Whether an image was classified before, and has not changed since."""
        file = "folders.path = :folder AND images.name = :name AND size = :size AND mtime_ns = :mtime_ns"
        query = f"SELECT 1 FROM images JOIN folders ON folders.id = images.folder WHERE {file}"
        with self._reading() as database:
            answered = f"{query} AND state <> {GONE} AND answered <> {WAITING}"
            return database.execute(answered, asdict(image)).fetchone() is not None

    def end_walk(self, unreadable_folders: Sequence[Failure]) -> int:
        """Record that the walk has ended, and return the number of images that are gone.

        Args:
            unreadable_folders: folders that could not be read; images in them do not count as gone.
        """
        below = {_relative(error.path, self._top): error for error in unreadable_folders}
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
        """At most `limit` images of this walk after a position in input order; until `end_walk`, there may be more."""
        chosen = "images.place > ? AND images.walk = ? ORDER BY images.place LIMIT ?"
        more = f"images.place, images.tried, CASE WHEN answered <> {WAITING} THEN details.sha256 END"
        with self._reading() as database:
            query = f"SELECT {more}, {COLUMNS} FROM {TABLES} WHERE {chosen}"
            return [self._image(*record) for record in database.execute(query, (position, self._walk, limit))]

    def start(self, numbers: Iterable[int]) -> None:
        """Record that these images are about to be read, so that one that crashes the program can be found."""
        with self._writing() as database:
            database.executemany("UPDATE images SET tried = tried + 1 WHERE number = ?", ((n,) for n in numbers))

    def release(self, numbers: Iterable[int]) -> None:
        """Record that these started images are waiting again, without having crashed the program."""
        with self._writing() as database:
            database.executemany("UPDATE images SET tried = 0 WHERE number = ?", ((n,) for n in numbers))

    def record(self, results: Sequence[ImageResult]) -> None:
        """Record the results of images, all or nothing."""
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
            opinions.record(database, self._others, ((each.number, each.others) for each in results))

    def finish(self) -> None:
        """Record that the job is finished."""
        with self._writing() as database:
            database.execute("UPDATE job SET finished = 1")

    def pending_count(self) -> int:
        """The number of waiting images of this walk."""
        query = f"SELECT count(*) FROM images WHERE state = {WAITING} AND walk = ?"
        with self._reading() as database:
            return int(database.execute(query, (self._walk,)).fetchone()[0])

    def _image(self, place: int, tried: int, sha256: str | None, *record: Any) -> Image:  # noqa: ANN401 - a row
        try:
            row = row_of(record, self._top)
        except (ValueError, TypeError, LookupError):  # damaged: classify it again
            number, folder, name = record[:3]
            return Image(number, place, self._top / as_path(folder) / as_path(name), None, 0, "")
        return Image(row.number, place, row.path, row.outcome, tried, sha256 or "", row.others)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, journal_errors(self._file):
            yield self._database

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Run one transaction; fail if the file was removed, as writing to it would then be lost."""
        with self._lock, journal_errors(self._file):
            if self._file.stat().st_ino != self._identity:
                raise FileNotFoundError
            with transaction(self._database):
                yield self._database


class _FileRecorder:
    """Assigns places to images and ids to folders; the images of a folder must be consecutive."""

    def __init__(self) -> None:
        self._place = 0
        self._folder, self._id = b"", -1

    def step(self, database: sqlite3.Connection, image: FoundFile) -> dict[str, object]:
        """The column values of the next image of the walk."""
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
    """Lock a job, so that no other program runs it; its folder is created if needed.

    Raises:
        UsageError: another program is running it.
        StorageError: the folder cannot be written.
    """
    with lock_files.locked(folder / LOCK, _taken_error, patience_s=_PATIENCE_S):
        yield


def _taken_error() -> UsageError:
    hint = tr("Wait until it has finished, or stop it; its results so far are kept.")
    return UsageError(tr("Another program is classifying this folder."), hint=hint)


def _start_walk(database: sqlite3.Connection, request: JobRequest, model: int, others: Sequence[int]) -> int:
    """Begin a run of these models, by their ids, and return the number of the walk."""
    if database.execute("SELECT 1 FROM job").fetchone() is None:
        patterns = json.dumps(request.include), json.dumps(request.exclude)
        folder = os.fsencode(os.path.realpath(request.folder))
        database.execute(
            "INSERT INTO job VALUES (?, ?, ?, ?, ?, 0, 0, NULL, 0)", (folder, request.recursive, *patterns, time.time())
        )
    asked = (model, request.keep_features)
    database.execute("UPDATE job SET walk = walk + 1, finished = 0, model = ?, keep_features = ?", asked)
    _store_detection(database, request.detection)
    opinions.choose_models(database, others)
    database.execute(_RETRY, TRANSIENT_ERRORS)
    database.execute(_RESTATE, {"model": model})
    (walk,) = database.execute("SELECT walk FROM job").fetchone()
    return int(walk)


def _store_detection(database: sqlite3.Connection, detection: DetectionOptions) -> None:
    database.execute(DETECTION)
    database.execute("DELETE FROM detection")
    database.execute("INSERT INTO detection VALUES (?, ?)", (detection.crop, detection.count))


def _model_id(database: sqlite3.Connection, model_ref: ModelRef) -> int:
    """The id of a model that stored at least as many classes as now requested."""
    known = "WHERE key = ? AND top_k >= ? ORDER BY id = (SELECT model FROM job) DESC, id DESC"
    found = database.execute(f"SELECT id FROM models {known}", (model_ref.key, model_ref.top_k)).fetchone()
    if found is None:
        insert = "INSERT INTO models (key, name, version, top_k) VALUES (?, ?, ?, ?) RETURNING id"
        row = (model_ref.key, model_ref.name, model_ref.version, model_ref.top_k)
        found = database.execute(insert, row).fetchone()
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
    """Convert 64 unsigned bits to a signed integer, as SQLite stores it."""
    return None if phash is None else phash - (1 << 64 if phash >> 63 else 0)
