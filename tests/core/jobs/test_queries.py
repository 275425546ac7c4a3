"""What a window or a report asks of a job's journal, and what a person says about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.base.errors import StorageError
from core.jobs.queries import Answers
from core.jobs.values import Filter, Group, GroupFacts, JobCounts, JobState, Order, Review, State, Verdict, View
from core.prediction import Outcome, Prediction
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
def answers(fill: Fill) -> Iterator[Answers]:
    with Answers(fill(IMAGES)) as opened:
        yield opened


def names(answers: Answers, view: View) -> str:
    """The first letter of each file's name, in the view's order."""
    return "".join(row.path.name[0] if row.folder == Path() else row.path.name[0].upper() for row in answers.each(view))


def test_a_row_says_everything_the_classifier_said(answers: Answers, tmp_path: Path) -> None:
    first, *_, failed, _ = answers.rows(View(), 0, 10)
    folder = tmp_path / "photos"
    assert (first.number, first.path, first.folder, first.state) == (1, folder / "a.jpg", Path(), State.DONE)
    assert (first.label, first.confidence, first.unknown, first.answer) == ("red", 0.9, None, "red")
    assert isinstance(first.outcome, Prediction)
    assert first.outcome == Prediction(first.path, first.scores, None, "colours", "cpu", first.timing)
    assert first.timing.decode_ms == 1.0
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
def test_rows_come_in_the_order_asked_for(answers: Answers, order: Order, rising: str, falling: str) -> None:
    assert names(answers, View(order)) == rising
    assert names(answers, View(order, descending=True)) == falling


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
def test_filters_choose_rows(answers: Answers, chosen: Filter, expected: str) -> None:
    view = View(filter=chosen)
    assert names(answers, view) == expected
    assert answers.count(view) == len(expected)
    assert sum(answers.folder_counts(chosen).values()) == len(expected)


def test_parts_of_a_view_and_positions_in_it(answers: Answers) -> None:
    view = View(Order.CONFIDENCE)
    assert [row.path.name for row in answers.rows(view, 1, 2)] == ["Éa.jpg", "a.jpg"]
    assert answers.rows(view, 5, 10) == []
    numbers = answers.numbers(view, 0, 10)
    assert [answers.position(view, number) for number in numbers] == [0, 1, 2, 3, 4]
    assert answers.position(view, 6) is None
    assert [row.number for row in answers.rows_of([3, 99, 1])] == [3, 1]


def test_groups_say_where_they_begin(answers: Answers) -> None:
    by_class = View(Order.CONFIDENCE, group=Group.CLASS)
    assert names(answers, by_class) == "ÉbaCB"
    assert answers.groups(by_class) == (
        GroupFacts("blue", 0, 1),
        GroupFacts("green", 1, 1),
        GroupFacts("red", 2, 2),
        GroupFacts("", 4, 1),
    )
    by_folder = View(descending=True, group=Group.FOLDER)
    assert names(answers, by_folder) == "baCBÉ"
    assert answers.groups(by_folder) == (GroupFacts("", 0, 2), GroupFacts("z", 2, 3))
    assert answers.groups(View()) == ()
    both = View(Order.LABEL, descending=True, group=Group.FOLDER)
    assert names(answers, both) == "abCÉB"
    assert [group.count for group in answers.groups(both)] == [2, 3]
    assert names(answers, View(Order.LABEL, descending=True, group=Group.CLASS)) == "ÉbaCB"


def test_figures_add_up(answers: Answers) -> None:
    histogram = answers.histogram(Filter(), bins=10)
    assert histogram == (0, 0, 0, 0, 0, 1, 0, 1, 0, 2)
    assert answers.histogram(Filter(labels=("red",)), bins=2) == (0, 2)
    assert list(answers.class_counts(Filter()).items()) == [("red", 2), ("blue", 1), ("green", 1)]
    assert answers.folder_counts(Filter()) == {Path(): 2, Path("z"): 3}
    assert answers.counts() == JobCounts(waiting=1, done=4, failed=1)
    facts = answers.facts()
    assert (facts.model, facts.version, facts.state, facts.counts.found) == ("colours", 1, JobState.FINISHED, 6)


def test_what_a_person_says_counts_before_what_the_model_said(answers: Answers) -> None:
    answers.set_review([1], Review(Verdict.ACCEPTED))
    answers.set_review([2, 4], Review(Verdict.CORRECTED, "blue"))
    answers.set_review([3], Review(Verdict.SKIPPED))
    rows = {row.number: row for row in answers.each(View())}
    assert [rows[number].answer for number in (1, 2, 3, 4)] == ["red", "blue", "blue", "blue"]
    assert [rows[number].label for number in (1, 2, 3, 4)] == ["red", "green", "blue", None]
    assert rows[1].review == Review(Verdict.ACCEPTED, "red")
    answers.refresh()
    assert names(answers, View(filter=Filter(labels=("blue",)))) == "bÉB"
    assert names(answers, View(filter=Filter(reviewed=False))) == "C"
    assert answers.class_counts(Filter()) == {"blue": 3, "red": 2}
    assert answers.counts().reviewed == 4


def test_reviews_are_undone_and_redone(answers: Answers) -> None:
    answers.set_review([1], Review(Verdict.SKIPPED))
    before = answers.set_review([1, 2, 77], Review(Verdict.CORRECTED, "blue"))
    assert before == {1: Review(Verdict.SKIPPED), 2: None}
    after = answers.restore(before)
    assert [row.review for row in answers.rows_of([1, 2])] == [Review(Verdict.SKIPPED), None]
    answers.restore(after)
    assert [row.answer for row in answers.rows_of([1, 2])] == ["blue", "blue"]


def test_rows_stay_where_they_are_until_the_view_is_refreshed(answers: Answers) -> None:
    view = View(filter=Filter(reviewed=False))
    assert answers.count(view) == 5
    answers.set_review([1], Review(Verdict.SKIPPED))
    assert answers.count(view) == 5
    answers.refresh()
    assert answers.count(view) == 4


def test_a_job_that_is_not_there_is_told() -> None:
    with pytest.raises(StorageError, match="journal is gone"):
        Answers("0123456789abcdef")
