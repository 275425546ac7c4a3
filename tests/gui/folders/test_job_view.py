"""A view of a job's rows: opened once the reviews so far are stored, and again after a crash."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core.base.errors import StorageError
from core.jobs.values import Filter, Review, Verdict, View
from core.services.job_values import FetchedRows, ViewRequest, ViewUpdate
from core.services.processes import serve_batch
from gui.folders.job_view import JobView
from gui.folders.review_outbox import ReviewOutbox
from gui.tasks.task import Tasks
from tests.gui.conftest import PATIENCE_MS
from tests.journals import write_journal

ROWS = 20
UNREVIEWED = View(filter=Filter(reviewed=False))


@pytest.fixture
def tasks(home: Path, qtbot: QtBot) -> Iterator[Tasks]:
    parent = QObject()
    made = Tasks(serve_batch, StorageError("It died.", hint="Try again."), parent)
    yield made
    made.close()


@pytest.fixture
def view(tasks: Tasks) -> JobView:
    return JobView("rows", tasks, ReviewOutbox(tasks, tasks), tasks)


@pytest.fixture
def job(home: Path, tmp_path: Path) -> str:
    """A finished job."""
    (tmp_path / "photos").mkdir()
    return write_journal(tmp_path / "photos", ROWS)


def opened(view: JobView, request: ViewRequest, qtbot: QtBot) -> ViewUpdate:
    with qtbot.waitSignal(view.updated, timeout=PATIENCE_MS) as updated:
        view.open(request)
    assert isinstance(updated.args[0], ViewUpdate)
    return updated.args[0]


def test_a_view_has_the_reviews_given_before(view: JobView, tasks: Tasks, job: str, qtbot: QtBot) -> None:
    for number in range(1, 6):
        view._outbox.store(job, {number: Review(Verdict.CORRECTED, "green")})
        assert opened(view, ViewRequest(job, UNREVIEWED), qtbot).count == ROWS - number


def test_rows_are_fetched_and_a_closed_view_is_not_opened(view: JobView, job: str, qtbot: QtBot) -> None:
    view.version = opened(view, ViewRequest(job, View()), qtbot).version
    with qtbot.waitSignal(view.fetched, timeout=PATIENCE_MS) as fetched:
        view.fetch(5, 10)
    version, first, rows = fetched.args
    assert isinstance(rows, FetchedRows)
    assert (version, first, [row.number for row in rows.rows]) == (view.version, 5, list(range(6, 16)))
    updates: list[ViewUpdate] = []
    view.updated.connect(updates.append)
    view._outbox.store(job, {1: None})
    view.open(ViewRequest(job, UNREVIEWED))
    view.close()
    with qtbot.waitSignal(view.fetch(5, 10).ended, timeout=PATIENCE_MS):
        pass
    assert not updates


@pytest.mark.skipif(os.name == "nt", reason="this system has no SIGKILL")
def test_a_view_is_opened_again_after_a_crash(view: JobView, tasks: Tasks, job: str, qtbot: QtBot) -> None:
    before = opened(view, ViewRequest(job, View()), qtbot)
    assert tasks.process_id is not None
    with qtbot.waitSignal(view.updated, timeout=PATIENCE_MS) as again:
        os.kill(tasks.process_id, signal.SIGKILL)
    assert again.args[0].count == ROWS
    assert again.args[0].version != before.version


def test_a_view_that_cannot_be_read_fails(view: JobView, job: str, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.failed, timeout=PATIENCE_MS):
        view.open(ViewRequest("no-such-job", View()))
