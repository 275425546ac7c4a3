"""The formatting of numbers and tables."""

from __future__ import annotations

import math

import pytest

from gui.plots.values import NO_VALUE, Table, percent


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(1.0, "100.0%"), (0.99996, "99.9%"), (0.9, "90.0%"), (0.00001, "0.1%"), (0.0, "0.0%")],
)
def test_percentages_near_the_ends_are_not_rounded_to_them(fraction: float, text: str) -> None:
    assert percent(fraction) == text


@pytest.mark.parametrize("fraction", [None, math.nan, math.inf])
def test_unknown_values(fraction: float | None) -> None:
    assert percent(fraction) == NO_VALUE


def test_whitespace_in_names_does_not_break_table_lines() -> None:
    assert Table(("A", "B"), (("one\ttab", "two\nlines"),)).as_tsv() == "A\tB\none tab\ttwo lines\n"
