"""Multi-label models on the command line: an image has several classes, or none."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from core.jobs.journal import job_id
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, JobRequest
from core.models.library import open_library
from core.outputs.keywords.exiftool import KeywordError, find_exiftool
from tests import tiny
from tests.core.cli.conftest import Fovea

LABELS = {"grey.png": [], "red.png": ["red"], "yellow.png": ["red", "green"]}


@pytest.fixture(autouse=True)
def _several() -> None:
    open_library().install(*tiny.multi_label_model(shared=False))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in LABELS:
        tiny.write_solid(folder / name, Path(name).stem)
    return folder


def test_json_lists_the_classes_of_an_image(fovea: Fovea, photos: Path) -> None:
    ran = fovea("classify", photos, "--model", "several", "--format", "jsonl", "--top", "1")
    assert ran.code == 0
    lines = {Path(line["path"]).name: line for line in map(json.loads, ran.out.splitlines())}
    assert {name: line["labels"] for name, line in lines.items()} == LABELS
    assert {name: line["unknown"] for name, line in lines.items()} == {name: not some for name, some in LABELS.items()}
    assert [one["label"] for one in lines["yellow.png"]["scores"]] == ["red", "green"], "all that it has"
    assert lines["yellow.png"]["set"] is None
    assert fovea("classify", photos, "--model", "several", "--format", "jsonl", "--top", "1").out == ran.out


def test_a_table_shows_them(fovea: Fovea, photos: Path) -> None:
    shown = fovea("classify", photos, "--model", "several").out
    assert re.search(r"yellow\.png +red, green +9\d\.\d%", shown)
    assert re.search(r"grey\.png +no class \(closest: \w+\)", shown)


def test_tables_for_programs_have_a_column_of_them(fovea: Fovea, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    assert fovea("classify", photos, "--model", "several", "--output", file).code == 0
    rows = {Path(row["path"]).name: row for row in csv.DictReader(file.read_text("utf-8").splitlines())}
    assert {name: row["labels"] for name, row in rows.items()} == {
        name: "; ".join(labels) for name, labels in LABELS.items()
    }
    assert (rows["yellow.png"]["label"], rows["yellow.png"]["label_2"]) == ("red", "green")


def test_reports_count_an_image_for_each_of_its_classes(fovea: Fovea, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "results.html"
    assert fovea("classify", photos, "--model", "several", "--output", file).code == 0
    text = file.read_text(encoding="utf-8")
    counts = re.findall(r"<th[^>]*>(\w+)</th>\s*<td[^>]*>(\d)</td>\s*<td[^>]*>([\d.]+%)", text)
    assert counts == [("red", "2", "66.7%"), ("green", "1", "33.3%")]
    assert "red, green" in text
    assert "no class" in text


def test_a_second_model_has_such_a_column_too(fovea: Fovea, photos: Path, tmp_path: Path) -> None:
    open_library().install(*tiny.packaged_model("colours"))
    file = tmp_path / "results.csv"
    assert fovea("classify", photos, "--model", "colours,several", "--output", file).code == 0
    rows = {Path(row["path"]).name: row for row in csv.DictReader(file.read_text("utf-8").splitlines())}
    assert (rows["yellow.png"]["labels"], rows["yellow.png"]["several_labels"]) == ("", "red; green")


def test_a_journal_keeps_the_classes(fovea: Fovea, photos: Path) -> None:
    first = fovea("classify", photos, "--model", "several", "--format", "jsonl").out
    again = fovea("classify", photos, "--model", "several", "--format", "jsonl")
    assert again.out == first
    assert "0 new" in again.err
    with ResultStore(job_id(JobRequest(photos, recursive=False))) as results:
        assert results.class_counts(Filter()) == {
            "red": 2, "green": 1
        }  # fmt: skip


def test_photos_are_sorted_by_their_most_likely_class(fovea: Fovea, photos: Path, tmp_path: Path) -> None:
    ran = fovea("sort", photos, "--to", tmp_path / "sorted", "--model", "several")
    assert ran.code == 0
    found = sorted(path.relative_to(tmp_path / "sorted").as_posix() for path in (tmp_path / "sorted").rglob("*.png"))
    assert found == ["red/red.png", "red/yellow.png", "unsure/grey.png"]
    strict = fovea("sort", photos, "--to", tmp_path / "b", "--model", "several", "--threshold", "1", "--dry-run")
    assert "accepted" not in strict.err, "there is a threshold for each class"
    assert re.search(r"yellow\.png +red/yellow\.png", strict.out)


def test_each_class_becomes_a_keyword(fovea: Fovea, photos: Path) -> None:
    try:
        find_exiftool()
    except KeywordError as error:
        pytest.skip(str(error))
    ran = fovea("keywords", photos, "--model", "several", "--format", "jsonl")
    assert ran.code == 0, ran.err
    lines = {Path(line["path"]).name: line for line in map(json.loads, ran.out.splitlines())}
    assert {name: line["keywords"] for name, line in lines.items()} == LABELS
    written = (photos / "yellow.png.xmp").read_text(encoding="utf-8")
    assert re.search(r"<dc:subject>\s*<rdf:Bag>\s*<rdf:li>red</rdf:li>\s*<rdf:li>green</rdf:li>", written)
    assert {"Fovea|red", "Fovea|green"} <= set(re.findall(r"<rdf:li>(Fovea\|\w+)</rdf:li>", written))
    assert fovea("keywords", photos, "--model", "several").out == "", "nothing is left to do"
    assert fovea("keywords", photos, "--model", "several", "--threshold", "0.999").out == "", "the model's own decide"
    assert fovea("keywords", photos, "--remove").out.count("removed") == 2
    assert not list(photos.glob("*.xmp"))


def test_such_a_model_says_so(fovea: Fovea) -> None:
    shown = fovea("models", "show", "several").out
    assert re.search(r"several classes per image +from red 50%, green 25%, blue 90%", shown)


def test_it_is_not_compared_with_others(fovea: Fovea, photos: Path) -> None:
    open_library().install(*tiny.packaged_model("colours"))
    ran = fovea("models", "compare", "colours", "several", photos)
    assert (ran.code, ran.out) == (2, "")
    assert "finds several classes per photo, so it can't be compared" in ran.err
