"""`fovea classify --model A,B`: several models in one pass, in every format."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import openpyxl
import pytest

from core.models.heads import LinearHead
from core.models.library import open_library
from core.models.values import InstalledModel
from tests import tiny
from tests.core.cli.conftest import Fovea

MODELS = "--model", "colours,opposite"
HEADINGS = ["opposite_label", "opposite_confidence", "opposite_labels", "opposite_unknown", "opposite_unknown_score"]


@pytest.fixture(autouse=True)
def _models(colours: InstalledModel) -> None:
    other = LinearHead(-tiny.head().weights, tiny.head().bias)
    open_library().install(*tiny.packaged_model("opposite", own_head=other, unknown_below=0.9))


@pytest.fixture
def photos(pictures: Path) -> list[Path]:
    (pictures / "torn.png").write_bytes(b"\x89PNG")
    return [pictures / "green.png", pictures / "torn.png", pictures / "red.png"]


def test_jsonl_has_the_others_with_each_image(fovea: Fovea, photos: list[Path]) -> None:
    ran = fovea("classify", *photos, *MODELS, "--format", "jsonl", "--top", "2")
    assert ran.code == 1
    green, torn, red = map(json.loads, ran.out.splitlines())
    assert [(one["label"], one["model"]) for one in (green, red)] == [("green", "colours"), ("red", "colours")]
    (other,) = red["others"]
    assert set(other) == {"model", "label", "confidence", "labels", "scores", "unknown", "provider"}
    assert (other["model"], len(other["scores"]), other["provider"]) == ("opposite", 2, "cpu")
    assert other["label"] != "red"
    assert isinstance(other["unknown"], bool)
    assert "error" in torn
    assert "others" not in torn
    assert "colours, opposite on CPU" in ran.err


def test_csv_has_columns_of_each(fovea: Fovea, photos: list[Path]) -> None:
    ran = fovea("classify", *photos, *MODELS, "--format", "csv")
    header, green, torn, _ = csv.reader(io.StringIO(ran.out, newline=""), strict=True)
    first = header.index(HEADINGS[0])
    assert header[first : first + 5] == HEADINGS
    assert green[header.index("label")] == "green"
    assert green[first] in ("red", "blue")
    assert 0 < float(green[first + 1]) < 1
    assert green[first + 3] in ("true", "false")
    assert torn[first : first + 4] == [""] * 4


def test_a_table_has_a_column_of_each(fovea: Fovea, photos: list[Path]) -> None:
    lines = fovea("classify", *photos, *MODELS).out.splitlines()
    assert lines[0].split()[-1] == "opposite"
    assert "red" in lines[4]
    assert "%" in lines[2].split()[-1]


def test_files_have_the_columns(fovea: Fovea, photos: list[Path], tmp_path: Path) -> None:
    for form in ("xlsx", "html"):
        assert fovea("classify", *photos, *MODELS, "--output", tmp_path / f"r.{form}").code == 1
    (sheet,) = openpyxl.load_workbook(tmp_path / "r.xlsx").worksheets
    assert set(HEADINGS) <= {cell.value for cell in sheet[1]}
    page = (tmp_path / "r.html").read_text("utf-8")
    assert re.search("<th[^>]*>opposite</th>", page)
    parquet = pytest.importorskip("pyarrow.parquet")
    fovea("classify", *photos, *MODELS, "--output", tmp_path / "r.parquet")
    table = parquet.read_table(tmp_path / "r.parquet")
    assert set(HEADINGS) <= set(table.column_names)
    assert table.column("opposite_label").to_pylist()[1] is None


def test_a_folder_is_a_job_whose_journal_has_all_models(fovea: Fovea, pictures: Path, photos: list[Path]) -> None:
    assert len(photos) == 3
    ran = fovea("classify", pictures, *MODELS, "--format", "jsonl", "--recursive", "--exclude", "blue*")
    assert [Path(json.loads(line)["path"]).name for line in ran.out.splitlines()] == [
        "green.png", "red.png", "torn.png", "grey.jpg",
    ]  # fmt: skip
    (job,) = json.loads(fovea("jobs", "--format", "json").out)
    assert (job["model"], job["others"]) == ("colours", ["opposite@1"])
    again = fovea("classify", pictures, *MODELS, "--format", "jsonl", "--recursive", "--exclude", "blue*")
    assert again.out == ran.out
    assert again.err.startswith("fovea: 4 images, 0 new")
    lines = fovea("classify", pictures, *MODELS, "--recursive", "--exclude", "blue*").out.splitlines()
    assert [line.split()[-1].endswith("%") for line in lines[2:]] == [True, True, False, True]
    assert "colours@1, opposite@1" in fovea("jobs", "show", job["id"]).out


@pytest.mark.parametrize(
    ("models", "more", "why"),
    [
        ("colours,colours", (), "named twice"),
        ("colours,", (), "A model is missing"),
        ("colours,opposite", ("--engine", "ray"), "only with one model"),
        ("colours,nothing", (), "There is no model named"),
    ],
)
def test_what_works_with_one_model_only_is_refused(
    fovea: Fovea, pictures: Path, models: str, more: tuple[str, ...], why: str
) -> None:
    ran = fovea("classify", pictures, "--model", models, *more)
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.err
