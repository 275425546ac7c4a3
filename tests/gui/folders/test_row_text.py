"""Texts about rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from gui.folders.row_text import brief_text, is_guess
from tests.rows import classified, failed


@pytest.mark.parametrize(
    ("probability", "unknown", "text"), [(0.9, None, "cat"), (0.1, None, "cat?"), (0.9, True, "cat?")]
)
def test_a_narrow_column_names_the_class_of_a_guess(probability: float, unknown: bool | None, text: str) -> None:
    row = classified(Path("a.jpg"), ("cat", probability), unknown=unknown)
    assert brief_text(row) == text
    assert is_guess(row) == text.endswith("?")


def test_a_failure_is_no_guess() -> None:
    assert not is_guess(failed(Path("a.jpg")))
