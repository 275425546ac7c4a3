"""Forms of results for names that only some systems allow."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli.results import open_results
from core.outputs.reports.columns import ColumnSet, ReportRow
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.prediction import Failure

Written = Callable[..., str]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """What stands in a file of one form when this failure was added."""

    def write(form: str, failure: Failure) -> str:
        file = tmp_path / "results"
        with open_results(
            None if form == "table" else ReportOptions(ReportFormat(form), ColumnSet(3)), file
        ) as results:
            results.add(ReportRow(failure))
        return file.read_bytes().decode("utf-8")

    return write


@pytest.mark.parametrize("form", ["table", "jsonl", "csv", "html"])
def test_half_a_character_as_windows_allows_it_in_names_spoils_nothing(written: Written, form: str) -> None:
    expected = written(form, Failure(Path("\ud800.png"), "missing", "It is not there.", "Look elsewhere."))
    assert "\\ud800.png" in expected


def test_the_jsonl_name_is_the_same_when_read_back(written: Written) -> None:
    expected = written("jsonl", Failure(Path("\ud800.png"), "missing", "a", "b"))
    assert json.loads(expected)["path"] == "\ud800.png"


@pytest.mark.parametrize("name", ["=1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_a_failure_cannot_bring_a_formula_in(written: Written, name: str) -> None:
    expected = written("csv", Failure(Path(name), "missing", name, name))
    header, row = csv.reader(io.StringIO(expected, newline=""), strict=True)
    assert len(row) == len(header)
    harmless = {"\t=1": "\\t=1", "\r=1": "\\r=1"}.get(name, f"'{name}")
    assert [row[header.index(column)] for column in ("path", "error", "hint")] == [harmless] * 3
