"""The trash of jobs: removed jobs are kept for some days, as models are, and can be restored with their reviews."""

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
from core.base.i18n import tr, tr_n
from core.base.salvage import files_set_aside
from core.base.storage import storage_errors
from core.base.text import display_path
from core.jobs.job_list import existing_job, read_summary
from core.jobs.journal import job_folder, locked
from core.jobs.schema import FILE, journal_errors, open_database
from core.jobs.values import JobSummary
from core.models.versions import KEPT_DAYS, move_to_trash, remove_if_empty

_TRASH = ".removed-*"


@dataclass(frozen=True, slots=True)
class RemovedJob:
    """A job in the trash.

    Attributes:
        id: the id of the job; of several with the same id, the last removed can be restored.
        removed_at: when it was removed.
        summary: the summary from its journal; None if that cannot be read.
        damaged_file: a journal that was set aside because it was damaged; None if the whole job was removed.
    """

    id: str
    removed_at: datetime
    summary: JobSummary | None
    damaged_file: Path | None = None


def trash(id_: str) -> None:
    """Move a job to the trash. The images are not changed.

    Raises:
        UsageError: the job does not exist, or is running.
        StorageError: it cannot be moved; the job is unchanged.
    """
    folder = existing_job(id_)
    with locked(folder):
        pass  # only check: Windows cannot rename a folder with a locked file
    move_to_trash(folder)


def restore(id_: str) -> None:
    """Restore the last removed job with an id.

    Raises:
        UsageError: it is no longer in the trash, or its folder has been classified again.
        StorageError: it cannot be moved; it is still in the trash.
    """
    kept = [folder for folder in _in_trash() if folder.name == id_]
    if not kept and (aside := files_set_aside(job_folder(id_), FILE)):
        what = tr("The journal of job {id!r} was damaged, and has already been recovered.", id=id_)
        raise UsageError(what, hint=tr("The damaged file was kept as {file}.", file=display_path(aside[-1])))
    if not kept:
        hint = tr_n(
            "Removed jobs are kept for {count} day. Classify the folder again.",
            "Removed jobs are kept for {count} days. Classify the folder again.",
            KEPT_DAYS,
        )
        raise UsageError(tr("The removed job is no longer available."), hint=hint)
    last = max(kept, key=lambda folder: folder.parent.stat().st_mtime)
    place = job_folder(id_)
    if place.exists():
        raise UsageError(
            tr("This folder has been classified again."), hint=tr("Remove the new job before restoring this one.")
        )
    with storage_errors(place):
        last.rename(place)
    remove_if_empty(last.parent)


def removed_jobs() -> tuple[RemovedJob, ...]:
    """The jobs in the trash, the last removed first."""
    found = []
    for folder in _in_trash():
        with contextlib.suppress(OSError):  # deleted meanwhile
            moment = datetime.fromtimestamp(folder.parent.stat().st_mtime, UTC)  # when it was created
            found.append(RemovedJob(folder.name, moment, _summary(folder)))
    found += [RemovedJob(file.parent.name, _removed_at(file), None, file) for file in _damaged()]
    return tuple(sorted(found, key=lambda job: job.removed_at, reverse=True))


def _damaged() -> list[Path]:
    """The damaged journals that were set aside, except those of jobs removed since."""
    folders = (folder for folder in paths.jobs().glob("*") if not folder.name.startswith("."))
    return [file for folder in folders for file in files_set_aside(folder, FILE)]


def _removed_at(file: Path) -> datetime:
    with contextlib.suppress(OSError):
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return datetime.fromtimestamp(0, UTC)


def purge() -> None:
    """Delete jobs that have been in the trash for too long."""
    for entry in paths.jobs().glob(_TRASH):
        with contextlib.suppress(OSError):
            if time.time() - entry.stat().st_mtime > KEPT_DAYS * 24 * 3600:
                shutil.rmtree(entry)


def _in_trash() -> Iterator[Path]:
    for entry in paths.jobs().glob(_TRASH):
        with contextlib.suppress(OSError):
            yield from (folder for folder in entry.iterdir() if (folder / FILE).exists())


def _summary(folder: Path) -> JobSummary | None:
    file = folder / FILE
    try:
        with contextlib.closing(open_database(file)) as database, journal_errors(file):
            return read_summary(database, folder.name)
    except StorageError:
        return None
