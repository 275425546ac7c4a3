"""What the window knows of jobs, whatever the order in which the answers of the batch process arrive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from core.api import jobs as api
from core.base.errors import FoveaError, StorageError
from core.jobs.values import JobCounts, JobRequest, JobState, JobSummary
from core.services.job_values import JobEnd
from core.worker import Call, Order, Steer
from gui.folders.jobs_controller import JobsController
from gui.tasks.task import Task

DEATH = StorageError("It died.", hint="Try again.")
RUNNING = JobSummary(
    "a", Path("/a"), True, (), (), "tiny", 1, begun=1.0, state=JobState.RUNNING, counts=JobCounts(waiting=3)
)
OTHER = replace(RUNNING, id="b", folder=Path("/b"), state=JobState.FINISHED)
REQUEST = JobRequest(RUNNING.folder, recursive=True)


class Process(QObject):
    """Calls that this test answers."""

    died = Signal()
    death = DEATH

    def __init__(self) -> None:
        super().__init__()
        self.started: list[Task] = []
        self.steered: list[Steer] = []

    def start(self, function: Callable[..., object], *arguments: object) -> Task:
        self.started.append(
            Task(Call(len(self.started), function, arguments), self.steered.append, self, repeats=False)
        )
        return self.started[-1]

    def last(self, function: Callable[..., object]) -> Task:
        return next(task for task in reversed(self.started) if task.call.function is function)


@pytest.fixture
def process(qtbot: QtBot) -> Process:
    return Process()


@pytest.fixture
def jobs(process: Process) -> JobsController:
    return JobsController(process, process)  # type: ignore[arg-type]


def begin(jobs: JobsController, process: Process) -> tuple[Task, list[str], list[FoveaError]]:
    """Start a job; return the call, and what was reported when it started or could not."""
    started: list[str] = []
    refused: list[FoveaError] = []
    jobs.run(api.run_job, REQUEST, started.append, refused.append)
    return process.last(api.run_job), started, refused


def test_a_job_that_starts_is_known_and_ends(jobs: JobsController, process: Process) -> None:
    task, started, refused = begin(jobs, process)
    task.progressed.emit(RUNNING)
    task.progressed.emit(RUNNING)
    assert (jobs.all, started, refused) == ({"a": RUNNING}, ["a"], [])
    ends: list[JobEnd] = []
    jobs.ended.connect(ends.append)
    end = JobEnd(replace(RUNNING, state=JobState.FINISHED), None, ())
    task.succeeded.emit(end)
    assert (jobs.all, ends) == ({"a": end.job}, [end])


def test_a_job_that_cannot_start_is_refused(jobs: JobsController, process: Process) -> None:
    task, started, refused = begin(jobs, process)
    task.failed.emit(DEATH)
    assert (jobs.all, started, refused) == ({}, [], [DEATH])


def test_a_paused_job_stays_paused_when_earlier_progress_arrives(jobs: JobsController, process: Process) -> None:
    task, *_ = begin(jobs, process)
    task.progressed.emit(RUNNING)
    jobs.pause("a", on=True)
    task.progressed.emit(RUNNING)
    assert jobs.all["a"].state is JobState.PAUSED
    jobs.pause("a", on=False)
    assert jobs.all["a"].state is JobState.RUNNING
    assert [one.order for one in process.steered] == [Order.PAUSE, Order.RESUME]


def test_the_state_of_a_running_job_is_not_overwritten_by_a_listing(jobs: JobsController, process: Process) -> None:
    task, *_ = begin(jobs, process)
    task.progressed.emit(RUNNING)
    listed = replace(RUNNING, state=JobState.EXTERNAL, counts=JobCounts(done=1, waiting=2))
    jobs.refresh().succeeded.emit((OTHER, listed))
    assert list(jobs.all.values()) == [OTHER, replace(RUNNING, counts=listed.counts)]
    jobs.refresh().succeeded.emit((OTHER,))
    assert set(jobs.all) == {"a", "b"}, "it is listed as soon as its journal exists"


def test_a_late_listing_is_ignored(jobs: JobsController, process: Process) -> None:
    first, second = jobs.refresh(), jobs.refresh()
    second.succeeded.emit((RUNNING, OTHER))
    first.succeeded.emit((OTHER,))
    assert set(jobs.all) == {"a", "b"}


def test_a_job_that_is_started_twice_is_stopped_through_its_first_call(jobs: JobsController, process: Process) -> None:
    first, *_ = begin(jobs, process)
    first.progressed.emit(RUNNING)
    second, started, _ = begin(jobs, process)
    second.progressed.emit(RUNNING)
    second.succeeded.emit(None)
    assert started == ["a"]
    jobs.stop("a")
    assert process.steered == [Steer(first.call.id, Order.CANCEL)]


def test_the_jobs_of_a_process_that_died_are_lost_together(jobs: JobsController, process: Process) -> None:
    task, *_ = begin(jobs, process)
    task.progressed.emit(RUNNING)
    lost: list[tuple[str, ...]] = []
    ends: list[JobEnd] = []
    jobs.lost.connect(lost.append)
    jobs.ended.connect(ends.append)
    task.failed.emit(DEATH)
    process.died.emit()
    assert lost == [("a",)]
    assert not ends
    process.last(api.list_jobs).succeeded.emit((replace(RUNNING, state=JobState.STOPPED),))
    assert jobs.all["a"].state is JobState.STOPPED


def test_a_job_that_fails_after_its_start_ends_with_the_error(jobs: JobsController, process: Process) -> None:
    task, _, refused = begin(jobs, process)
    task.progressed.emit(RUNNING)
    ends: list[JobEnd] = []
    jobs.ended.connect(ends.append)
    error = FoveaError("Unexpected.", hint="Try again.")
    task.failed.emit(error)
    assert ([one.error for one in ends], refused) == ([error], [])
