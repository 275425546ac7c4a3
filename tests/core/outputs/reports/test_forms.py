"""Each report format, read back by a different program than the writer."""

from __future__ import annotations

import csv
import json
import os
import tracemalloc
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from core.base.errors import Cancelled, StorageError, UsageError
from core.base.progress import CancelToken, Progress
from core.outputs.reports import write
from core.outputs.reports.columns import ColumnSet, ReportRow
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.reports.spreadsheet import spreadsheet
from core.outputs.reports.write import check_not_image, write_report
from core.prediction import Evidence, Failure, Neighbour, Score
from tests import tiny
from tests.core.outputs.reports.conftest import HOSTILE, predicted

REVIEWED = ColumnSet(2, reviewed=True)
FORMS = list(ReportFormat)
EVIDENCE = "unknown", "unknown_score", "set", "set_coverage", "nearest"
NEAR_TEXT = "green 0.50; red 0.25"


def report_to(
    file: Path, rows: Iterable[ReportRow], form: ReportFormat, shape: ColumnSet = REVIEWED, **more: object
) -> int:
    if form is ReportFormat.PARQUET:
        pytest.importorskip("pyarrow")
    plan = ReportOptions(form, shape, **more)  # type: ignore[arg-type]
    return write_report(file, rows, plan, total=4, report=lambda _: None, token=CancelToken())


def sheet_rows(file: Path) -> list[list[object]]:
    book = openpyxl.load_workbook(file)
    return [[cell.value for cell in row] for sheet in book.worksheets for row in sheet.iter_rows()]


def test_csv_has_a_byte_order_mark_only_if_requested(rows: list[ReportRow], tmp_path: Path) -> None:
    for wanted in (False, True):
        report_to(tmp_path / "r.csv", rows, ReportFormat.CSV, byte_order_mark=wanted)
        data = (tmp_path / "r.csv").read_bytes()
        assert data.startswith(b"\xef\xbb\xbf") is wanted
        assert data.decode("utf-8-sig").startswith("path,label,")
        assert data.endswith(b"\r\n")


@pytest.mark.parametrize(("delimiter", "confidence"), [(",", "0.75"), (";", "0,75"), ("\t", "0.75")])
def test_csv_with_semicolons_has_decimal_commas(tmp_path: Path, delimiter: str, confidence: str) -> None:
    row = ReportRow(predicted("a; b, c.png", ("x;y", 0.75)))
    report_to(tmp_path / "r.csv", [row], ReportFormat.CSV, delimiter=delimiter)
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        (read,) = csv.DictReader(file, delimiter=delimiter, strict=True)
    assert (read["path"], read["label"], read["confidence"]) == ("a; b, c.png", "x;y", confidence)
    assert read["decode_ms"] == confidence.replace("0", "1").replace("75", "5")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_value_becomes_a_formula_with_any_delimiter(tmp_path: Path, delimiter: str, separator: str) -> None:
    names = [
        f"{lead}{between}{quote}{start}1+1;x{quote}{between}y.png"
        for lead in ("", "a")
        for between in (*",;\t|", "\n", "\r", "; ")
        for quote in ("", '"')
        for start in "=+-@\uff1d"
    ]
    rows = [ReportRow(predicted(name, (name, 0.5), (name, 0.25))) for name in names]
    rows += [ReportRow(Failure(Path(name), "damaged", name, name)) for name in names]
    report_to(tmp_path / "r.csv", rows, ReportFormat.CSV, delimiter=delimiter)
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file, delimiter=separator) for cell in row]
    assert not [cell for cell in cells if cell.lstrip(' "').startswith(("=", "+", "-", "@", "\uff1d"))]


def test_control_characters_in_csv_are_escaped(tmp_path: Path) -> None:
    row = ReportRow(predicted("\x1b]0;title\x07\x9b31m\u202egpj\u2066\n.png", ("\u202eber", 0.5)))
    report_to(tmp_path / "r.csv", [row], ReportFormat.CSV)
    (read,) = csv.DictReader((tmp_path / "r.csv").read_text("utf-8").splitlines(), strict=True)
    assert read["path"] == "\\x1b]0;title\\x07\\x9b31m\\u202egpj\\u2066\\n.png"
    assert read["label"] == "\\u202eber"


