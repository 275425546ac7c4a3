"""`fovea dataset check`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from tests import teaching
from tests.core.cli.conftest import Fovea


@pytest.fixture(autouse=True)
def _tiny_backbone(home: Path) -> None:
    teaching.replace_backbone(home)


def test_wrong_labels_are_listed_with_the_suggested_class(fovea: Fovea, tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "pictures", 12)
    wrong = (folder / "red" / "0.png").rename(folder / "green" / "wrong.png")
    ran = fovea("dataset", "check", folder)
    assert ran.code == 0
    line = next(line for line in ran.out.splitlines() if line.startswith(str(wrong)))
    assert line.split()[1:3] == ["green", "red"]
    assert "labels checked  36" in ran.out
    content = json.loads(fovea("dataset", "check", folder, "--format", "json").out)
    first = content["label_errors"][0]
    assert (first["path"], first["label"], first["predicted"]) == (str(wrong), "green", "red")
    assert first["probability"] < first["confidence"] <= 1
    assert (content["images"], content["checked"], content["computed"]) == (36, 36, 0)


def test_a_folder_without_findings_and_one_with_a_damaged_file(fovea: Fovea, tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "pictures", 12)
    ran = fovea("dataset", "check", folder)
    assert (ran.code, "No label looks wrong." in ran.out) == (0, True)
    (folder / "red" / "broken.png").write_bytes(b"nothing")
    ran = fovea("dataset", "check", folder, "--format", "json")
    assert ran.code == 1
    (problem,) = (one for one in json.loads(ran.out)["problems"] if one["kind"] == "unreadable")
    assert problem["paths"] == [str(folder / "red" / "broken.png")]


def test_an_empty_folder_reports_why(fovea: Fovea, tmp_path: Path) -> None:
    ran = fovea("dataset", "check", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "contains no images" in ran.err


def test_classes_that_images_lack_or_have_too_much_are_listed(fovea: Fovea, tmp_path: Path) -> None:
    labels = teaching.write_label_sets(tmp_path / "photos", 60)
    without = next(name for name, classes in labels.items() if classes == ("green",))
    lacking = next(name for name, classes in labels.items() if classes == ("red", "blue"))
    wrong = labels | {without: ("green", "red"), lacking: ("red",)}
    table = teaching.write_table(tmp_path / "labels.csv", wrong)
    content = json.loads(fovea("dataset", "check", tmp_path / "photos", "--labels", table, "--format", "json").out)
    assert (content["images"], content["checked"], content["classes"]) == (60, 60, ["blue", "green", "red"])
    first = {(Path(one["path"]).name, one["class"]): one for one in content["label_errors"][:4]}
    assert {(without, "red"), (lacking, "blue")} <= set(first)
    assert [first[key]["labelled"] for key in ((without, "red"), (lacking, "blue"))] == [True, False]
    assert first[(without, "red")]["probability"] < 0.5 < first[(lacking, "blue")]["probability"]
    ran = fovea("dataset", "check", tmp_path / "photos", "--labels", table)
    line = next(line for line in ran.out.splitlines() if without in line)
    assert line.split(without)[1].split()[:5] == ["red", "labelled,", "but", "not", "predicted"]


def test_copies_with_other_sets_are_reported(fovea: Fovea, tmp_path: Path) -> None:
    labels = teaching.write_label_sets(tmp_path / "photos", 40)
    one = next(name for name, classes in labels.items() if classes == ("green",))
    ImageOps.mirror(Image.open(tmp_path / "photos" / one)).save(tmp_path / "photos" / "mirrored.png")
    table = teaching.write_table(tmp_path / "labels.csv", labels | {"mirrored.png": ("green", "red")})
    content = json.loads(fovea("dataset", "check", tmp_path / "photos", "--labels", table, "--format", "json").out)
    pairs = [
        {Path(path).name for path in found["paths"]}
        for found in content["problems"]
        if "different labels" in found["message"]
    ]
    assert any({one, "mirrored.png"} <= names for names in pairs)
