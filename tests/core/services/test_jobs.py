"""Jobs of the batch process: started, refused, paused, stopped, resumed, watched, removed and listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.api import jobs as api
from core.base.errors import UsageError
from core.base.progress import CancelToken
from core.jobs.job_list import list_jobs
from core.jobs.journal import job_folder, locked
from core.jobs.values import JobRequest, JobState, JobSummary
from core.models.library import open_library
from core.services.job_values import JobEnd
from core.worker import Error, Event, Order, Result
from tests import tiny
from tests.calling import Window
from tests.journals import write_journal


@pytest.fixture
def wanted(tmp_path: Path) -> JobRequest:
    """A request to classify three photos with the tiny model."""
    for colour in tiny.CLASSES:
        tiny.write_solid(tmp_path / "photos" / f"{colour}.png", colour)
    card, files = tiny.packaged_model()
    return JobRequest(tmp_path / "photos", recursive=True, model=open_library().install(card, files).card.name)


def next_status(window: Window, id_: int = 1) -> JobSummary:
    value = window.wait(Event, id_).value
    assert isinstance(value, JobSummary)
    return value


def end_of(window: Window, id_: int = 1) -> JobEnd:
    value = window.wait(Result, id_).value
    assert isinstance(value, JobEnd)
    return value


@pytest.mark.parametrize(
    ("include", "why"),
    [((), "No photos found in “empty”. Fovea looks for"), (("*.png",), "No photos found in “empty”. Check")],
)
def test_a_folder_without_photos_creates_no_job(tmp_path: Path, include: tuple[str, ...], why: str) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    (tmp_path / "empty" / "notes.txt").touch()
    if include:
        (tmp_path / "empty" / "photo.jpg").touch()
    request = JobRequest(tmp_path / "empty", recursive=True, include=include)
    with pytest.raises(UsageError) as refused:
        api.run_job(request, report=lambda _: None, token=CancelToken())
    assert str(refused.value).startswith(why)
    assert not list_jobs()


def test_a_job_reports_its_state_and_how_it_ended(window: Window, wanted: JobRequest) -> None:
    (wanted.folder / "one.cr3").write_bytes(b"raw")
    window.call(1, api.run_job, wanted)
    first = next_status(window)
    assert (first.folder, first.state) == (wanted.folder, JobState.RUNNING)
    end = end_of(window)
    assert (end.job.id, end.job.state, end.job.counts.done) == (first.id, JobState.FINISHED, 3)
    assert (end.error, end.unreadable_folders) == (None, ())
    assert "1 CR3" in end.skipped
    assert api.list_jobs() == (end.job,)


def test_a_watched_job_is_stopped_and_runs_only_once(window: Window, wanted: JobRequest) -> None:
    window.call(1, api.run_job, wanted)
    job = end_of(window).job.id
    window.call(2, api.watch_job, job)
    assert next_status(window, 2).state is JobState.WATCHING
    window.call(3, api.resume_job, job)
    assert next_status(window, 3).id == job
    assert window.wait(Result, 3).value is None, "it is already running"
    window.call(4, api.remove_job, job)
    assert "Stop the job" in str(window.wait(Error, 4).error)
    window.steer(2, Order.CANCEL)
    ended = end_of(window, 2).job
    assert ended.state in (JobState.FINISHED, JobState.STOPPED), "it may just be looking through the folder again"
    assert (ended.counts.done, ended.counts.gone) == (3, 0)


def test_a_job_is_removed_and_restored(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    job = write_journal(tmp_path / "photos", 3)
    api.remove_job(job)
    assert not api.list_jobs()
    api.restore_job(job)
    assert [one.id for one in api.list_jobs()] == [job]


def test_a_job_of_another_program_and_a_missing_folder_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    job = write_journal(tmp_path / "photos", 3)
    with locked(job_folder(job)):
        assert [one.state for one in api.list_jobs()] == [JobState.EXTERNAL]
    assert [one.state for one in api.list_jobs()] == [JobState.FINISHED]
    (tmp_path / "photos").rmdir()
    assert [one.state for one in api.list_jobs()] == [JobState.MISSING]
