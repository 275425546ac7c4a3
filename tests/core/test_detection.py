"""Counts of what is in an image."""

from __future__ import annotations

from core.detection import PLURALS, Box, Detection, DetectionOptions, count_objects, counts_text

BOX = Box(0, 0, 1, 1)


def found(*labels: str) -> list[Detection]:
    return [Detection(label, 0.9, BOX) for label in labels]


def test_things_are_counted_the_most_frequent_first() -> None:
    things = found("person", "cat", "cat")
    assert count_objects(things) == {"cat": 2, "person": 1}
    assert counts_text(things) == "2 cats, 1 person"


def test_nothing_has_no_text() -> None:
    assert counts_text(()) == ""


def test_plurals_are_those_of_english_and_unknown_labels_stay() -> None:
    assert counts_text(found(*["person"] * 3, *["wine glass"] * 2, *["Ding"] * 2)) == "3 people, 2 wine glasses, 2 Ding"
    assert len(PLURALS) == 80


def test_a_detector_is_needed_for_either() -> None:
    assert [bool(DetectionOptions(crop, count)) for crop in (False, True) for count in (False, True)] == [
        *(False, True, True, True)
    ]
