"""Reviewing many rows at once: storing, reporting and undoing; never in a view that has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.api import jobs as api
from core.base.progress import Progress
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, Order, Review, Verdict, View
from core.services.job_values import SelectedRows, ViewRequest, ViewUpdate
from core.worker import Error, Event, Result, Stopped
from core.worker import Order as Steering
from tests.calling import Window
from tests.journals import write_journal
from tests.labels import given

ROWS = 3000
GREEN = Review(Verdict.CORRECTED, "green")
Spans = tuple[tuple[int, int], ...]


@pytest.fixture
def job(tmp_path: Path) -> str:
    """A finished job."""
    (tmp_path / "photos").mkdir()
    return write_journal(tmp_path / "photos", ROWS)


def open_view(window: Window, job: str, view: View | None = None, id_: int = 1) -> int:
    """Open a view and return its version."""
    window.call(id_, api.open_view, "rows", ViewRequest(job, view or View()))
    update = window.wait(Event, id_).value
    assert isinstance(update, ViewUpdate)
    return update.version


def begin(window: Window, id_: int, version: int, spans: Spans, review: Review | None) -> None:
    """Start reviewing rows; the number of the call undoes it."""
    window.call(id_, api.review_selected, id_, SelectedRows(version, spans), review)


def store(window: Window, id_: int, job: str, reviews: dict[int, Review | None]) -> None:
    window.call(id_, api.store_reviews, job, reviews)
    window.wait(Result, id_)


def label_of(job: str, view: View, first: int, count: int) -> list[str | None]:
    with ResultStore(job) as answers:
        rows = answers.rows_of(answers.listing(view).numbers[first : first + count])
    return [row.review.label if row.review else None for row in rows]


def test_spans_of_a_view_are_reviewed_and_undone(window: Window, job: str) -> None:
    view = View(Order.CONFIDENCE)
    version = open_view(window, job, view)
    store(window, 2, job, {1: Review(Verdict.SKIPPED)})
    begin(window, 3, version, ((10, 1200), (1500, 5)), GREEN)
    progress = window.wait(Event, 3).value
    assert isinstance(progress, Progress)
    assert progress.total == 1205
    assert str(window.wait(Result, 3).value).startswith("Labelled 1,205 photos")
    assert label_of(job, view, 9, 2) == [None, "green"]
    assert label_of(job, view, 1209, 2) == ["green", None]
    assert label_of(job, view, 1499, 7) == [None, *["green"] * 5, None]
    learnt = given("colours")
    assert len(learnt) == 1205
    assert {one.label for one in learnt.values()} == {"green"}

    window.call(4, api.undo_reviews, 3)
    window.wait(Result, 4)
    with ResultStore(job) as answers:
        (left,) = (row for row in answers.each(View()) if row.review)
    assert (left.number, left.review) == (1, Review(Verdict.SKIPPED))
    assert not given("colours")


def test_an_unknown_prediction_is_never_accepted(window: Window, job: str) -> None:
    with ResultStore(job) as answers:
        unknown = list(answers.each(View(filter=Filter(unknown=True))))
        failed = answers.summary().counts.failed
    store(window, 1, job, {row.number: Review(Verdict.ACCEPTED, row.label) for row in unknown})
    version = open_view(window, job, id_=2)
    begin(window, 3, version, ((0, ROWS),), Review(Verdict.ACCEPTED))
    assert f"{len(unknown):,} unknown photos were not confirmed" in str(window.wait(Result, 3).value)
    with ResultStore(job) as answers:
        assert {row.review for row in answers.rows_of([row.number for row in unknown])} == {None}
        assert answers.summary().counts.reviewed == ROWS - failed - len(unknown)
    learnt = given("colours")
    assert len(learnt) == ROWS - failed - len(unknown)
    assert not learnt.keys() & {row.path for row in unknown}


def test_reviews_stored_before_cancelling_can_be_undone(window: Window, job: str) -> None:
    version = open_view(window, job)
    begin(window, 3, version, ((0, ROWS),) * 20, GREEN)
    window.wait(Event, 3)
    window.steer(3, Steering.CANCEL)
    window.wait(Stopped, 3)
    window.call(4, api.undo_reviews, 3)
    window.wait(Result, 4)
    with ResultStore(job) as answers:
        assert not answers.summary().counts.reviewed
    assert not given("colours")


def test_rows_of_a_view_that_changed_are_not_reviewed(window: Window, job: str) -> None:
    old = open_view(window, job)
    window.steer(1, Steering.CANCEL)
    window.wait(Stopped, 1)
    open_view(window, job, View(Order.TIME, descending=True), 2)
    begin(window, 3, old, ((0, ROWS),), GREEN)
    assert "nothing was saved" in window.wait(Error, 3).error.what
    with ResultStore(job) as answers:
        assert not answers.summary().counts.reviewed


def test_unknown_reviews_cannot_be_undone(window: Window) -> None:
    window.call(4, api.undo_reviews, 1234)
    assert "can no longer be undone" in window.wait(Error, 4).error.what


def test_reviews_of_a_few_rows_are_stored_before_the_end(window: Window, job: str) -> None:
    window.call(1, api.store_reviews, job, dict.fromkeys(range(1, ROWS), GREEN))
    window.close()
    with ResultStore(job) as answers:
        assert answers.summary().counts.reviewed == ROWS - 1
