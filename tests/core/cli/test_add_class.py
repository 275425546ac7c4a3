"""`fovea models add-class`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.datasets.label_file import has_labels, open_labels
from core.models.library import open_library
from tests import teaching, tiny
from tests.core.cli.conftest import Fovea


@pytest.fixture
def model(fovea: Fovea, home: Path, tmp_path: Path) -> str:
    """A model that was trained here."""
    teaching.replace_backbone(home)
    folder = teaching.write_labelled(tmp_path / "pictures", 6)
    assert fovea("train", folder, "--name", "mine").code == 0
    return "mine"


@pytest.fixture
def greys(tmp_path: Path) -> Path:
    """Images of none of its classes."""
    for side in (40, 44, 48):
        tiny.write_solid(tmp_path / "greys" / f"{side}.png", "grey", size=(side, 40))
    return tmp_path / "greys"


def test_a_class_is_added_by_images(fovea: Fovea, model: str, greys: Path) -> None:
    ran = fovea("models", "add-class", model, "ash", greys, "--format", "json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert (report["version"], report["from_version"], report["images"], report["correct"]) == (2, 1, 3, 3)
    assert "now uses version 2" in ran.err
    found = open_library().find(model)
    assert found.card.classes == ("ash", "blue", "green", "red")
    with open_labels() as store:
        labels = store.of_model(model, ())
    assert {path.name: one.label for path, one in labels.items()} == {f"{side}.png": "ash" for side in (40, 44, 48)}
    answer = json.loads(fovea("classify", greys / "40.png", "--model", model, "--format", "jsonl").out)
    assert answer["label"] == "ash"
    assert fovea("models", "rollback", model).code == 0
    assert open_library().find(model).card.classes == ("blue", "green", "red")


def test_images_that_cannot_be_read_are_left_out(fovea: Fovea, model: str, greys: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_text("not an image")
    ran = fovea("models", "add-class", model, "ash", greys, tmp_path / "broken.jpg")
    assert ran.code == 1
    assert "broken.jpg" in ran.err
    assert "3 images, 3 right now" in ran.out


def test_nothing_is_labelled_where_nothing_can_be_learned(fovea: Fovea, greys: Path, tmp_path: Path) -> None:
    open_library().install(*tiny.packaged_model("colours"))
    ran = fovea("models", "add-class", "colours", "ash", greys)
    assert ran.code == 2
    assert "--keep-classes-of colours" in ran.err
    (tmp_path / "empty").mkdir()
    assert fovea("models", "add-class", "nobody", "ash", greys).code == 2
    assert not has_labels()


def test_a_class_needs_a_name_and_images(fovea: Fovea, model: str, greys: Path, tmp_path: Path) -> None:
    assert "no name" in fovea("models", "add-class", model, " ", greys).err
    (tmp_path / "empty").mkdir()
    assert "no images" in fovea("models", "add-class", model, "ash", tmp_path / "empty").err
    assert open_library().find(model).version == 1
