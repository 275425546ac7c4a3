"""`fovea keywords`: from a folder's answers into its photos, and out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from core.jobs.journal import job_id
from core.jobs.queries import ResultStore
from core.jobs.values import JobRequest, Review, Verdict, View
from core.outputs.keywords.exiftool import KeywordError, find_exiftool
from tests import tiny
from tests.core.cli.conftest import Fovea

pytestmark = pytest.mark.usefixtures("colours")


@pytest.fixture(autouse=True)
def _needs_exiftool() -> None:
    try:
        find_exiftool()
    except KeywordError as error:
        pytest.skip(str(error))


def lines(text: str) -> dict[str, dict[str, str]]:
    return {Path(line["path"]).name: line for line in map(json.loads, text.splitlines())}


def test_keywords_are_written_to_sidecars_and_removed(fovea: Fovea, pictures: Path) -> None:
    before = {path: path.read_bytes() for path in pictures.rglob("*") if path.is_file()}
    ran = fovea("keywords", pictures, "--recursive", "--model", "colours", "--format", "jsonl", "--threshold", "0.9")
    assert ran.code == 0, ran.err
    expected = lines(ran.out)
    assert {name: (line["keyword"], line["done"]) for name, line in expected.items()} == {
        "red.png": ("red", "added"),
        "green.png": ("green", "added"),
        "blue.png": ("blue", "added"),
        "grey.jpg": (None, "unchanged"),
    }
    assert b"<rdf:li>red</rdf:li>" in (pictures / "red.png.xmp").read_bytes()
    assert "4 images, 3 added, 1 unchanged" in ran.err
    again = fovea("keywords", pictures, "--recursive", "--model", "colours", "--threshold", "0.9")
    assert (again.code, again.out) == (0, "")
    assert "4 unchanged" in again.err
    removed = fovea("keywords", pictures, "--recursive", "--remove")
    assert removed.out.count("removed") == 3
    assert {path: path.read_bytes() for path in pictures.rglob("*") if path.is_file()} == before


def test_photos_with_new_keywords_are_not_classified_again(fovea: Fovea, pictures: Path) -> None:
    pixels = Image.open(pictures / "red.png").tobytes()
    asked = ("keywords", pictures, "--model", "colours", "--in-place", "--unsure", "--threshold", "1")
    assert fovea(*asked).code == 0
    with Image.open(pictures / "red.png") as image:
        assert b">unsure<" in image.info["XML:com.adobe.xmp"].encode()
        assert image.tobytes() == pixels
    with ResultStore(job_id(JobRequest(pictures, recursive=False))) as answers:
        moments = [row.finished for row in answers.each(View())]
    assert fovea(*asked[:-1], "0.5").code == 0
    with ResultStore(job_id(JobRequest(pictures, recursive=False))) as answers:
        assert [row.finished for row in answers.each(View())] == moments


def test_labels_of_the_user_take_precedence(fovea: Fovea, pictures: Path) -> None:
    assert fovea("classify", pictures, "--model", "colours").code == 0
    with ResultStore(job_id(JobRequest(pictures, recursive=False))) as answers:
        (red,) = (row for row in answers.each(View()) if row.label == "red")
        answers.set_reviews({red.number: Review(Verdict.CORRECTED, "crimson")})
    expected = lines(fovea("keywords", pictures, "--model", "colours", "--format", "jsonl", "--threshold", "1").out)
    assert {name: line["keyword"] for name, line in expected.items()} == {
        "red.png": "crimson",
        "green.png": None,
        "blue.png": None,
    }


def test_a_dry_run_writes_nothing(fovea: Fovea, pictures: Path) -> None:
    ran = fovea("keywords", pictures, "--model", "colours", "--dry-run")
    assert ran.code == 0
    assert ran.out.count("added") == 3
    assert "Dry run, nothing was changed: 3 images, 3 added" in ran.err
    assert "At 60% confidence or more, 100.0% of the photos are accepted" in " ".join(ran.err.split())
    assert not list(pictures.rglob("*.xmp"))


def test_one_that_cannot_be_written_is_reported_and_costs_no_other(fovea: Fovea, pictures: Path) -> None:
    (pictures / "red.png.xmp").write_text("this is no XMP")
    ran = fovea("keywords", pictures, "--model", "colours")
    assert ran.code == 1
    assert "red.png" in ran.err
    assert (pictures / "red.png.xmp").read_text() == "this is no XMP"
    assert (pictures / "blue.png.xmp").exists()


def test_photos_that_cannot_be_read_count_as_failed_every_time(fovea: Fovea, pictures: Path) -> None:
    (pictures / "torn.png").write_bytes(b"torn")
    for _ in range(2):
        ran = fovea("keywords", pictures, "--model", "colours")
        assert ran.code == 1
        assert "torn.png" in ran.err
        assert "1 failed" in ran.err


def test_a_folder_without_images_says_where_else_to_look(fovea: Fovea, tmp_path: Path) -> None:
    tiny.write_solid(tmp_path / "photos" / "inner" / "a.png", "red")
    ran = fovea("keywords", tmp_path / "photos", "--model", "colours")
    assert (ran.code, "--recursive" in ran.err) == (2, True)
    none = fovea("keywords", tmp_path / "photos", "--remove")
    assert (none.code, "--recursive" in none.err) == (0, True)


def test_what_cannot_start_says_why(fovea: Fovea, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = fovea("keywords", tmp_path / "nowhere")
    assert ran.code == 2
    assert "no folder" in ran.err
    assert fovea("keywords", tmp_path, "--sidecar", "--in-place").code == 2
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    missing = fovea("keywords", tmp_path)
    assert missing.code == 2
    assert "exiftool" in missing.err


def test_odd_names_reach_the_photo(fovea: Fovea, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "odd %d"
    file = tiny.write_solid(folder / "-all=.png", "red")
    monkeypatch.chdir(tmp_path)
    assert fovea("keywords", "odd %d", "--model", "colours").code == 0
    assert file.with_name("-all=.png.xmp").exists()
