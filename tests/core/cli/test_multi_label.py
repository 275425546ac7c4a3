"""Models whose images may have several classes, on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from core.models import library
from tests import teaching
from tests.core.cli.conftest import Fovea


@pytest.fixture(autouse=True)
def _tiny_backbone(home: Path) -> None:
    teaching.replace_backbone(home)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    teaching.write_table(tmp_path / "labels.csv", teaching.write_label_sets(tmp_path / "photos", 100))
    return tmp_path / "photos"


def test_a_model_is_trained_by_a_table(fovea: Fovea, folder: Path) -> None:
    table = folder.parent / "labels.csv"
    ran = fovea("train", folder, "--name", "mine", "--labels", table, "--format", "json")
    assert ran.code == 0
    content = json.loads(ran.out)
    assert content["classes"] == ["blue", "green", "red"]
    assert content["mean_average_precision"] > 0.9
    assert content["accuracy"] == content["exact_match"] > 0.5
    assert (content["confusion"], content["outlook"]) == (None, None)
    assert len(content["thresholds"]) == 3
    assert "--labels labels.csv" in content["training"]["command"]
    card = library.open_library().find("mine").card
    assert card.is_multi_label
    shown = fovea("train", folder, "--name", "mine", "--labels", table).out
    assert "mean average precision" in shown
    assert "threshold" in shown


def test_a_model_is_evaluated_on_the_labels_of_a_table(fovea: Fovea, folder: Path, tmp_path: Path) -> None:
    fovea("train", folder, "--name", "mine", "--labels", folder.parent / "labels.csv")
    others = teaching.write_label_sets(tmp_path / "others", 30, seed=5)
    table = teaching.write_table(tmp_path / "others.csv", others | {"0.png": ("red", "violet")})
    report = tmp_path / "report.html"
    arguments = ("evaluate", tmp_path / "others", "--model", "mine", "--labels", table)
    ran = fovea(*arguments, "--format", "json", "--report", report)
    assert ran.code == 0
    content = json.loads(ran.out)
    assert content["images"] == 30
    assert content["mean_average_precision"] > 0.9
    assert content["per_class"]["green"]["support"] == sum("green" in names for names in others.values()) - (
        "green" in others["0.png"]
    )
    assert "“violet” (1)" in ran.err
    assert "Average precision" in report.read_text()
    assert "all classes right" in fovea(*arguments).out


def test_a_folder_per_class_is_evaluated_with_copies_as_one_image(fovea: Fovea, folder: Path, tmp_path: Path) -> None:
    fovea("train", folder, "--name", "mine", "--labels", folder.parent / "labels.csv")
    for name in ("red", "green"):
        (tmp_path / "by class" / name).mkdir(parents=True)
    shutil.copy(folder / "0.png", tmp_path / "by class" / "red")
    shutil.copy(folder / "0.png", tmp_path / "by class" / "green" / "copy.png")
    content = json.loads(fovea("evaluate", tmp_path / "by class", "--model", "mine", "--format", "json").out)
    assert (content["images"], content["learnt_from"]) == (1, 1)
    assert [content["per_class"][name]["support"] for name in ("red", "green", "blue")] == [1, 1, 0]


def test_a_model_of_one_class_per_image_is_evaluated_by_folders(fovea: Fovea, folder: Path, tmp_path: Path) -> None:
    pictures = teaching.write_labelled(tmp_path / "pictures", 12)
    fovea("train", pictures, "--name", "mine")
    ran = fovea("evaluate", pictures, "--model", "mine", "--labels", folder.parent / "labels.csv")
    assert ran.code == 2
    assert "gives each image exactly one class" in ran.err


def test_only_one_source_of_labels_is_possible(fovea: Fovea, folder: Path) -> None:
    ran = fovea("train", folder, "--name", "mine", "--keywords", "--multi-label")
    assert ran.code == 2
    assert "not allowed with" in ran.err
    ran = fovea("train", folder, "--name", "mine", "--multi-label", "--recipe", "fine-tune")
    assert ran.code == 2
    assert "can't be fine-tuned" in ran.err
