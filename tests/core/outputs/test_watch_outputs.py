"""Lines appended to a file, and keywords, for new photos."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from core.base.errors import StorageError, UsageError
from core.card_rules import Hierarchy
from core.jobs.values import Row
from core.models.library import open_library
from core.outputs.reports.columns import ColumnSet
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.sorting.values import SortRequest
from core.outputs.watch_outputs import OutputRequest, OutputSinks, append
from tests import tiny
from tests.rows import classified, failed

if TYPE_CHECKING:
    from core.jobs.queries import ResultStore

NO_ANSWERS = cast("ResultStore", None)  # only keywords need them


def row(name: str, label: str = "red") -> Row:
    return classified(Path("photos") / name, (label, 0.9), ("blue", 0.1))


def test_json_lines_are_appended(tmp_path: Path) -> None:
    file = tmp_path / "arrived.jsonl"
    append(file, [row("a.jpg"), failed(Path("photos/b.jpg"))], ReportOptions(ReportFormat.JSONL, ColumnSet(2)))
    append(file, [row("c.jpg")], ReportOptions(ReportFormat.JSONL, ColumnSet(2)))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [Path(line["path"]).name for line in lines] == ["a.jpg", "b.jpg", "c.jpg"]
    assert lines[1]["error"]["kind"] == "damaged"


def test_csv_is_appended_below_one_heading(tmp_path: Path) -> None:
    file = tmp_path / "arrived.csv"
    append(file, [row("=a.jpg")], ReportOptions(ReportFormat.CSV, ColumnSet(2)))
    append(file, [row("b.jpg")], ReportOptions(ReportFormat.CSV, ColumnSet(2)))
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [line["label"] for line in rows] == ["red", "red"]
    assert [line["label_2"] for line in rows] == ["blue", "blue"]


def test_csv_has_one_byte_order_mark_and_keeps_its_delimiter(tmp_path: Path) -> None:
    file, plan = (
        tmp_path / "arrived.csv",
        ReportOptions(ReportFormat.CSV, ColumnSet(2), byte_order_mark=True, delimiter=";"),
    )
    for name in ("a.jpg", "b.jpg"):
        with OutputSinks(OutputRequest(file, plan)):
            append(file, [row(name)], plan)
    text = file.read_text("utf-8")
    assert (text.count("\ufeff"), text.startswith("\ufeffpath;label;")) == (1, True)
    rows = list(csv.DictReader(text.removeprefix("\ufeff").splitlines(), delimiter=";"))
    assert [line["confidence"] for line in rows] == ["0,9", "0,9"]
    with (
        pytest.raises(UsageError, match="does not contain"),
        OutputSinks(OutputRequest(file, ReportOptions(ReportFormat.CSV, ColumnSet(2)))),
    ):
        pass


@pytest.mark.parametrize("form", [ReportFormat.JSONL, ReportFormat.CSV])
def test_a_truncated_line_does_not_affect_others(tmp_path: Path, form: ReportFormat) -> None:
    file = tmp_path / f"arrived.{form.value}"
    append(file, [row("a.jpg")], ReportOptions(form, ColumnSet(1)))
    with file.open("a") as stream:
        stream.write('{"path": "phot' if form is ReportFormat.JSONL else "photos/half")
    append(file, [row("b.jpg")], ReportOptions(form, ColumnSet(1)))
    assert "b.jpg" in file.read_text().splitlines()[-1]
    assert len(file.read_text().splitlines()) == (3 if form is ReportFormat.JSONL else 4)


def test_csv_of_an_earlier_version_keeps_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "arrived.csv"
    file.write_bytes(b"path,label,confidence,error,label_2\r\nold.jpg,red,0.5,,blue\r\n")
    with OutputSinks(OutputRequest(file, ReportOptions(ReportFormat.CSV, ColumnSet(3)))) as deliveries:
        deliveries(NO_ANSWERS, [row("a.jpg"), failed(Path("photos/b.jpg"))])
    with file.open(newline="") as stream:
        lines = list(csv.reader(stream, strict=True))
    assert [len(line) for line in lines] == [5] * 4
    assert lines[2][1:] == ["red", "0.9", "", "blue"]
    assert lines[3][1:] == ["", "", "It is damaged.", ""]


def test_photos_are_sorted_by_groups(tmp_path: Path, home: Path) -> None:
    photo, place = tiny.write_solid(tmp_path / "arriving" / "a.png", "red"), tmp_path / "sorted"
    outputs = OutputRequest(sort=SortRequest(photo.parent, place, groups=True))
    plain = open_library().install(*tiny.packaged_model("colours"))
    with pytest.raises(UsageError, match="in no groups"), OutputSinks(outputs, plain):
        pass
    groups = Hierarchy((("warm", "red"), ("cold", "green"), ("cold", "blue")), 0.7)
    model = open_library().install(*tiny.packaged_model("colours", hierarchy=groups))
    with OutputSinks(outputs, model) as deliver:
        deliver(NO_ANSWERS, [classified(photo, ("red", 0.9))])
    assert (place / "warm" / "red" / "a.png").exists()


@pytest.mark.parametrize("heading", ["path,label", "path,label,confidence,mine", "path,label,confidence,label"])
def test_csv_with_other_columns_is_refused(tmp_path: Path, heading: str) -> None:
    file = tmp_path / "arrived.csv"
    file.write_text(f"{heading}\n")
    with (
        pytest.raises(UsageError, match="does not contain"),
        OutputSinks(OutputRequest(file, ReportOptions(ReportFormat.CSV, ColumnSet(3)))),
    ):
        pass
    assert file.read_text() == f"{heading}\n"


def test_another_file_is_refused_and_unchanged(tmp_path: Path) -> None:
    other = tmp_path / "letter.csv"
    other.write_text("Dear all,\n")
    with (
        pytest.raises(UsageError, match="does not contain"),
        OutputSinks(OutputRequest(other, ReportOptions(ReportFormat.CSV, ColumnSet(5)))),
    ):
        pass
    assert other.read_text() == "Dear all,\n"
    with pytest.raises(UsageError, match="image"), OutputSinks(OutputRequest(tmp_path / "a.jpg")):
        pass
    with pytest.raises(StorageError), OutputSinks(OutputRequest(tmp_path / "nowhere" / "a.jsonl")):
        pass
    with (
        pytest.raises(UsageError, match="can't be appended to"),
        OutputSinks(OutputRequest(tmp_path / "a", ReportOptions(ReportFormat.XLSX, ColumnSet(5)))),
    ):
        pass
