"""The formatting of tables."""

from __future__ import annotations

from gui.plots.values import Table


def test_whitespace_in_names_does_not_break_table_lines() -> None:
    assert Table(("A", "B"), (("one\ttab", "two\nlines"),)).as_tsv() == "A\tB\none tab\ttwo lines\n"
