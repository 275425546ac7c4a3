"""What a list of photos counts and what it is sorted by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from core.base.label_sets import NO_CLASS, label_of
from core.base.text import natural_sort_key
from core.datasets.labels import Label, Source
from core.prediction import Failure, Outcome, Prediction, Score, Timing
from gui.session.photo_view import Kind, PhotoView, Sort, Steps, count_views, sort_keys, sort_rows

Made = TypeVar("Made")


def predicted(label: str, confidence: float, *, unknown: bool = False) -> Prediction:
    return Prediction(Path("x.jpg"), (Score(label, confidence),), unknown, "animals", "cpu", Timing(1, 1, 1))


FAILED = Failure(Path("x.jpg"), "damaged", "Damaged.", "Copy it again.")
OWN = Label.of(predicted("dog", 0.9), "fox", Source.GALLERY)
PHOTOS: dict[str, tuple[Outcome | None, Label | None]] = {
    "IMG_10": (predicted("dog", 0.9), None),
    "IMG_9": (predicted("dog", 0.7), None),
    "IMG_8": (predicted("dog", 0.8), OWN),
    "IMG_7": (predicted("cat", 0.6), None),
    "IMG_6": (predicted("cat", 0.2, unknown=True), None),
    "IMG_5": (FAILED, None),
    "IMG_4": (None, None),
}


def finished(steps: Steps[Made]) -> Made:
    """The result of work in steps."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        result: Made = end.value
        return result


def test_each_photo_counts_once_as_a_class_or_as_unknown() -> None:
    outcomes, labels = zip(*PHOTOS.values(), strict=True)
    counts = finished(count_views(outcomes, labels))
    assert counts.kinds == {Kind.UNKNOWN: 1, Kind.UNREADABLE: 1, Kind.LABELLED: 1}
    assert list(counts.classes.items()) == [("dog", 2), ("cat", 1), ("fox", 1)]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (Sort.CONFIDENCE, [6, 7, 9, 8, 10, 5, 4]),
        (Sort.CLASS, [7, 10, 9, 8, 6, 5, 4]),
        (Sort.NAME, [4, 5, 6, 7, 8, 9, 10]),
    ],
)
def test_photos_are_sorted(sort: Sort, order: list[int]) -> None:
    outcomes, labels = zip(*PHOTOS.values(), strict=True)
    keys = finished(sort_keys(sort, list(map(natural_sort_key, PHOTOS)), outcomes, labels))
    names = [list(PHOTOS)[row] for row in finished(sort_rows(keys))]
    assert names == [f"IMG_{number}" for number in order]


def test_the_order_added_needs_no_keys() -> None:
    assert not finished(sort_keys(Sort.ADDED, [], [None], [None]))


def test_many_are_sorted_in_steps_and_equal_ones_stay_in_their_order() -> None:
    keys = [float(number % 7) for number in range(12_000)]
    steps = sort_rows(keys)
    next(steps)
    assert finished(steps) == sorted(range(len(keys)), key=keys.__getitem__)


def test_a_photo_counts_for_each_of_its_classes() -> None:
    photo = replace(predicted("dog", 0.9), labels=("dog", "snow"))
    none = replace(predicted("dog", 0.1, unknown=True), labels=())
    said = Label.of(photo, label_of(("dog", "fox")), Source.GALLERY)
    labels = [None, None, said, Label.of(none, NO_CLASS, Source.GALLERY)]
    counts = finished(count_views([photo, none, photo, none], labels))
    assert counts.classes == {"dog": 2, "fox": 1, "snow": 1}
    assert counts.kinds == {Kind.UNKNOWN: 1, Kind.UNREADABLE: 0, Kind.LABELLED: 2}
    view = PhotoView(Kind.CLASS, "snow")
    assert [view.has(photo.path, photo, label) for label in (None, said)] == [True, False]
