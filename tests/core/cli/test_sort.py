"""`fovea sort` run inside the test's process: from photos to class folders and back."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from core.card_rules import Hierarchy
from core.jobs.journal import job_id
from core.jobs.queries import ResultStore
from core.jobs.values import JobRequest, Review, Verdict, View
from core.models import library
from tests import tiny
from tests.core.cli.conftest import Fovea
from tests.core.outputs.sorting.conftest import snapshot

pytestmark = pytest.mark.usefixtures("colours")


@pytest.fixture
def sorted_to(tmp_path: Path) -> Path:
    return tmp_path / "sorted"


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_photos_are_sorted_and_put_back(fovea: Fovea, pictures: Path, sorted_to: Path) -> None:
    library.open_library().install(*tiny.packaged_model("colours", unknown_below=0.5))
    before = snapshot(pictures)
    ran = fovea("sort", pictures, "--to", sorted_to, "--model", "colours")
    assert ran.code == 0
    assert files(sorted_to) == ["blue/blue.png", "green/green.png", "red/red.png", "unsure/more/grey.jpg"]
    assert re.search(r"^unsure +1$", ran.out, re.MULTILINE)
    assert "Sorted 4 photos into" in ran.err
    assert "--undo" in ran.err
    listed = json.loads(fovea("sort", "--list", "--format", "json").out)
    assert [(one["state"], one["sorted"], one["destination"]) for one in listed] == [("sorted", 4, str(sorted_to))]
    assert listed[0]["id"] in fovea("sort", "--list").out
    back = fovea("sort", "--undo")
    assert (back.code, "removed 4 copies" in back.err) == (0, True)
    assert not sorted_to.exists()
    assert snapshot(pictures) == before
    again = fovea("sort", "--undo")
    assert (again.code, "No matching sorting" in again.err) == (2, True)


def test_class_folders_are_in_those_of_their_groups(fovea: Fovea, pictures: Path, sorted_to: Path) -> None:
    asked = ("sort", pictures, "--to", sorted_to, "--model", "colours", "--groups", "--threshold", "0")
    ran = fovea(*asked)
    assert ran.code == 2
    assert "The classes of “colours” are in no groups." in ran.err
    groups = Hierarchy((("warm", "red"), ("cold", "green"), ("cold", "blue")), 0.7)
    library.open_library().install(*tiny.packaged_model("colours", hierarchy=groups))
    assert fovea(*asked).code == 0
    found = [name for name in files(sorted_to) if "grey" not in name]
    assert found == ["cold/blue/blue.png", "cold/green/green.png", "warm/red/red.png"]


def test_a_dry_run_shows_every_step_and_changes_nothing(fovea: Fovea, pictures: Path, sorted_to: Path) -> None:
    (pictures / "torn.png").write_bytes(b"torn")
    (sorted_to / "red").mkdir(parents=True)
    (sorted_to / "red" / "red.png").write_bytes(b"theirs")
    before = snapshot(pictures, sorted_to)
    asked = ("sort", pictures, "--to", sorted_to, "--model", "colours", "--by", "move", "--flat", "--threshold", "0.5")
    ran = fovea(*asked, "--dry-run")
    assert ran.code == 1, "one of the images cannot be read"
    assert re.search(r"^red\.png +red/red \(2\)\.png +\d+\.\d% +Renamed", ran.out, re.MULTILINE)
    assert re.search(r"^torn\.png +stays", ran.out, re.MULTILINE)
    assert "Nothing was changed" in ran.err
    assert "At 50% confidence or more, 75.0% of the photos are accepted. How many of them are wrong isn't" in ran.err
    expected: dict[str, Any] = json.loads(fovea(*asked, "--dry-run", "--format", "json").out)
    assert (expected["photos"], expected["left"], expected["renamed"], expected["by"]) == (4, 1, 1, "move")
    accepted = {"threshold": 0.5, "accepted": 3, "images": 4, "is_measured": False, "by_classes": False}
    assert expected["acceptance"] == accepted | {"accuracy": None, "drift": None}
    steps = {Path(step["source"]).name: step for step in expected["steps"]}
    assert len(steps) == 5
    assert steps["red.png"]["target"] == str(sorted_to / "red" / "red (2).png")
    assert steps["torn.png"]["target"] is None
    assert snapshot(pictures, sorted_to) == before
    assert json.loads(fovea("sort", "--list", "--format", "json").out) == []


@pytest.mark.parametrize("by", ["copy", "move"])
def test_a_second_sorting_with_nothing_to_do_says_so(fovea: Fovea, pictures: Path, sorted_to: Path, by: str) -> None:
    asked = ("sort", pictures, "--to", sorted_to, "--model", "colours", "--by", by)
    assert fovea(*asked).code == 0
    before = snapshot(sorted_to)
    for more in ((), ("--format", "json"), ("--dry-run",)):
        again = fovea(*asked, *more)
        assert (again.code, snapshot(sorted_to)) == (0, before), again.err
    assert "Nothing to sort" in fovea(*asked).err
    assert json.loads(fovea(*asked, "--format", "json").out)["sorted"] == 0


def test_companions_are_listed_before_and_counted_after(fovea: Fovea, pictures: Path, sorted_to: Path) -> None:
    (pictures / "red.mov").write_bytes(b"movie")
    asked = ("sort", pictures, "--to", sorted_to, "--model", "colours", "--by", "move")
    assert re.search(r"^red\.png .*With red\.mov", fovea(*asked, "--dry-run").out, re.MULTILINE)
    steps = json.loads(fovea(*asked, "--dry-run", "--format", "json").out)["steps"]
    (red,) = (step for step in steps if step["companions"])
    assert red["companions"][0]["target"] == str(Path(red["target"]).with_suffix(".mov"))
    err = fovea(*asked).err
    assert "Sorted 4 photos into" in err
    assert "Included 1 companion file." in err
    assert not (pictures / "red.mov").exists()


def test_what_is_classified_already_is_not_computed_again(fovea: Fovea, pictures: Path, sorted_to: Path) -> None:
    fovea("classify", pictures, "--recursive", "--model", "colours")
    ran = fovea("sort", pictures, "--to", sorted_to, "--dry-run")
    assert re.search(r"4 images, 0 new, 0 failed, colours", ran.err), "by the model that classified the folder"


def test_labels_of_the_user_take_precedence(fovea: Fovea, pictures: Path, sorted_to: Path) -> None:
    fovea("classify", pictures, "--recursive", "--model", "colours")
    with ResultStore(job_id(JobRequest(pictures, recursive=True))) as answers:
        (red,) = [row.number for row in answers.each(View()) if row.path.name == "red.png"]
        answers.set_reviews({red: Review(Verdict.CORRECTED, "rose")})
    fovea("sort", pictures, "--to", sorted_to)
    assert "rose/red.png" in files(sorted_to)


def test_json_shows_what_was_done(fovea: Fovea, pictures: Path, sorted_to: Path) -> None:
    ran = fovea("sort", pictures, "--to", sorted_to, "--model", "colours", "--format", "json", "--threshold", "0")
    expected = json.loads(ran.out)
    assert (expected["state"], expected["sorted"], expected["failed"], expected["left"]) == ("sorted", 4, 0, 0)
    assert sum(expected["folders"].values()) == 4
    (sorted_to / "red" / "red.png").write_bytes(b"edited")
    back = fovea("sort", "--undo", expected["id"], "--format", "json")
    undone = json.loads(back.out)
    assert (back.code, undone["undone"], undone["kept"]) == (1, 3, 1)
    assert undone["remarks"] == [{"path": str(sorted_to / "red" / "red.png"), "why": "It was changed after sorting."}]
    assert "It was changed after sorting" in back.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "FOLDER and --to DEST are required"),
        (("photos",), "FOLDER and --to DEST are required"),
        (("--to", "x"), "FOLDER and --to DEST are required"),
        (("--undo", "nothing"), "No sorting “nothing”"),
        (("--continue",), "No matching sorting"),
        (("nowhere", "--to", "x"), "There is no folder"),
        (("photos", "--to", "x", "--by", "magic"), "invalid choice"),
        (("--undo", "--list"), "not allowed with"),
    ],
)
def test_invalid_requests_are_reported(fovea: Fovea, arguments: tuple[str, ...], expected: str) -> None:
    ran = fovea("sort", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert expected in ran.err


def test_a_destination_in_the_folder_is_refused_before_any_image_is_read(
    fovea: Fovea, pictures: Path, home: Path
) -> None:
    ran = fovea("sort", pictures, "--to", pictures / "sorted", "--model", "colours")
    assert (ran.code, "is inside the folder to sort" in ran.err) == (2, True)
    assert "images" not in ran.err.replace("images/s", "")
    assert not (home / "jobs").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_names_that_are_no_text_are_sorted_and_told(fovea: Fovea, tmp_path: Path, sorted_to: Path) -> None:
    data = tiny.write_solid(tmp_path / "red.png", "red").read_bytes()
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in (b"caf\xe9.png", b"two\nlines.png", b"-rf.png"):
        (folder / os.fsdecode(name)).write_bytes(data)
    ran = fovea("sort", folder, "--to", sorted_to, "--model", "colours", "--dry-run")
    assert "caf\\xe9.png" in ran.out
    assert "two\\nlines.png" in ran.out
    assert fovea("sort", folder, "--to", sorted_to, "--model", "colours").code == 0
    found = {os.fsencode(path.name) for path in (sorted_to / "red").iterdir()}
    assert found == {b"caf\xe9.png", b"two\nlines.png", b"-rf.png"}
