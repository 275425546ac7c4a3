"""Forms of results for names that only some systems allow."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from core.cli.results import open_results
from core.prediction import Failure


@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_half_a_character_as_windows_allows_it_in_names_spoils_nothing(form: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8", newline="")
    results = open_results(form, stream, top_k=1)
    results.add(Failure(Path("\ud800.png"), "missing", "It is not there.", "Look elsewhere."))
    results.close()
    stream.flush()
    assert "\\ud800.png" in raw.getvalue().decode("utf-8")


def test_the_jsonl_name_is_the_same_when_read_back() -> None:
    stream = io.StringIO()
    open_results("jsonl", stream, top_k=1).add(Failure(Path("\ud800.png"), "missing", "a", "b"))
    assert json.loads(stream.getvalue())["path"] == "\ud800.png"


@pytest.mark.parametrize("name", ["=1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_a_failure_cannot_bring_a_formula_in(name: str) -> None:
    stream = io.StringIO(newline="")
    open_results("csv", stream, top_k=3).add(Failure(Path(name), "missing", name, name))
    header, row = csv.reader(io.StringIO(stream.getvalue(), newline=""), strict=True)
    assert len(row) == len(header)
    assert [row[header.index(column)] for column in ("path", "error", "hint")] == [f"'{name}"] * 3
