"""What is looked at of jobs: told once it is worked out, told anew when it changes, and given row by row."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest

from core.jobs.values import Filter, Group, Order, Review, Verdict, View
from core.services.batch_messages import (
    Answer,
    FetchRows,
    Look,
    LookAway,
    RowsFetched,
    ViewTold,
)
from core.services.batch_review_messages import ReviewsSet, SetReviews
from core.services.batch_views import BINS, Viewer
from tests.journals import FOLDERS, write_journal

PATIENCE_S = 30
ROWS = 500


@pytest.fixture
def job(tmp_path: Path) -> str:
    """A finished job."""
    (tmp_path / "photos").mkdir()
    return write_journal(tmp_path / "photos", ROWS)


def view_of(told: queue.Queue[Answer]) -> ViewTold:
    answer = told.get(timeout=PATIENCE_S)
    assert isinstance(answer, ViewTold)
    return answer


def test_a_view_is_told_with_its_facts_and_given_row_by_row(
    viewer: Viewer, told: queue.Queue[Answer], job: str
) -> None:
    viewer.ask(Look(1, job, View(Order.CONFIDENCE), tallied=Group.FOLDER))
    view = view_of(told)
    assert view.count == ROWS
    assert view.facts is not None
    assert len(view.facts.histogram) == BINS
    assert sum(view.facts.histogram) == view.facts.counts.done
    assert len(view.facts.tallies) == FOLDERS
    viewer.ask(FetchRows(1, view.version, 100, 20))
    fetched = told.get(timeout=PATIENCE_S)
    assert isinstance(fetched, RowsFetched)
    sure = [row.confidence or 2.0 for row in fetched.rows]
    assert (fetched.first, len(sure)) == (100, 20)
    assert sure == sorted(sure)


def test_classes_are_counted_whatever_is_chosen_of_them(viewer: Viewer, told: queue.Queue[Answer], job: str) -> None:
    chosen = Filter(labels=("red",))
    viewer.ask(Look(1, job, View(filter=chosen), around=Filter(), tallied=Group.CLASS))
    view = view_of(told)
    assert view.facts is not None
    tallies = dict(view.facts.tallies)
    assert set(tallies) == {"red", "green", "blue", ""}
    assert tallies["red"] == view.count
    assert sum(tallies.values()) == ROWS


def test_a_review_changes_what_others_see_and_leaves_a_still_view(
    viewer: Viewer, told: queue.Queue[Answer], job: str
) -> None:
    open_ones = View(filter=Filter(reviewed=False))
    viewer.ask(Look(1, job, open_ones, followed=7))
    viewer.ask(Look(2, job, open_ones, is_still=True))
    first, _ = view_of(told), view_of(told)
    assert first.followed is not None
    viewer.ask(SetReviews(9, job, ((1, Review(Verdict.SKIPPED)),)))
    assert told.get(timeout=PATIENCE_S) == ReviewsSet(9, None)
    again = view_of(told)
    assert (again.number, again.count, again.grew) == (1, first.count - 1, False)
    assert again.followed == first.followed - 1
    with pytest.raises(queue.Empty):
        told.get(timeout=1.0)


def test_rows_of_an_old_version_are_not_given(viewer: Viewer, told: queue.Queue[Answer], job: str) -> None:
    viewer.ask(Look(1, job, View()))
    old = view_of(told)
    viewer.ask(Look(1, job, View(Order.TIME, descending=True)))
    new = view_of(told)
    viewer.ask(FetchRows(1, old.version, 0, 10))
    viewer.ask(FetchRows(1, new.version, 0, 10))
    fetched = told.get(timeout=PATIENCE_S)
    assert isinstance(fetched, RowsFetched)
    assert fetched.version == new.version
    assert fetched.rows[0].path.name == f"{ROWS - 1:06}.jpg"


def test_nobody_is_told_who_looks_away(viewer: Viewer, told: queue.Queue[Answer], job: str) -> None:
    viewer.ask(Look(1, job, View()))
    view_of(told)
    viewer.ask(LookAway(1))
    viewer.changed(job)
    with pytest.raises(queue.Empty):
        told.get(timeout=1.0)
