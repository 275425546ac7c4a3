"""A job that was removed is kept for some days, as a model is, and can be brought back with all a person said in it."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.base import paths
from core.base.errors import StorageError, UsageError
from core.base.salvage import files_set_aside
from core.base.storage import storage_errors
from core.base.text import display_path
from core.jobs.job_list import read_summary
from core.jobs.journal import job_folder, locked
from core.jobs.schema import FILE, journal_errors, open_database
from core.jobs.values import JobSummary
from core.models.versions import KEPT_DAYS, move_to_trash, remove_if_empty

_TRASH = ".removed-*"


@dataclass(frozen=True, slots=True)
class RemovedJob:
    """A job that was removed and is still kept.

    Attributes:
        id: which job it is; several of one may be kept, of which the last one can be brought back.
        removed_at: when it was removed.
        summary: what its journal says; None where that cannot be read.
        damaged_file: a journal that was set aside because it is damaged; None where the whole job was removed.
    """

    id: str
    removed_at: datetime
    summary: JobSummary | None
    damaged_file: Path | None = None


def trash(id_: str) -> None:
    """Take a job from the list, so that it can be brought back; the images are not touched.

    Raises:
        UsageError: there is no such job, or it runs just now.
        StorageError: the disk does not allow it; the job is as it was.
    """
    folder = job_folder(id_)
    if folder.parent != paths.jobs() or not (folder / FILE).exists():
        raise UsageError("This job is gone already.", hint="There is nothing to remove.")
    with locked(folder):
        pass  # a folder in which a file is held cannot be renamed everywhere
    move_to_trash(folder)


def restore(id_: str) -> None:
    """Bring back the job that was put aside last under an id, as it was.

    Raises:
        UsageError: it is not kept any more, or its folder is being classified anew.
        StorageError: the disk does not allow it; it is still kept.
    """
    kept = [folder for folder in _in_trash() if folder.name == id_]
    if not kept and (aside := files_set_aside(job_folder(id_), FILE)):
        what = f"The journal of {id_!r} was damaged. What could be read of it is in the job already."
        raise UsageError(what, hint=f"The damaged file was kept as {display_path(aside[-1])}.")
    if not kept:
        what = "What was removed is not kept any more."
        raise UsageError(what, hint=f"It is kept for {KEPT_DAYS} days. Classify the folder again.")
    last = max(kept, key=lambda folder: folder.parent.stat().st_mtime)
    place = job_folder(id_)
    if place.exists():
        raise UsageError("This folder was classified anew.", hint="Remove that job first; then this one can come back.")
    with storage_errors(place):
        last.rename(place)
    remove_if_empty(last.parent)


def removed_jobs() -> tuple[RemovedJob, ...]:
    """The jobs that can be brought back, the last removed first."""
    found = []
    for folder in _in_trash():
        with contextlib.suppress(OSError):  # deleted meanwhile
            moment = datetime.fromtimestamp(folder.parent.stat().st_mtime, UTC)  # a grave is written to once
            found.append(RemovedJob(folder.name, moment, _summary(folder)))
    found += [RemovedJob(file.parent.name, _removed_at(file), None, file) for file in _damaged()]
    return tuple(sorted(found, key=lambda job: job.removed_at, reverse=True))


def _damaged() -> list[Path]:
    """The journals that were set aside, and belong to no job that was removed since."""
    folders = (folder for folder in paths.jobs().glob("*") if not folder.name.startswith("."))
    return [file for folder in folders for file in files_set_aside(folder, FILE)]


def _removed_at(file: Path) -> datetime:
    with contextlib.suppress(OSError):
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return datetime.fromtimestamp(0, UTC)


def purge() -> None:
    """Delete what was put aside long ago."""
    for grave in paths.jobs().glob(_TRASH):
        with contextlib.suppress(OSError):
            if time.time() - grave.stat().st_mtime > KEPT_DAYS * 24 * 3600:
                shutil.rmtree(grave)


def _in_trash() -> Iterator[Path]:
    for grave in paths.jobs().glob(_TRASH):
        with contextlib.suppress(OSError):
            yield from (folder for folder in grave.iterdir() if (folder / FILE).exists())


def _summary(folder: Path) -> JobSummary | None:
    file = folder / FILE
    try:
        with contextlib.closing(open_database(file)) as database, journal_errors(file):
            return read_summary(database, folder.name)
    except StorageError:
        return None
