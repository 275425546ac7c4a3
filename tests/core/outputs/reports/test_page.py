"""The page as a browser reads it: complete, without network access, with all names escaped."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.base.progress import CancelToken
from core.outputs.reports.columns import ColumnSet, ReportRow
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.reports.write import write_report
from core.prediction import Evidence
from tests import tiny
from tests.core.outputs.reports.conftest import HOSTILE, failed, predicted
from tests.html_page import Page


def page_of(rows: list[ReportRow], where: Path, **more: object) -> Page:
    plan = ReportOptions(ReportFormat.HTML, ColumnSet(3, reviewed=True), **more)  # type: ignore[arg-type]
    file = where / "report.html"
    write_report(file, rows, plan, total=len(rows), report=lambda _: None, token=CancelToken())
    return Page(file.read_text("utf-8"))


def test_the_page_shows_the_results(rows: list[ReportRow], tmp_path: Path) -> None:
    page = page_of(rows, tmp_path, title="Holiday", about=(("model", "Colours"),), folder=tmp_path)
    for text in ("Holiday", "red", "1 (33.3%)", "Corrected · Model: blue 60.0%", "probably none of the classes"):
        assert text in page.text
    for text in ("Unreadable images", "It is damaged.", "Take another copy.", "torn.png"):
        assert text in page.text
    assert str(tmp_path) not in page.text, "paths are relative to the folder"
    assert page.tags.count("img") == 3
    assert page.tags.count("svg") == 2


def test_the_page_loads_nothing(rows: list[ReportRow], hostile: list[ReportRow], tmp_path: Path) -> None:
    page = page_of([*rows, *hostile], tmp_path)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form", "a"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name in {"href", "srcset", "action"} or name.startswith("on")]
    assert all(value.startswith("data:image/jpeg;base64,") for _, name, value in page.attributes if name == "src")
    html = (tmp_path / "report.html").read_text("utf-8")
    assert not re.search(r"url\(|@import|https?://(?!example\.invalid)", html)
    assert "default-src 'none'" in html


def test_malicious_names_are_escaped(hostile: list[ReportRow], tmp_path: Path) -> None:
    page = page_of(hostile, tmp_path)
    assert page.tags.count("img") == 0, "none of them is a file"
    for name in HOSTILE[:4]:
        assert name in page.text
    assert "<script>alert(1)</script>.png" in page.text
    assert "a & b; \\u202egnp.\\x1b[31m.png" in page.text
    assert "caf\\xe9.png" in page.text


def test_thumbnails_are_limited_and_divided_among_classes(tmp_path: Path) -> None:
    image = tiny.write_solid(tmp_path / "red.png", "red")
    many = [
        ReportRow(predicted(image, (label, 0.5 + number / 100), ("other", 0.1)))
        for number in range(30)
        for label in ("a", "b", "c")
    ]
    page = page_of(many, tmp_path, thumbnails=12)
    assert page.tags.count("img") == 12
    assert "12 of 90 images" in page.text
    shown = re.findall(r"Confidence (\d+\.\d)%", page.text)
    assert shown == ["50.0", "51.0", "52.0", "53.0"] * 3, "lowest confidence first"


def test_unused_thumbnails_of_small_classes_go_to_others(tmp_path: Path) -> None:
    image = tiny.write_solid(tmp_path / "red.png", "red")
    many = [ReportRow(predicted(image, ("many", number / 500), ("few", 0.0))) for number in range(500)]
    few = [ReportRow(predicted(image, ("few", 0.5)))] * 2
    page = page_of([*many, *few], tmp_path, thumbnails=10)
    assert page.tags.count("img") == 10
    assert re.findall(r"Confidence (\d+\.\d)%", page.text) == [*(f"{n / 5:.1f}" for n in range(8)), "50.0", "50.0"]


def test_classes_of_few_images_share_a_heading(tmp_path: Path) -> None:
    image = tiny.write_solid(tmp_path / "red.png", "red")
    labels = ["many"] * 5 + ["one", "two", "two"]
    page = page_of([ReportRow(predicted(image, (label, 0.5))) for label in labels], tmp_path)
    assert page.tags.count("h3") == 2
    assert "many (5)" in page.text
    assert "Other classes" in page.text
    few = page_of([ReportRow(predicted(image, (label, 0.5))) for label in labels[-3:]], tmp_path)
    assert few.tags.count("h3") == 0
    assert few.tags.count("img") == 3


def test_more_classes_than_thumbnails_keep_the_limit(tmp_path: Path) -> None:
    image = tiny.write_solid(tmp_path / "red.png", "red")
    many = [ReportRow(predicted(image, (f"class {number:02}", 0.5))) for number in range(60) for _ in range(3)]
    page = page_of(many, tmp_path, thumbnails=20)
    assert page.tags.count("img") == 20
    assert "Chart of the 40 most frequent classes; the table lists all 60." in page.text


@pytest.mark.parametrize("count", [999, 1001])
def test_long_lists_are_truncated_with_a_note(tmp_path: Path, count: int) -> None:
    rows = [ReportRow(failed(f"{number}.png")) for number in range(count)]
    page = page_of(rows, tmp_path)
    assert ("First 1,000 of 1,001 images" in page.text) is (count > 1000)
    assert page.tags.count("tr") == 2 + 2 * min(count, 1000)


@pytest.mark.parametrize(("score", "is_told"), [(0.1, False), (0.3, True)])
def test_images_unlike_the_training_images_are_noted(tmp_path: Path, score: float, is_told: bool) -> None:
    rows = [ReportRow(replace(predicted(f"{at}.png"), evidence=Evidence(score))) for at in range(1200)]
    page = page_of(rows, tmp_path, known_scores=(0.1, 0.2, 0.2, 0.3) * 25, thumbnails=0)
    said = "100% of them are unusually far from those; 25% would be normal."
    assert (said in page.text) is is_told
    assert "unusually far" not in page_of(rows, tmp_path, thumbnails=0).text


def test_thumbnails_are_optional(rows: list[ReportRow], tmp_path: Path) -> None:
    page = page_of(rows, tmp_path, thumbnails=0)
    assert "img" not in page.tags
    assert "All predictions" in page.text
