"""Reviews on their way to the batch process: stored in order, and again after a crash."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.api import jobs as api
from core.base.errors import StorageError
from core.jobs.queries import ResultStore
from core.jobs.values import Review, Verdict
from core.services.processes import serve_batch
from gui.folders.review_outbox import ReviewOutbox
from gui.tasks.task import Task, Tasks
from tests.gui.conftest import PATIENCE_MS
from tests.journals import write_journal

GREEN, BLUE = Review(Verdict.CORRECTED, "green"), Review(Verdict.CORRECTED, "blue")
DEATH = StorageError("It died.", hint="Try again.")


@pytest.fixture
def tasks(home: Path, qtbot: QtBot) -> Iterator[Tasks]:
    parent = QObject()
    made = Tasks(serve_batch, DEATH, parent)
    yield made
    made.close()


@pytest.fixture
def outbox(tasks: Tasks) -> ReviewOutbox:
    return ReviewOutbox(tasks, tasks)


@pytest.fixture
def job(home: Path, tmp_path: Path) -> str:
    """A finished job."""
    (tmp_path / "photos").mkdir()
    return write_journal(tmp_path / "photos", 20)


def labels(job: str) -> list[str | None]:
    with ResultStore(job) as results:
        return [row.review.label if row.review else None for row in results.rows_of([1, 2])]


def test_reviews_are_stored_in_order(outbox: ReviewOutbox, job: str, qtbot: QtBot) -> None:
    stored: list[str] = []
    for review in (GREEN, BLUE) * 5:
        outbox.store(job, {1: review, 2: None})
    outbox.when_stored(lambda: stored.append("stored"))
    assert not stored
    qtbot.waitUntil(lambda: bool(stored), timeout=PATIENCE_MS)
    assert labels(job) == ["blue", None]
    outbox.when_stored(lambda: stored.append("again"))
    assert stored == ["stored", "again"], "nothing has to be waited for"


@pytest.mark.skipif(os.name == "nt", reason="this system has no SIGKILL")
def test_reviews_are_stored_again_after_a_crash(outbox: ReviewOutbox, tasks: Tasks, job: str, qtbot: QtBot) -> None:
    with qtbot.waitSignal(tasks.start(api.list_jobs).succeeded, timeout=PATIENCE_MS):
        pass
    assert tasks.process_id is not None
    os.kill(tasks.process_id, signal.SIGSTOP)
    outbox.store(job, {1: GREEN})
    outbox.store(job, {2: BLUE})
    stored: list[str] = []
    outbox.when_stored(lambda: stored.append("stored"))
    os.kill(tasks.process_id, signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(stored), timeout=PATIENCE_MS)
    assert labels(job) == ["green", "blue"]


def test_an_error_is_reported_and_the_next_reviews_are_stored(outbox: ReviewOutbox, job: str, qtbot: QtBot) -> None:
    with qtbot.waitSignal(outbox.failed, timeout=PATIENCE_MS):
        outbox.store("no-such-job", {1: GREEN})
        outbox.store(job, {1: GREEN})
    qtbot.waitUntil(lambda: labels(job) == ["green", None], timeout=PATIENCE_MS)


def test_nothing_waits_for_reviews_of_many_rows(outbox: ReviewOutbox, tasks: Tasks, job: str, qtbot: QtBot) -> None:
    started: list[Task] = []

    def start() -> Task:
        started.append(tasks.start(api.undo_reviews, 1))
        return started[-1]

    outbox.add(start)
    outbox.store(job, {1: GREEN})
    acted: list[str] = []
    outbox.when_stored(lambda: acted.append("at once"))
    assert acted
    assert not started[0].is_over
    qtbot.waitUntil(lambda: labels(job) == ["green", None], timeout=PATIENCE_MS)
