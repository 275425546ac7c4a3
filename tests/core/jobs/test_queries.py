"""Queries on a job's journal, and storing reviews."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core.base.errors import StorageError
from core.jobs.journal import job_folder
from core.jobs.queries import ResultStore
from core.jobs.schema import FILE
from core.jobs.values import Filter, Group, GroupSummary, JobCounts, JobState, Order, Review, State, Verdict, View
from core.prediction import Evidence, Level, Neighbour, Outcome
from tests.core.jobs.conftest import Fill, failure, prediction

IMAGES: dict[str, Outcome | None] = {
    "a.jpg": prediction("red", 0.9),
    "b.jpg": prediction("green", 0.5, unknown=True),
    "z/Éa.jpg": prediction("blue", 0.7, unknown=False),
    "z/b.jpg": failure(),
    "z/c.jpg": prediction("red", 1.0),
    "z/late.jpg": None,
}


@pytest.fixture
def store(fill: Fill) -> Iterator[ResultStore]:
    with ResultStore(fill(IMAGES)) as opened:
        yield opened


def names(answers: ResultStore, view: View) -> str:
    """The first letter of each file's name, in the view's order."""
    return "".join(row.path.name[0] if row.folder == Path() else row.path.name[0].upper() for row in answers.each(view))


def test_a_row_contains_the_whole_prediction(store: ResultStore, tmp_path: Path) -> None:
    first, *_, failed, _ = store.each(View())
    folder = tmp_path / "photos"
    assert (first.number, first.path, first.folder, first.state) == (1, folder / "a.jpg", Path(), State.DONE)
    assert (first.label, first.confidence, first.is_unknown, first.final_label) == ("red", 0.9, False, "red")
    assert first.outcome == replace(prediction("red", 0.9), path=first.path)
    assert (failed.state, failed.folder, failed.label, failed.scores) == (State.FAILED, Path("z"), None, ())
    assert failed.failure is not None
    assert (failed.failure.path, failed.failure.kind) == (folder / "z" / "b.jpg", "damaged")
    assert failed.outcome == failed.failure


@pytest.mark.parametrize(
    ("order", "rising", "falling"),
    [
        (Order.FOUND, "abÉBC", "CBÉba"),
        (Order.CONFIDENCE, "bÉaCB", "CaÉbB"),
        (Order.LABEL, "ÉbaCB", "aCbÉB"),
        (Order.FOLDER, "abÉBC", "ÉBCab"),
        (Order.TIME, "CBÉba", "abÉBC"),
    ],
)
def test_rows_are_in_the_requested_order(store: ResultStore, order: Order, rising: str, falling: str) -> None:
    assert names(store, View(order)) == rising
    assert names(store, View(order, descending=True)) == falling


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(labels=("red", "green")), "abC"),
        (Filter(confidence_low=0.6, confidence_high=0.9), "aÉ"),
        (Filter(failed=True), "B"),
        (Filter(failed=False), "abÉC"),
        (Filter(unknown=True), "b"),
        (Filter(unknown=False), "aÉBC"),
        (Filter(text="éA"), "É"),
        (Filter(text="e\u0301A"), "É"),
        (Filter(text="Z/"), "ÉBC"),
        (Filter(text="RED"), "aC"),
        (Filter(text="100%_"), ""),
        (Filter(reviewed=True), ""),
        (Filter(folder=Path()), "ab"),
        (Filter(folder=Path("z"), labels=("blue",)), "É"),
        (Filter(folder=Path("nowhere")), ""),
    ],
)
def test_filters_choose_rows(store: ResultStore, chosen: Filter, expected: str) -> None:
    view = View(filter=chosen)
    assert names(store, view) == expected
    assert store.count(view) == len(expected)
    assert sum(store.folder_counts(chosen).values()) == len(expected)


def test_parts_of_a_view(store: ResultStore) -> None:
    numbers = store.listing(View(Order.CONFIDENCE)).numbers
    assert [row.path.name for row in store.rows_of(numbers[1:3])] == ["Éa.jpg", "a.jpg"]
    assert store.rows_of(numbers[5:15]) == []
    assert [row.number for row in store.rows_of([3, 99, 1])] == [3, 1]


def test_groups_have_their_first_positions(store: ResultStore) -> None:
    by_class = View(Order.CONFIDENCE, group=Group.CLASS)
    assert names(store, by_class) == "ÉbaCB"
    assert store.listing(by_class).groups == (
        GroupSummary("blue", 0, 1),
        GroupSummary("green", 1, 1),
        GroupSummary("red", 2, 2),
        GroupSummary("", 4, 1),
    )
    by_folder = View(descending=True, group=Group.FOLDER)
    assert names(store, by_folder) == "baCBÉ"
    assert store.listing(by_folder).groups == (GroupSummary("", 0, 2), GroupSummary("z", 2, 3))
    assert store.listing(View()).groups == ()
    both = View(Order.LABEL, descending=True, group=Group.FOLDER)
    assert names(store, both) == "abCÉB"
    assert [group.count for group in store.listing(both).groups] == [2, 3]
    assert names(store, View(Order.LABEL, descending=True, group=Group.CLASS)) == "ÉbaCB"


def test_counts_add_up(store: ResultStore) -> None:
    histogram = store.histogram(Filter(), bins=10)
    assert histogram == (0, 0, 0, 0, 0, 1, 0, 1, 0, 2)
    assert store.histogram(Filter(labels=("red",)), bins=2) == (0, 2)
    assert list(store.class_counts(Filter()).items()) == [("red", 2), ("blue", 1), ("green", 1)]
    assert store.folder_counts(Filter()) == {Path(): 2, Path("z"): 3}
    assert store.summary().counts == JobCounts(waiting=1, done=4, failed=1)
    facts = store.summary()
    assert (facts.model, facts.version, facts.state, facts.counts.found) == ("colours", 1, JobState.FINISHED, 6)


def test_a_labelled_photo_is_no_longer_unknown(store: ResultStore) -> None:
    (number,) = (row.number for row in store.each(View(filter=Filter(unknown=True))))
    store.set_reviews({number: Review(Verdict.SKIPPED)})
    store.refresh()
    assert names(store, View(filter=Filter(unknown=True))) == "b"
    assert names(store, View(filter=Filter(reviewed=True))) == ""
    assert "b" in names(store, View(filter=Filter(reviewed=False)))
    assert store.summary().counts.reviewed == 0
    store.set_reviews({number: Review(Verdict.CORRECTED, "green")})
    assert store.summary().counts.reviewed == 1
    store.refresh()
    assert names(store, View(filter=Filter(unknown=True))) == ""
    assert names(store, View(filter=Filter(unknown=False))) == "abÉBC"


def test_labels_take_precedence_over_predictions(store: ResultStore) -> None:
    store.set_reviews({1: Review(Verdict.ACCEPTED)})
    store.set_reviews(dict.fromkeys([2, 4], Review(Verdict.CORRECTED, "blue")))
    store.set_reviews({3: Review(Verdict.SKIPPED)})
    rows = {row.number: row for row in store.each(View())}
    assert [rows[number].final_label for number in (1, 2, 3, 4)] == ["red", "blue", "blue", "blue"]
    assert [rows[number].label for number in (1, 2, 3, 4)] == ["red", "green", "blue", None]
    assert rows[1].review == Review(Verdict.ACCEPTED, "red")
    store.refresh()
    assert names(store, View(filter=Filter(labels=("blue",)))) == "bÉB"
    assert names(store, View(filter=Filter(reviewed=False))) == "ÉC"
    assert store.class_counts(Filter()) == {"blue": 3, "red": 2}
    assert store.summary().counts.reviewed == 3


def test_reviews_are_undone_and_redone(store: ResultStore) -> None:
    store.set_reviews({1: Review(Verdict.SKIPPED)})
    before = store.set_reviews(dict.fromkeys([1, 2, 77], Review(Verdict.CORRECTED, "blue")))
    assert before == {1: Review(Verdict.SKIPPED), 2: None}
    after = store.set_reviews(before)
    assert [row.review for row in store.rows_of([1, 2])] == [Review(Verdict.SKIPPED), None]
    store.set_reviews(after)
    assert [row.final_label for row in store.rows_of([1, 2])] == ["blue", "blue"]


def test_rows_keep_their_places_until_refresh(store: ResultStore) -> None:
    view = View(filter=Filter(reviewed=False))
    assert store.count(view) == 5
    store.set_reviews({1: Review(Verdict.ACCEPTED)})
    assert store.count(view) == 5
    store.refresh()
    assert store.count(view) == 4


def test_a_missing_job_is_reported() -> None:
    with pytest.raises(StorageError, match="journal is missing"):
        ResultStore("0123456789abcdef")


def test_evidence_of_earlier_versions_states_no_coverage(fill: Fill) -> None:
    found = replace(prediction("red", 0.9), evidence=Evidence(0.25, ("red", "blue"), (), 0.9))
    id_ = fill({"a.png": found})
    with closing(sqlite3.connect(job_folder(id_) / FILE)) as database, database:
        before = database.execute("SELECT scores FROM details").fetchone()[0]
        content = {name: value for name, value in json.loads(before).items() if name != "coverage"}
        database.execute("UPDATE details SET scores = ?", (json.dumps(content),))
    with ResultStore(id_) as results:
        (row,) = results.each(View())
    assert row.prediction.evidence == Evidence(0.25, ("red", "blue"))


def test_evidence_survives_the_journal(fill: Fill) -> None:
    near = Neighbour("red", 0.75, "ab" * 32, Path("/photos/red.png")), Neighbour("blue", 0.5)
    found = {
        "a.png": Evidence(0.25, ("red", "blue"), near, 0.9),
        "b.png": Evidence(0.75, ()),
        "c.png": Evidence(0.5),
        "d.png": None,
    }
    id_ = fill({name: replace(prediction("red", 0.9), evidence=one) for name, one in found.items()})
    with ResultStore(id_) as results:
        rows = {row.path.name: row for row in results.each(View())}
    assert {name: row.prediction.evidence for name, row in rows.items()} == found
    assert rows["a.png"].outcome == replace(prediction("red", 0.9), path=rows["a.png"].path, evidence=found["a.png"])


def test_levels_of_a_hierarchy_are_kept(fill: Fill) -> None:
    levels = Level(("animal",), 0.97), Level(("animal", "bird"), 0.9)
    found = replace(prediction("owl", 0.5), evidence=Evidence(0.25, None, (), None, levels))
    with ResultStore(fill({"a.png": found})) as results:
        (row,) = results.each(View())
    assert row.prediction is not None
    assert row.prediction.evidence == found.evidence
    assert row.prediction.rolled_up == levels[1]
