"""Predictions of several classes in a journal, and what the user says instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.base.label_sets import NO_CLASS, label_of
from core.base.progress import CancelToken
from core.datasets.label_file import open_labels
from core.datasets.labels import Scope
from core.evaluation.acceptance import acceptance_text
from core.jobs.acceptance import accept, acceptance
from core.jobs.queries import ResultStore
from core.jobs.reviewing import can_be_accepted, correction_of, review_of
from core.jobs.shared_labels import share_labels
from core.jobs.values import Filter, Group, GroupSummary, Order, Review, Row, State, Verdict, View
from core.models.library import open_library
from core.outputs.keywords.from_job import KeywordPolicy
from core.prediction import Prediction, Score
from tests import tiny
from tests.core.jobs.conftest import Fill, prediction

ACCEPTED, CORRECTED = Verdict.ACCEPTED, Verdict.CORRECTED


def several(*labels: str, confidence: float = 0.9) -> Prediction:
    one = prediction(labels[0] if labels else "red", confidence, unknown=not labels)
    scores = tuple(Score(score.label, score.probability, 0.5) for score in one.scores)
    return replace(one, scores=scores, labels=labels)


IMAGES = {
    "a.jpg": several("red", "green"),
    "b.jpg": several("green", confidence=0.3),
    "c.jpg": several(confidence=0.1),
    "d.jpg": several("green", "red"),
}


@pytest.fixture
def job(fill: Fill) -> str:
    return fill(dict(IMAGES))


@pytest.fixture
def store(job: str) -> Iterator[ResultStore]:
    with ResultStore(job) as opened:
        yield opened


def names(store: ResultStore, **chosen: object) -> str:
    return "".join(row.path.stem for row in store.each(View(filter=Filter(**chosen))))  # type: ignore[arg-type]


def row(store: ResultStore, name: str) -> Row:
    return next(one for one in store.each(View()) if one.path.stem == name)


def test_a_journal_keeps_the_classes_and_their_thresholds(store: ResultStore) -> None:
    for one in store.each(View()):
        assert one.outcome == replace(IMAGES[one.path.name], path=one.path)
    assert row(store, "d").final_classes == ("green", "red"), "the most likely first"
    assert row(store, "a").final_label == row(store, "d").final_label


def test_a_photo_counts_for_each_of_its_classes(store: ResultStore) -> None:
    assert store.class_counts(Filter()) == {"green": 3, "red": 2}
    assert [names(store, labels=(name,)) for name in ("red", "green", "blue", "re")] == ["ad", "abd", "", ""]
    assert (names(store, unknown=True), names(store, unknown=False)) == ("c", "abd")
    assert [names(store, text=text) for text in ("gree", "green, red", "no cl", "a.j")] == ["abd", "ad", "c", "a"]


def test_photos_with_the_same_classes_are_together(store: ResultStore) -> None:
    listing = store.listing(View(Order.FOUND, group=Group.CLASS))
    assert listing.groups == (
        GroupSummary("no class", 0, 1),
        GroupSummary("green", 1, 1),
        GroupSummary("green, red", 2, 2),
    )


def test_what_the_user_says_is_a_set_of_classes(store: ResultStore) -> None:
    said = label_of(("blue", "red"))
    numbers = {one.path.stem: one.number for one in store.each(View())}
    store.set_reviews({
        numbers["a"]: Review(CORRECTED, said),
        numbers["b"]: Review(CORRECTED, NO_CLASS),
        numbers["c"]: Review(ACCEPTED),
    })  # fmt: skip
    store.refresh()
    assert row(store, "a").final_classes == ("red", "blue")
    assert row(store, "b").final_classes == ()
    assert row(store, "c").review == Review(ACCEPTED, NO_CLASS), "that it has no class is an answer"
    assert store.class_counts(Filter()) == {"red": 2, "blue": 1, "green": 1}
    assert names(store, unknown=True) == ""


def test_accepting_a_set_and_choosing_it_are_the_same(store: ResultStore) -> None:
    both, none = row(store, "a"), row(store, "c")
    assert can_be_accepted(none)
    assert review_of(both, Review(ACCEPTED)) == review_of(both, Review(CORRECTED, label_of(("green", "red"))))
    confirmed = correction_of(none, Review(ACCEPTED, NO_CLASS))
    assert confirmed is not None
    assert (confirmed.label, confirmed.is_confirmation) == (NO_CLASS, True)
    other = correction_of(both, Review(CORRECTED, "red"))
    assert other is not None
    assert not other.is_confirmation


def test_sets_are_kept_by_the_store_of_labels_and_shown_in_a_job(job: str, store: ResultStore) -> None:
    open_library().install(*tiny.packaged_model("colours", thresholds=(0.5, 0.5, 0.5)))
    photo = row(store, "a")
    tiny.write_solid(photo.path.with_suffix(".png"), "yellow").rename(photo.path)
    said = correction_of(photo, Review(CORRECTED, label_of(("blue", "red"))))
    elsewhere = replace(said, model="another", label="green") if said else None
    with open_labels() as labels:
        labels.change({photo.path: said}, Scope("colours"))
        labels.change({photo.path: elsewhere}, Scope("another"))
        assert [one.label for one in labels.of_model("colours").values()] == [label_of(("blue", "red"))]
    status = photo.path.stat()
    with store._writing() as database:
        database.execute(
            "UPDATE images SET size = ?, mtime_ns = ? WHERE number = ?",
            (status.st_size, status.st_mtime_ns, photo.number),
        )
    assert share_labels(job, CancelToken())
    store.refresh()
    assert row(store, "a").review == Review(CORRECTED, label_of(("blue", "red"))), "not the one class given elsewhere"


def test_the_thresholds_of_the_classes_replace_the_minimum_confidence(store: ResultStore) -> None:
    assert [one.is_unsure(0.99) for one in store.each(View())] == [False, False, True, False]
    keywords = {
        one.photo.stem: (one.label, one.others)
        for _, one in KeywordPolicy(0.99, unsure=True).assign(store.each(View()))
    }
    assert keywords == {"a": ("red", ("green",)), "b": ("green", ()), "c": ("unsure", ()), "d": ("green", ("red",))}
    open_library().install(*tiny.packaged_model("colours", thresholds=(0.5, 0.5, 0.5)))
    assert accept(store, Filter(), 0.6) is None


def test_photos_with_a_class_near_its_threshold_are_to_be_reviewed(store: ResultStore) -> None:
    """The certainties are 0.8 for a and d, 0.3 for b (the others have 0.35 each), and 0.1 for c."""
    open_library().install(*tiny.packaged_model("colours", thresholds=(0.5, 0.5, 0.5)))
    assert [names(store, unsure_below=least) for least in (0.05, 0.2, 0.35, 0.85)] == ["", "c", "bc", "abcd"]
    few, all_of_them = acceptance(store, Filter(), 0.35, 0.0)
    assert (few.accepted, few.images, all_of_them.accepted) == (2, 4, 4)
    assert acceptance_text(few) == (
        "For 50.0% of the photos, every class is 35% or more of the way from its threshold to 0% or 100%."
    )
    assert "".join(one.path.stem for one in store.each(View(Order.CONFIDENCE))) == "cbad"


def test_none_of_the_classes_is_no_keyword() -> None:
    none = Row(1, Path("a.jpg"), Path(), State.DONE, several(), Review(ACCEPTED, NO_CLASS), model="colours")
    ((_, assigned),) = KeywordPolicy(unsure=True).assign([none])
    assert (assigned.label, assigned.others) == (None, ())
