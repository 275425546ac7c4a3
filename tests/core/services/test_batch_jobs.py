"""Jobs of the batch process: starting and refusing them."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest

from core.jobs.job_list import list_jobs
from core.jobs.values import JobRequest
from core.services.batch_jobs import Jobs
from core.services.batch_messages import Answer, StartJob, TaskFailed


@pytest.mark.parametrize(
    ("include", "why"),
    [((), "No photos found in “empty”. Fovea looks for"), (("*.png",), "No photos found in “empty”. Check")],
)
def test_a_folder_without_photos_creates_no_job(
    messages: queue.Queue[Answer], tmp_path: Path, include: tuple[str, ...], why: str
) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    (tmp_path / "empty" / "notes.txt").touch()
    if include:
        (tmp_path / "empty" / "photo.jpg").touch()
    jobs = Jobs(messages.put, changed=lambda _: None)
    jobs.handle(StartJob(7, JobRequest(tmp_path / "empty", recursive=True, include=include)))
    refused = messages.get(timeout=30)
    assert isinstance(refused, TaskFailed)
    assert refused.ticket == 7
    assert str(refused.error).startswith(why)
    assert not list_jobs()
    jobs.close()
