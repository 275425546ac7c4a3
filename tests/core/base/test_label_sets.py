"""Labels that stand for several classes, or for none."""

from __future__ import annotations

import pytest

from core.base.label_sets import NO_CLASS, classes_of, label_of, label_text


@pytest.mark.parametrize("classes", [(), ("fox",), ("fox", "snow"), ("a b", "a, b", "é")])
def test_a_label_stands_for_its_classes(classes: tuple[str, ...]) -> None:
    assert classes_of(label_of(classes)) == classes


def test_labels_of_the_same_classes_are_the_same() -> None:
    assert label_of(("snow", "fox")) == label_of(("fox", "snow"))
    assert label_of(("fox",)) == "fox", "as models with one class per image say it"
    assert label_of(()) == NO_CLASS


def test_no_label_is_not_a_label_of_no_class() -> None:
    """An empty label leaves a photo out of its data set."""
    assert NO_CLASS
    assert classes_of(None) == classes_of("") == classes_of(NO_CLASS) == ()


def test_a_label_is_shown_on_one_line() -> None:
    assert [label_text(label_of(classes)) for classes in (("snow", "fox"), ("fox",), ())] == [
        "fox, snow", "fox", "no class"
    ]  # fmt: skip
