"""A model with a hierarchy of classes: trained, used, evaluated, corrected and shared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import api
from core.base.progress import CancelToken
from core.base.providers import ProviderPreference
from core.card_rules import Hierarchy
from core.models import library
from core.outputs.keywords.exiftool import KeywordError, find_exiftool
from core.training.request import RetrainRequest
from tests import teaching, tiny
from tests.core.cli.conftest import Fovea
from tests.labels import correction, give

PATHS = ("cold", "blue"), ("cold", "green"), ("red",)


@pytest.fixture(autouse=True)
def _tiny_backbone(home: Path) -> None:
    teaching.replace_backbone(home)


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """Red images, and green and blue ones in a folder `cold`."""
    folder = tmp_path / "nested"
    teaching.write_labelled(folder / "cold", 12, classes=("green", "blue"))
    return teaching.write_labelled(folder, 12, classes=("red",), seed=1)


def hierarchy(name: str) -> Hierarchy | None:
    return library.open_library().find(name).card.hierarchy


def classified(fovea: Fovea, *photos: Path) -> list[dict[str, object]]:
    ran = fovea("classify", *photos, "--model", "mine", "--format", "jsonl")
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def test_nested_folders_are_a_hierarchy_if_asked_for(fovea: Fovea, nested: Path) -> None:
    assert fovea("train", nested, "--name", "flat").code == 0
    assert library.open_library().find("flat").card.classes == ("cold", "red")
    assert hierarchy("flat") is None
    assert fovea("train", nested, "--name", "mine", "--nested").code == 0
    assert hierarchy("mine") == Hierarchy(PATHS)
    (found,) = classified(fovea, nested / "cold" / "green" / "1.png")
    assert found["label"] == "green"
    rolled_up = found["rolled_up"]
    assert isinstance(rolled_up, dict)
    assert rolled_up["path"][0] == "cold"
    assert 0.8 <= rolled_up["probability"] <= 1
    ran = fovea("evaluate", nested, "--model", "mine", "--format", "json")
    assert json.loads(ran.out)["images"] == 36
    assert "cold/green" in fovea("models", "show", "mine").out


def test_a_file_has_the_hierarchy(fovea: Fovea, tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "flat", 12)
    (tmp_path / "tree.txt").write_text("cold/green\nred\n")
    refused = fovea("train", folder, "--name", "mine", "--hierarchy", tmp_path / "tree.txt")
    assert refused.code == 2
    assert "“tree.txt” has no line for “blue”" in refused.err
    (tmp_path / "tree.txt").write_text("cold/green\ncold/blue\nred\n")
    assert fovea("train", folder, "--name", "mine", "--hierarchy", tmp_path / "tree.txt").code == 0
    assert hierarchy("mine") == Hierarchy(PATHS)


def test_a_folder_is_classified_again_once_the_classes_are_in_groups(fovea: Fovea, tmp_path: Path) -> None:
    """The head is the same, and the results are not."""
    folder = teaching.write_labelled(tmp_path / "flat", 12)
    (tmp_path / "tree.txt").write_text("cold/green\ncold/blue\nred\n")
    fovea("train", folder, "--name", "mine")
    assert [one["rolled_up"] for one in classified(fovea, folder / "green")] == [None] * 12
    fovea("train", folder, "--name", "mine", "--hierarchy", tmp_path / "tree.txt")
    assert None not in [one["rolled_up"] for one in classified(fovea, folder / "green")]


def test_corrections_keep_the_hierarchy(fovea: Fovea, nested: Path, tmp_path: Path) -> None:
    fovea("train", nested, "--name", "mine", "--nested")
    photos = [tiny.write_solid(tmp_path / f"{side}.png", "grey", size=(side, side)) for side in (40, 44, 48)]
    made = [correction(photo, "grey") for photo in photos]
    give(*made)
    asked = RetrainRequest("mine", 1, tuple(made), ProviderPreference.CPU)
    api.retrain(asked, report=lambda _: None, token=CancelToken())
    assert hierarchy("mine") == Hierarchy((*PATHS[:2], ("grey",), PATHS[2]))


def test_an_export_has_the_hierarchy(fovea: Fovea, nested: Path, tmp_path: Path) -> None:
    fovea("train", nested, "--name", "mine", "--nested")
    before = classified(fovea, nested / "cold" / "blue" / "3.png")[0]["rolled_up"]
    assert fovea("models", "export", "mine", tmp_path / "mine.onnx").code == 0
    fovea("models", "remove", "mine")
    assert fovea("models", "import", tmp_path / "mine.onnx").code == 0
    assert hierarchy("mine") == Hierarchy(PATHS)
    after = classified(fovea, nested / "cold" / "blue" / "3.png")[0]["rolled_up"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert after["path"] == before["path"]
    assert after["probability"] == pytest.approx(before["probability"], abs=1e-4)


def test_keywords_are_hierarchical(fovea: Fovea, nested: Path, tmp_path: Path) -> None:
    try:
        find_exiftool()
    except KeywordError as error:
        pytest.skip(str(error))
    fovea("train", nested, "--name", "mine", "--nested")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1.png").write_bytes((nested / "cold" / "green" / "1.png").read_bytes())
    written = fovea("keywords", tmp_path / "new", "--model", "mine", "--format", "jsonl", "--threshold", "0.5")
    assert written.code == 0, written.err
    text = (tmp_path / "new" / "1.png.xmp").read_text()
    assert "<rdf:li>green</rdf:li>" in text
    assert "<rdf:li>Fovea|cold|green</rdf:li>" in text
