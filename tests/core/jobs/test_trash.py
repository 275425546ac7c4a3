"""Removing and restoring jobs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from core.base import paths
from core.base.errors import UsageError
from core.jobs.job_list import job_summary, list_jobs
from core.jobs.journal import job_folder, locked
from core.jobs.trash import purge, restore, trash
from tests.journals import write_journal


def test_a_removed_job_is_restored_unchanged(tmp_path: Path) -> None:
    job = write_journal(tmp_path, 10)
    before = job_summary(job)
    trash(job)
    assert list_jobs() == ()
    purge()
    restore(job)
    assert list_jobs() == (before,)
    assert [folder.name for folder in paths.jobs().iterdir()] == [job]


def test_a_running_job_cannot_be_removed(tmp_path: Path) -> None:
    job = write_journal(tmp_path, 10)
    with locked(job_folder(job)), pytest.raises(UsageError, match="Another program"):
        trash(job)
    assert job_summary(job).id == job


@pytest.mark.parametrize("id_", ["nowhere", "../elsewhere", ""])
def test_a_missing_job_cannot_be_removed(tmp_path: Path, id_: str) -> None:
    write_journal(tmp_path, 10)
    with pytest.raises(UsageError, match="No job"):
        trash(id_)


def test_a_job_started_again_is_not_replaced(tmp_path: Path) -> None:
    job = write_journal(tmp_path, 10)
    trash(job)
    write_journal(tmp_path, 5)
    with pytest.raises(UsageError, match="classified again"):
        restore(job)
    assert job_summary(job).counts.found == 5
    trash(job)
    restore(job)
    assert job_summary(job).counts.found == 5


def test_jobs_removed_long_ago_are_deleted(tmp_path: Path) -> None:
    job = write_journal(tmp_path, 10)
    trash(job)
    (grave,) = paths.jobs().iterdir()
    os.utime(grave, (time.time() - 8 * 24 * 3600,) * 2)
    purge()
    assert list(paths.jobs().iterdir()) == []
    with pytest.raises(UsageError, match="no longer available"):
        restore(job)
