"""Figures as they are told."""

from __future__ import annotations

import math

import pytest

from gui.plots.values import NO_VALUE, Table, percent


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100.0%"), (0.99996, "99.9%"), (0.9, "90.0%"), (0.00001, "0.1%"), (0.0, "0.0%")],
)
def test_nearly_all_is_not_all(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize("share", [None, math.nan, math.inf])
def test_what_is_not_known(share: float | None) -> None:
    assert percent(share) == NO_VALUE


def test_names_cannot_break_the_lines_of_a_table() -> None:
    assert Table(("A", "B"), (("one\ttab", "two\nlines"),)).as_tsv() == "A\tB\none tab\ttwo lines\n"
