"""Listing, summarizing and resetting jobs."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Final

from core.base import paths
from core.base.errors import BrokenRecord, StorageError, UsageError
from core.base.i18n import tr
from core.base.lock_files import is_locked
from core.base.recovery import as_path
from core.base.storage import is_there, reading_errors
from core.detection import NO_DETECTION, DetectionOptions
from core.jobs.journal import LOCK, job_folder, locked
from core.jobs.opinions import further_models
from core.jobs.schema import DONE, FAILED, FILE, GONE, WAITING, journal_errors, open_database, repair
from core.jobs.selection import NOT_REVIEWED
from core.jobs.values import JobCounts, JobState, JobSummary

_END_OF_TIME: Final = 2**35
"""An upper bound for valid times, in seconds since 1970."""


def list_jobs() -> tuple[JobSummary | BrokenRecord, ...]:
    """All jobs, the newest first, broken ones last.

    Raises:
        StorageError: the folder of the jobs cannot be read.
    """
    jobs: list[JobSummary] = []
    broken: list[BrokenRecord] = []
    for id_ in job_ids():
        try:
            jobs.append(job_summary(id_))
        except UsageError:  # a folder without a journal
            continue
        except StorageError as error:
            if not is_locked(job_folder(id_) / LOCK):  # or another program is just creating it
                broken.append(BrokenRecord(id_, error))
    return (*sorted(jobs, key=lambda job: -job.begun), *broken)


def job_ids() -> list[str]:
    """The ids of all jobs.

    Raises:
        StorageError: the folder of the jobs cannot be read.
    """
    with reading_errors(paths.jobs()):
        if not paths.jobs().is_dir():
            return []
        return sorted(folder.name for folder in paths.jobs().iterdir() if not folder.name.startswith("."))


def job_summary(id_: str) -> JobSummary:
    """The summary of a job.

    Raises:
        UsageError: the job does not exist.
        StorageError: its journal cannot be read.
    """
    file = existing_job(id_) / FILE
    with contextlib.closing(open_database(file)) as database, journal_errors(file):
        return read_summary(database, id_)


def read_summary(database: sqlite3.Connection, id_: str) -> JobSummary:
    """Read the summary of a job from its open journal."""
    columns = "folder, recursive, include, exclude, begun, finished, keep_features, models.name, models.version"
    found = database.execute(f"SELECT {columns} FROM job LEFT JOIN models ON models.id = job.model").fetchone()
    folder, recursive, include, exclude, started, finished, keeps, model, version = found
    is_running = is_locked(job_folder(id_) / LOCK)
    state = JobState.RUNNING if is_running else JobState.FINISHED if finished else JobState.STOPPED
    if not 0 <= started < _END_OF_TIME:
        raise ValueError(started)
    patterns = _patterns(include), _patterns(exclude)
    place, counts = as_path(folder), _counts(database)
    named = str(model or ""), int(version or 0)
    own = place, bool(recursive), *patterns, *named
    return JobSummary(id_, *own, started, state, counts, bool(keeps), _detection(database), further_models(database))


def _detection(database: sqlite3.Connection) -> DetectionOptions:
    """What the last run looked for."""
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'detection'").fetchone():
        return NO_DETECTION
    found = database.execute("SELECT crop, count FROM detection").fetchone()
    return DetectionOptions(*map(bool, found)) if found else NO_DETECTION


def _patterns(text: str) -> tuple[str, ...]:
    found = json.loads(text)
    if not all(isinstance(pattern, str) for pattern in found):
        raise ValueError(text)
    return tuple(found)


def _counts(database: sqlite3.Connection) -> JobCounts:
    """Count the images of an open journal by state."""
    query = f"SELECT state, count(*), sum(NOT ({NOT_REVIEWED})) FROM images GROUP BY state"
    counts = {state: (count, reviewed) for state, count, reviewed in database.execute(query)}
    waiting, done, failed, removed = (counts.get(state, (0, 0))[0] for state in (WAITING, DONE, FAILED, GONE))
    return JobCounts(waiting, done, failed, removed, sum(reviewed for _, reviewed in counts.values()))


def reset_results(id_: str) -> None:
    """Mark all images of a job to be classified again, even those that crashed the program; reviews are kept.

    Does nothing if the job does not exist. A damaged journal is rebuilt from what can be read of it.

    Raises:
        UsageError: the job is running.
        StorageError: the journal cannot be read or written, or was written by a later version of Fovea.
    """
    file = job_folder(id_) / FILE
    if not file.exists():
        return
    with locked(file.parent):
        repair(file)
        with contextlib.closing(open_database(file)) as database, journal_errors(file):
            database.execute(f"UPDATE images SET answered = {WAITING}, tried = 0")


def existing_job(id_: str) -> Path:
    """The folder of an existing job.

    Raises:
        UsageError: the job does not exist.
    """
    folder = job_folder(id_)
    if folder.parent != paths.jobs() or not is_there(folder / FILE):
        raise UsageError(
            tr("No job {id!r}.", id=id_), hint=tr("It may have been removed. `fovea jobs` lists all jobs.")
        )
    return folder