def test_a_suffix_of_another_format_is_refused(rows: list[ReportRow], tmp_path: Path) -> None:
    for name, form in (
        ("r.csv", ReportFormat.XLSX),
        ("r.XLSX", ReportFormat.CSV),
        ("r.html", ReportFormat.JSONL),
        ("r.xls", ReportFormat.XLSX),
    ):
        with pytest.raises(UsageError, match=r"xls|csv|html"):
            report_to(tmp_path / name, rows, form)
    assert not list(tmp_path.glob("r.*"))
    for name, form in (
        ("r.tsv", ReportFormat.CSV),
        ("r.json", ReportFormat.JSONL),
        ("r.2024", ReportFormat.CSV),
        ("r.htm", ReportFormat.HTML),
    ):
        assert report_to(tmp_path / name, rows, form) == 4


def test_csv_jsonl_xlsx_and_parquet_have_the_same_content(rows: list[ReportRow], tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    for form in (ReportFormat.CSV, ReportFormat.JSONL, ReportFormat.XLSX, ReportFormat.PARQUET):
        assert report_to(tmp_path / f"r.{form}", rows, form) == 4
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        flat = list(csv.DictReader(file, strict=True))
    header, *cells = sheet_rows(tmp_path / "r.xlsx")
    objects = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text("ascii").splitlines()]
    table = pq.read_table(tmp_path / "r.parquet").to_pylist()
    assert header == list(flat[0])
    for comma, cell, one, record in zip(flat, cells, objects, table, strict=True):
        assert comma == {name: "" if value is None else _spelt(value) for name, value in zip(header, cell, strict=True)}
        scores = [{**score, "threshold": None} for score in one.get("scores", [])]
        assert record == {
            **{name: value for name, value in zip(header, cell, strict=True) if not name.endswith("_2")},
            "scores": scores,
        }
        assert one["path"] == record["path"]
        assert one.get("label") == record["label"]
        assert one.get("error", {}).get("message") == record["error"]
        assert (one["answer"], one["review"]) == (record["answer"], record["review"])


