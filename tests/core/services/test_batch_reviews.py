"""Reviewing many rows at once: storing, reporting and undoing; never in a view that has changed."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import TypeVar

import pytest

from core.datasets import corrections
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, Order, Review, Verdict, View
from core.services.batch_messages import (
    Answer,
    OpenView,
    TaskCancelled,
    TaskDone,
    TaskFailed,
    TaskProgress,
    ViewUpdated,
)
from core.services.batch_review_messages import ReviewMarked, ReviewsSet, SetReviews, UndoReviews
from core.services.batch_views import ViewService
from tests.journals import write_journal

PATIENCE_S = 30
ROWS = 3000
GREEN = Review(Verdict.CORRECTED, "green")
M = TypeVar("M")


@pytest.fixture
def job(tmp_path: Path) -> str:
    """A finished job."""
    (tmp_path / "photos").mkdir()
    return write_journal(tmp_path / "photos", ROWS)


def next_of(messages: queue.Queue[Answer], kind: type[M]) -> M:
    """The next message of a type; others are skipped."""
    while True:
        answer = messages.get(timeout=PATIENCE_S)
        if isinstance(answer, kind):
            return answer


def label_of(job: str, view: View, first: int, count: int) -> list[str | None]:
    with ResultStore(job) as answers:
        return [
            row.review.label if row.review else None
            for row in answers.rows_of(answers.listing(view).numbers[first : first + count])
        ]


def test_spans_of_a_view_are_reviewed_and_undone(views: ViewService, messages: queue.Queue[Answer], job: str) -> None:
    view = View(Order.CONFIDENCE)
    views.handle(OpenView(1, job, view))
    seen = next_of(messages, ViewUpdated)
    views.handle(SetReviews(2, job, ((1, Review(Verdict.SKIPPED)),)))
    assert next_of(messages, ReviewsSet).error is None
    views.handle(ReviewMarked(3, 1, job, seen.version, ((10, 1200), (1500, 5)), GREEN))
    progress = next_of(messages, TaskProgress).progress
    assert progress.total == 1205
    done = next_of(messages, TaskDone)
    assert done.message.startswith("Labelled 1,205 photos")
    assert label_of(job, view, 9, 2) == [None, "green"]
    assert label_of(job, view, 1209, 2) == ["green", None]
    assert label_of(job, view, 1499, 7) == [None, *["green"] * 5, None]
    learnt = corrections.load("colours")
    assert len(learnt) == 1205
    assert {one.label for one in learnt.values()} == {"green"}

    views.handle(UndoReviews(4, 3))
    assert next_of(messages, TaskDone).ticket == 4
    with ResultStore(job) as answers:
        (left,) = answers.each(View(filter=Filter(reviewed=True)))
    assert (left.number, left.review) == (1, Review(Verdict.SKIPPED))
    assert not corrections.load("colours")


def test_an_unknown_prediction_is_never_accepted(views: ViewService, messages: queue.Queue[Answer], job: str) -> None:
    with ResultStore(job) as answers:
        unknown = list(answers.each(View(filter=Filter(unknown=True))))
        failed = answers.summary().counts.failed
    views.handle(SetReviews(1, job, tuple((row.number, Review(Verdict.ACCEPTED, row.label)) for row in unknown)))
    assert next_of(messages, ReviewsSet).error is None
    views.handle(OpenView(1, job, View()))
    version = next_of(messages, ViewUpdated).version
    views.handle(ReviewMarked(3, 1, job, version, ((0, ROWS),), Review(Verdict.ACCEPTED)))
    assert f"{len(unknown):,} unknown photos were not confirmed" in next_of(messages, TaskDone).message
    with ResultStore(job) as answers:
        assert {row.review for row in answers.rows_of([row.number for row in unknown])} == {None}
        assert answers.summary().counts.reviewed == ROWS - failed - len(unknown)
    learnt = corrections.load("colours")
    assert len(learnt) == ROWS - failed - len(unknown)
    assert not learnt.keys() & {row.path for row in unknown}


def test_the_next_query_finds_the_reviews(views: ViewService, messages: queue.Queue[Answer], job: str) -> None:
    left = View(filter=Filter(reviewed=False))
    for number in range(1, 40):
        views.handle(SetReviews(number, job, ((number, GREEN),)))
        views.handle(OpenView(1, job, left, is_frozen=True))
        assert next_of(messages, ViewUpdated).count == ROWS - number


def test_a_few_rows_wait_for_many_earlier_ones(views: ViewService, messages: queue.Queue[Answer], job: str) -> None:
    views.handle(OpenView(1, job, View()))
    views.handle(ReviewMarked(3, 1, job, next_of(messages, ViewUpdated).version, ((0, ROWS),), GREEN))
    views.handle(SetReviews(4, job, ((ROWS, None),)))
    next_of(messages, TaskDone)
    assert next_of(messages, ReviewsSet).error is None
    assert label_of(job, View(), ROWS - 2, 2) == ["green", None]


def test_reviews_stored_before_cancelling_can_be_undone(
    views: ViewService, messages: queue.Queue[Answer], job: str
) -> None:
    views.handle(OpenView(1, job, View()))
    views.handle(ReviewMarked(3, 1, job, next_of(messages, ViewUpdated).version, ((0, ROWS),) * 20, GREEN))
    next_of(messages, TaskProgress)
    views.cancel(3)
    assert next_of(messages, TaskCancelled).ticket == 3
    views.handle(UndoReviews(4, 3))
    next_of(messages, TaskDone)
    with ResultStore(job) as answers:
        assert not answers.summary().counts.reviewed
    assert not corrections.load("colours")


def test_rows_of_a_view_that_changed_are_not_reviewed(
    views: ViewService, messages: queue.Queue[Answer], job: str
) -> None:
    views.handle(OpenView(1, job, View()))
    old = next_of(messages, ViewUpdated)
    views.handle(OpenView(1, job, View(Order.TIME, descending=True)))
    next_of(messages, ViewUpdated)
    views.handle(ReviewMarked(3, 1, job, old.version, ((0, ROWS),), GREEN))
    assert "nothing was saved" in next_of(messages, TaskFailed).error.what
    with ResultStore(job) as answers:
        assert not answers.summary().counts.reviewed


def test_unknown_reviews_cannot_be_undone(views: ViewService, messages: queue.Queue[Answer], job: str) -> None:
    views.handle(UndoReviews(4, 3))
    assert "can no longer be undone" in next_of(messages, TaskFailed).error.what


def test_pending_reviews_are_stored_before_the_end(messages: queue.Queue[Answer], job: str) -> None:
    viewer = ViewService(messages.put)
    viewer.handle(OpenView(1, job, View()))
    version = next_of(messages, ViewUpdated).version
    viewer.handle(ReviewMarked(3, 1, job, version, ((0, ROWS),), GREEN))
    viewer.close()
    with ResultStore(job) as answers:
        assert answers.summary().counts.reviewed == ROWS
