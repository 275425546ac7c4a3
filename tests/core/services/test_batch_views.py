"""Views of jobs: sent when computed and when changed, with rows on request."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest

from core.jobs.job_list import job_summary
from core.jobs.values import Filter, Group, Order, Review, Verdict, View
from core.services.batch_messages import (
    Answer,
    CloseView,
    FetchRows,
    OpenView,
    RowsFetched,
    ViewUpdated,
)
from core.services.batch_review_messages import ReviewsSet, SetReviews
from core.services.batch_views import BINS, ViewService
from tests.journals import FOLDERS, write_journal

PATIENCE_S = 30
ROWS = 500


@pytest.fixture
def job(tmp_path: Path) -> str:
    """A finished job."""
    (tmp_path / "photos").mkdir()
    return write_journal(tmp_path / "photos", ROWS)


def view_of(messages: queue.Queue[Answer]) -> ViewUpdated:
    answer = messages.get(timeout=PATIENCE_S)
    assert isinstance(answer, ViewUpdated)
    return answer


def test_a_view_is_sent_with_its_summary_and_rows(views: ViewService, messages: queue.Queue[Answer], job: str) -> None:
    views.handle(OpenView(1, job, View(Order.CONFIDENCE), counted_by=Group.FOLDER))
    view = view_of(messages)
    assert view.count == ROWS
    assert view.summary is not None
    assert len(view.summary.histogram) == BINS
    assert sum(view.summary.histogram) == job_summary(job).counts.done
    assert len(view.summary.group_counts) == FOLDERS
    views.handle(FetchRows(1, view.version, 100, 20))
    fetched = messages.get(timeout=PATIENCE_S)
    assert isinstance(fetched, RowsFetched)
    sure = [row.confidence or 2.0 for row in fetched.rows]
    assert (fetched.first, len(sure)) == (100, 20)
    assert sure == sorted(sure)


def test_class_counts_ignore_the_class_filter(views: ViewService, messages: queue.Queue[Answer], job: str) -> None:
    chosen = Filter(labels=("red",))
    views.handle(OpenView(1, job, View(filter=chosen), unfiltered=Filter(), counted_by=Group.CLASS))
    view = view_of(messages)
    assert view.summary is not None
    tallies = dict(view.summary.group_counts)
    assert set(tallies) == {"red", "green", "blue", ""}
    assert tallies["red"] == view.count
    assert sum(tallies.values()) == ROWS


def test_a_review_updates_views_except_frozen_ones(views: ViewService, messages: queue.Queue[Answer], job: str) -> None:
    open_ones = View(filter=Filter(reviewed=False))
    views.handle(OpenView(1, job, open_ones, tracked=7))
    views.handle(OpenView(2, job, open_ones, is_frozen=True))
    first, _ = view_of(messages), view_of(messages)
    assert first.tracked is not None
    views.handle(SetReviews(9, job, ((1, Review(Verdict.SKIPPED)),)))
    assert messages.get(timeout=PATIENCE_S) == ReviewsSet(9, None)
    again = view_of(messages)
    assert (again.number, again.count, again.grew) == (1, first.count - 1, False)
    assert again.tracked == first.tracked - 1
    with pytest.raises(queue.Empty):
        messages.get(timeout=1.0)


def test_rows_of_an_old_version_are_not_sent(views: ViewService, messages: queue.Queue[Answer], job: str) -> None:
    views.handle(OpenView(1, job, View()))
    old = view_of(messages)
    views.handle(OpenView(1, job, View(Order.TIME, descending=True)))
    new = view_of(messages)
    views.handle(FetchRows(1, old.version, 0, 10))
    views.handle(FetchRows(1, new.version, 0, 10))
    fetched = messages.get(timeout=PATIENCE_S)
    assert isinstance(fetched, RowsFetched)
    assert fetched.version == new.version
    assert fetched.rows[0].path.name == f"{ROWS - 1:06}.jpg"


def test_a_closed_view_gets_no_updates(views: ViewService, messages: queue.Queue[Answer], job: str) -> None:
    views.handle(OpenView(1, job, View()))
    view_of(messages)
    views.handle(CloseView(1))
    views.changed(job)
    with pytest.raises(queue.Empty):
        messages.get(timeout=1.0)
