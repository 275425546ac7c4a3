"""Views of jobs: reported when computed and when changed, with rows on request."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.api import jobs as api
from core.base.errors import Cancelled
from core.base.progress import CancelToken
from core.jobs.job_list import job_summary
from core.jobs.values import Filter, Group, Order, Review, Verdict, View
from core.services.job_values import UNKNOWN_GROUP, FetchedRows, ViewRequest, ViewUpdate
from core.services.views import BINS
from core.worker import Event, Result, Stopped
from core.worker import Order as Steering
from tests.calling import Window
from tests.journals import FOLDERS, write_journal

ROWS = 500


@pytest.fixture
def job(tmp_path: Path) -> str:
    """A finished job."""
    (tmp_path / "photos").mkdir()
    return write_journal(tmp_path / "photos", ROWS)


def open_view(window: Window, id_: int, request: ViewRequest, name: str = "rows") -> ViewUpdate:
    window.call(id_, api.open_view, name, request)
    return next_update(window, id_)


def next_update(window: Window, id_: int) -> ViewUpdate:
    value = window.wait(Event, id_).value
    assert isinstance(value, ViewUpdate)
    return value


def fetch(window: Window, id_: int, version: int, first: int, count: int) -> FetchedRows | None:
    window.call(id_, api.fetch_rows, version, first, count)
    value = window.wait(Result, id_).value
    assert value is None or isinstance(value, FetchedRows)
    return value


def test_a_view_is_reported_with_its_summary_and_rows(window: Window, job: str) -> None:
    view = open_view(window, 1, ViewRequest(job, View(Order.CONFIDENCE), counted_by=Group.FOLDER))
    assert view.count == ROWS
    assert view.summary is not None
    assert len(view.summary.histogram) == BINS
    assert sum(view.summary.histogram) == job_summary(job).counts.done
    assert len(view.summary.group_counts) == FOLDERS
    fetched = fetch(window, 2, view.version, 100, 20)
    assert fetched is not None
    sure = [row.confidence or 2.0 for row in fetched.rows]
    assert len(sure) == 20
    assert sure == sorted(sure)
    assert fetched.groups == ()


def test_rows_come_with_their_groups(window: Window, job: str) -> None:
    view = open_view(window, 1, ViewRequest(job, View(group=Group.FOLDER)))
    fetched = fetch(window, 2, view.version, 0, ROWS)
    assert fetched is not None
    numbers = [group.number for group in fetched.groups]
    assert numbers == sorted(numbers)
    assert len({(group, row.folder) for group, row in zip(fetched.groups, fetched.rows, strict=True)}) == FOLDERS
    assert all(group.first <= place < group.first + group.count for place, group in enumerate(fetched.groups))
    assert sum(group.count for group in set(fetched.groups)) == ROWS


def test_class_counts_ignore_the_class_filter(window: Window, job: str) -> None:
    chosen = View(filter=Filter(labels=("red",), unknown=False))
    view = open_view(window, 1, ViewRequest(job, chosen, unfiltered=Filter(), counted_by=Group.CLASS))
    assert view.summary is not None
    tallies = dict(view.summary.group_counts)
    assert set(tallies) == {"red", "green", "blue", UNKNOWN_GROUP, ""}
    assert tallies["red"] == view.count
    assert sum(tallies.values()) == ROWS


def test_a_review_updates_views_except_frozen_ones(window: Window, job: str) -> None:
    open_ones = View(filter=Filter(reviewed=False))
    first = open_view(window, 1, ViewRequest(job, open_ones, tracked=7))
    open_view(window, 2, ViewRequest(job, open_ones, is_frozen=True), "frozen")
    assert first.tracked is not None
    window.call(9, api.store_reviews, job, {1: Review(Verdict.ACCEPTED)})
    again = next_update(window, 1)
    assert (again.count, again.grew) == (first.count - 1, False)
    assert again.tracked == first.tracked - 1
    while not window.of(Result):
        window.next()
    assert window.is_silent(1.0)


def test_the_place_of_another_row_is_reported(window: Window, job: str) -> None:
    assert open_view(window, 1, ViewRequest(job, View())).tracked is None
    window.call(2, api.track_row, "rows", 7)
    window.wait(Result, 2)
    api.store_reviews(job, {1: Review(Verdict.SKIPPED)})
    again = next_update(window, 1)
    assert again.tracked is not None
    assert again.grew, "no row has changed its place"


def test_rows_of_an_old_version_are_not_fetched(window: Window, job: str) -> None:
    old = open_view(window, 1, ViewRequest(job, View()))
    window.steer(1, Steering.CANCEL)
    window.wait(Stopped, 1)
    new = open_view(window, 2, ViewRequest(job, View(Order.TIME, descending=True)))
    assert fetch(window, 3, old.version, 0, 10) is None
    fetched = fetch(window, 4, new.version, 0, 10)
    assert fetched is not None
    assert fetched.rows[0].path.name == f"{ROWS - 1:06}.jpg"


def test_a_closed_view_gets_no_updates_and_has_no_rows(window: Window, job: str) -> None:
    view = open_view(window, 1, ViewRequest(job, View()))
    window.steer(1, Steering.CANCEL)
    window.wait(Stopped, 1)
    api.store_reviews(job, {1: Review(Verdict.SKIPPED)})
    assert window.is_silent(1.0)
    assert fetch(window, 2, view.version, 0, 10) is None


def test_a_superseded_view_is_not_computed(job: str) -> None:
    token = CancelToken()
    token.cancel()
    reported: list[ViewUpdate] = []
    with pytest.raises(Cancelled):
        api.open_view("rows", ViewRequest(job, View()), report=reported.append, token=token)
    assert not reported
