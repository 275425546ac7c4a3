"""Jobs put aside and brought back."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from core.base import paths
from core.base.errors import UsageError
from core.jobs.job_list import job_facts, list_jobs
from core.jobs.journal import held, job_folder
from core.jobs.trash import bring_back, put_aside, sweep
from tests.journals import write_journal


def test_a_job_put_aside_comes_back_as_it_was(tmp_path: Path) -> None:
    job = write_journal(tmp_path, 10)
    before = job_facts(job)
    put_aside(job)
    assert list_jobs() == ()
    sweep()
    bring_back(job)
    assert list_jobs() == (before,)
    assert [folder.name for folder in paths.jobs().iterdir()] == [job]


def test_a_job_that_runs_stays(tmp_path: Path) -> None:
    job = write_journal(tmp_path, 10)
    with held(job_folder(job)), pytest.raises(UsageError, match="another program"):
        put_aside(job)
    assert job_facts(job).id == job


@pytest.mark.parametrize("id_", ["nowhere", "../elsewhere", ""])
def test_what_is_no_job_is_not_removed(tmp_path: Path, id_: str) -> None:
    write_journal(tmp_path, 10)
    with pytest.raises(UsageError, match="gone already"):
        put_aside(id_)


def test_a_job_begun_anew_is_not_replaced(tmp_path: Path) -> None:
    job = write_journal(tmp_path, 10)
    put_aside(job)
    write_journal(tmp_path, 5)
    with pytest.raises(UsageError, match="classified anew"):
        bring_back(job)
    assert job_facts(job).counts.found == 5
    put_aside(job)
    bring_back(job)
    assert job_facts(job).counts.found == 5


def test_what_was_put_aside_long_ago_is_deleted(tmp_path: Path) -> None:
    job = write_journal(tmp_path, 10)
    put_aside(job)
    (grave,) = paths.jobs().iterdir()
    os.utime(grave, (time.time() - 8 * 24 * 3600,) * 2)
    sweep()
    assert list(paths.jobs().iterdir()) == []
    with pytest.raises(UsageError, match="not kept"):
        bring_back(job)
