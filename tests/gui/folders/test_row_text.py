"""Texts about rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.jobs.rows import outcome_columns
from core.prediction import Score
from gui.folders.row_text import accessible_text, brief_text, certainty_text, is_guess
from tests.rows import classified, failed


@pytest.mark.parametrize(
    ("probability", "unknown", "text"), [(0.9, None, "cat"), (0.1, None, "cat?"), (0.9, True, "cat?")]
)
def test_a_narrow_column_names_the_class_of_a_guess(probability: float, unknown: bool | None, text: str) -> None:
    row = classified(Path("a.jpg"), ("cat", probability), unknown=unknown)
    assert brief_text(row) == text
    assert is_guess(row) == text.endswith("?")


def test_the_confidence_of_several_classes_is_what_rows_are_filtered_and_sorted_by() -> None:
    row = classified(Path("a.jpg"), ("fox", 0.9))
    scores = Score("fox", 0.9, 0.5), Score("snow", 0.4, 0.5)
    assert row.prediction is not None
    several = replace(row, outcome=replace(row.prediction, scores=scores, labels=("fox",)))
    assert (certainty_text(row), certainty_text(several)) == ("90%", "20%")
    assert outcome_columns(several.prediction)[2] == several.certainty
    assert "20%" in accessible_text(several)


def test_a_failure_is_no_guess() -> None:
    assert not is_guess(failed(Path("a.jpg")))