def test_parquet_has_the_thresholds_of_a_multi_label_model(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    found = predicted(tiny.write_solid(tmp_path / "red.png", "red"), unknown=False)
    scores = Score("red", 0.9, 0.25), Score("green", 0.1, 0.5)
    rows = [ReportRow(replace(found, scores=scores, labels=("red",))), ReportRow(found)]
    assert report_to(tmp_path / "r.parquet", rows, ReportFormat.PARQUET) == 2
    several, one = (row["scores"] for row in pq.read_table(tmp_path / "r.parquet").to_pylist())
    assert [(score["label"], score["threshold"]) for score in several] == [("red", 0.25), ("green", 0.5)]
    assert {score["threshold"] for score in one} == {None}


def test_every_format_has_the_evidence(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    near = Neighbour("green", 0.5, "ab" * 32, Path("train/g.jpg")), Neighbour("red", 0.25)
    found = predicted(tiny.write_solid(tmp_path / "red.png", "red"), unknown=False)
    rows = [ReportRow(replace(found, evidence=Evidence(0.125, ("red", "green"), near, 0.9)))]
    for form in FORMS:
        report_to(tmp_path / f"r.{form}", rows, form)
    content = json.loads((tmp_path / "r.jsonl").read_text("utf-8"))
    assert [content[name] for name in EVIDENCE] == [False, 0.125, ["red", "green"], 0.9, content["nearest"]]
    assert content["nearest"][0] == {"label": "green", "similarity": 0.5, "path": str(Path("train/g.jpg"))}
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        (line,) = csv.DictReader(file)
    assert [line[name] for name in EVIDENCE] == ["false", "0.125", "red; green", "0.9", NEAR_TEXT]
    heading, cells = sheet_rows(tmp_path / "r.xlsx")
    sheet = dict(zip(heading, cells, strict=True))
    (table,) = pq.read_table(tmp_path / "r.parquet").to_pylist()
    for read in (sheet, table):
        assert [read[name] for name in EVIDENCE] == [False, 0.125, "red; green", 0.9, NEAR_TEXT]
    page = (tmp_path / "r.html").read_text("utf-8")
    for text in ("Unknown score", "Set (90%)", "right one for 90% of the images", "0.12", "red; green", NEAR_TEXT):
        assert text in page
    for file in ("r.csv", "r.html"):
        assert "train/g.jpg" not in (tmp_path / file).read_text("utf-8"), "reports are shared"


def _spelt(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_a_spreadsheet_has_numbers_filters_and_a_frozen_heading(rows: list[ReportRow], tmp_path: Path) -> None:
    report_to(tmp_path / "r.xlsx", rows, ReportFormat.XLSX)
    (sheet,) = openpyxl.load_workbook(tmp_path / "r.xlsx").worksheets
    assert sheet.title == "Images"
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("B2", "A1:X5")
    assert [sheet["C2"].value, sheet["C2"].number_format, sheet["C2"].data_type] == [0.75, "0.0%", "n"]
    assert (sheet["E2"].value, sheet["E2"].data_type) == (False, "b")
    assert sheet.column_dimensions["A"].width > 50
    assert sheet["A1"].font.bold


def test_a_spreadsheet_continues_on_further_sheets(tmp_path: Path) -> None:
    many = [ReportRow(predicted(f"{number}.png")) for number in range(25)]
    with (tmp_path / "r.xlsx").open("wb") as stream, spreadsheet(stream, ColumnSet(1), rows_on_sheet=11) as sheets:
        for row in many:
            sheets.add(row)
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert [(sheet.title, sheet.max_row) for sheet in book.worksheets] == [
        *(("Images", 11), ("Images 2", 11), ("Images 3", 6)),
    ]
    assert all(sheet["A1"].value == "path" and sheet.auto_filter.ref for sheet in book.worksheets)
    paths = [row[0] for row in sheet_rows(tmp_path / "r.xlsx") if row[0] != "path"]
    assert paths == [f"{number}.png" for number in range(25)]


def test_nothing_in_csv_or_xlsx_is_a_formula_or_a_link(hostile: list[ReportRow], tmp_path: Path) -> None:
    for form in (ReportFormat.CSV, ReportFormat.XLSX):
        report_to(tmp_path / f"r.{form}", hostile, form)
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file, strict=True) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    (sheet,) = openpyxl.load_workbook(tmp_path / "r.xlsx").worksheets
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    assert "=1+2.png" in [row[0].value for row in sheet.iter_rows()], "a text cell needs no apostrophe"
    with zipfile.ZipFile(tmp_path / "r.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert not [name for name in archive.namelist() if "externalLink" in name or "sheet1.xml.rels" in name]


@pytest.mark.parametrize("form", FORMS)
def test_every_name_survives_in_every_format(hostile: list[ReportRow], tmp_path: Path, form: ReportFormat) -> None:
    assert report_to(tmp_path / "r", hostile, form, thumbnails=0) == 2 * len(HOSTILE)
    if form is ReportFormat.JSONL:
        paths = [json.loads(line)["path"] for line in (tmp_path / "r").read_text("ascii").splitlines()]
        assert paths == [str(row.outcome.path) for row in hostile]
    elif form is ReportFormat.PARQUET:
        pq = pytest.importorskip("pyarrow.parquet")
        assert "caf\\xe9.png" in pq.read_table(tmp_path / "r")["path"].to_pylist()
    elif form is ReportFormat.XLSX:
        (tmp_path / "r").rename(tmp_path / "r.xlsx")
        assert "caf\\xe9.png" in [row[0] for row in sheet_rows(tmp_path / "r.xlsx")]
    else:
        assert "caf\\xe9.png" in (tmp_path / "r").read_text("utf-8")


@pytest.mark.parametrize("form", FORMS)
def test_a_report_may_be_empty(tmp_path: Path, form: ReportFormat) -> None:
    assert report_to(tmp_path / "r", [], form) == 0
    assert (tmp_path / "r").exists()


def cancelled_after(rows: list[ReportRow], token: CancelToken) -> Iterator[ReportRow]:
    yield from rows[:2]
    token.cancel()
    yield from rows[2:]


@pytest.mark.parametrize("form", FORMS)
def test_a_cancelled_report_leaves_only_the_old_file(
    rows: list[ReportRow], tmp_path: Path, form: ReportFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form is ReportFormat.PARQUET:
        pytest.importorskip("pyarrow")
    out, temporary = tmp_path / "out", tmp_path / "temporary"
    out.mkdir()
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    (out / "r").write_bytes(b"old")
    token = CancelToken()
    with pytest.raises(Cancelled):
        write_report(
            out / "r",
            cancelled_after(rows, token),
            ReportOptions(form, REVIEWED),
            total=4,
            report=lambda _: None,
            token=token,
        )
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"r": b"old"}
    assert not list(temporary.iterdir())


def test_drawing_thumbnails_can_be_cancelled(rows: list[ReportRow], tmp_path: Path) -> None:
    token = CancelToken()

    def report(progress: Progress) -> None:
        if progress.stage == "Creating thumbnails":
            token.cancel()

    with pytest.raises(Cancelled):
        write_report(
            tmp_path / "r.html", rows, ReportOptions(ReportFormat.HTML, REVIEWED), total=4, report=report, token=token
        )
    assert not (tmp_path / "r.html").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full on this system")
@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_is_reported(rows: list[ReportRow], form: ReportFormat) -> None:
    if form is ReportFormat.PARQUET:
        pytest.importorskip("pyarrow")

    def fill() -> None:
        with Path("/dev/full").open("wb") as full:
            with write.open_writer(full, ReportOptions(form, REVIEWED), lambda _: None, CancelToken()) as writer:
                for row in rows:
                    writer.add(row)
            full.flush()

    with pytest.raises(OSError, match="No space left"):
        fill()


def test_a_full_disk_leaves_the_old_file(
    rows: list[ReportRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.csv").write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(StorageError, match="No space left"):
            report_to(tmp_path / "r.csv", rows, ReportFormat.CSV)
    assert (tmp_path / "r.csv").read_bytes() == b"old"
    assert not list(tmp_path.glob(".*"))


def test_neither_an_image_nor_a_folder_is_overwritten(rows: list[ReportRow], tmp_path: Path) -> None:
    disguised = tiny.write_solid(tmp_path / "photo.png", "red").rename(tmp_path / "photo.csv")
    before = disguised.read_bytes()
    for name in ("photo.csv", "new.jpg", "new.HEIC"):
        with pytest.raises(UsageError, match="an image"):
            report_to(tmp_path / name, rows, ReportFormat.CSV)
    assert disguised.read_bytes() == before
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(StorageError, match="folder"):
        report_to(tmp_path / "folder.csv", rows, ReportFormat.CSV)
    check_not_image(tmp_path / "nothing.csv")


def test_missing_pyarrow_is_reported_with_a_hint(
    rows: list[ReportRow], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    plan = ReportOptions(ReportFormat.PARQUET, REVIEWED)
    with pytest.raises(UsageError, match="pyarrow") as caught:
        write_report(tmp_path / "r", rows, plan, total=4, report=lambda _: None, token=CancelToken())
    assert "extra `parquet`" in caught.value.hint
    assert not (tmp_path / "r").exists()


def test_a_link_stays_a_link(rows: list[ReportRow], tmp_path: Path) -> None:
    try:
        (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    except OSError as error:
        pytest.skip(f"links cannot be made here: {error}")
    report_to(tmp_path / "link.csv", rows, ReportFormat.CSV)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text("utf-8").startswith("path")


@pytest.mark.parametrize("form", FORMS)
def test_memory_does_not_grow_with_the_rows(
    tmp_path: Path, form: ReportFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tests/benchmarks/reports.py measures 100,000."""
    monkeypatch.setattr("core.outputs.reports.parquet._GROUP", 500)

    def peak(count: int) -> int:
        rows = (ReportRow(predicted(f"folder/{number:06}.png")) for number in range(count))
        tracemalloc.start()
        report_to(tmp_path / "r", rows, form, thumbnails=0)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    few, many = peak(1000), peak(2000)  # as many as a page lists, and twice as many
    many = min(many, peak(2000))  # what another thread of this process allocates meanwhile is traced, too
    assert many < few + 200_000, "a row takes 400 bytes and more"
