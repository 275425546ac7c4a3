"""`fovea models compare` run inside the test's process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.card import write_card
from core.models import library
from core.models.heads import LinearHead, head_bytes
from tests import tiny
from tests.core.cli.conftest import Fovea


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Two images of each class."""
    return tiny.write_labelled(tmp_path / "labelled")


@pytest.fixture(autouse=True)
def _two_versions(labelled: Path) -> None:
    """Version 1 takes green for blue and learnt from what is red; version 2 names all rightly and learnt from all."""
    head = tiny.head()
    weights = head.weights.copy()
    weights[:, 2] += weights[:, 1] * 2
    data = head_bytes(LinearHead(weights, head.bias))
    card = tiny.model_card("mine", backbone=tiny.backbone_card(name="mine-backbone"), head_data=data)
    sums = {path: tiny.sha256(path.read_bytes()) for path in labelled.rglob("*.png")}
    red = [sha256 for path, sha256 in sums.items() if path.parent.name == "red"]
    files = {tiny.HEAD_FILE: data, tiny.MODEL_FILE: tiny.backbone_bytes()}
    library.open_library().install(write_card(card), files, trained_on=red)
    library.open_library().install(*tiny.packaged_model("mine"), trained_on=list(sums.values()))


def test_json_has_what_scripts_rely_on(fovea: Fovea, labelled: Path) -> None:
    ran = fovea("models", "compare", "mine@1", "mine", labelled, "--format", "json")
    content = json.loads(ran.out)
    assert ran.code == 0
    assert (content["folder"], content["images"]) == (str(labelled), 6)
    a, b = content["a"], content["b"]
    assert (a["model"], a["version"], a["accuracy"], a["learnt_from"]) == ("mine", 1, 0.666667, 2)
    assert (b["model"], b["version"], b["accuracy"], b["learnt_from"]) == ("mine", 2, 1.0, 6)
    assert a["accuracy_interval_95"][0] < a["accuracy"] < a["accuracy_interval_95"][1]
    assert (content["only_a_right"], content["only_b_right"], content["p"]) == (0, 2, 0.5)
    assert content["verdict"] == "The difference could be chance."
    flips = content["flips"]
    assert {flip["path"] for flip in flips} == {str(labelled / "green" / f"{number}.png") for number in range(2)}
    assert {(flip["label"], flip["named_by_a"], flip["named_by_b"]) for flip in flips} == {("green", "blue", "green")}
    assert all(0 < flip["confidence_a"] <= 1 and 0 < flip["margin"] <= 1 for flip in flips)
    assert (content["failures"], content["problems"]) == ([], [])


def test_what_they_were_trained_on_is_reported(fovea: Fovea, labelled: Path) -> None:
    ran = fovea("models", "compare", "mine@1", "mine@2", labelled)
    for name, count in (("mine@1", 2), ("mine@2", 6)):
        assert f"“{name}” was trained on {count} of these 6 images, or on copies" in ran.err


def test_the_table_is_readable(fovea: Fovea, labelled: Path) -> None:
    lines = [line.split() for line in fovea("models", "compare", "mine@1", "mine@2", labelled).out.splitlines()]
    assert ["mine@1", "66.7%", "correct", "(95%", "confidence", "interval:", "30.0%", "to", "90.3%)"] in lines
    assert ["only", "mine@2", "correct", "2"] in lines
    assert ["McNemar's", "test", "p", "=", "0.5.", "The", "difference", "could", "be", "chance."] in lines
    flips = [line for line in lines if line and line[0].endswith(".png")]
    assert [flip[1] for flip in flips] == ["green", "green"]
    assert [(flip[2], flip[4]) for flip in flips] == [("blue", "green"), ("blue", "green")]


def test_where_they_do_not_differ_that_is_said(fovea: Fovea, labelled: Path) -> None:
    library.open_library().install(*tiny.packaged_model("other"))
    ran = fovea("models", "compare", "mine@2", "other", labelled)
    assert "Both are correct on the same images." in ran.out
    assert ".png" not in ran.out


def test_images_that_cannot_be_read_and_other_classes_are_reported(fovea: Fovea, labelled: Path) -> None:
    (labelled / "red" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    tiny.write_solid(labelled / "grey" / "0.png", "grey")
    ran = fovea("models", "compare", "mine@1", "mine@2", labelled, "--format", "json")
    content = json.loads(ran.out)
    assert (ran.code, content["images"]) == (1, 6)
    assert [Path(failure["path"]).name for failure in content["failures"]] == ["torn.png"]
    assert [problem["kind"] for problem in content["problems"]] == ["class-left-out"]
    assert "torn.png" in ran.err
    assert "not classes of both “mine@1” and “mine@2”: “grey” (1)" in ran.err


@pytest.mark.parametrize(
    ("a", "b", "place", "expected"),
    [
        ("mine", "mine@2", "labelled", "are the same model"),
        ("mine", "nobody", "labelled", "no model named “nobody”"),
        ("mine@9", "mine", "labelled", "no version 9"),
        ("mine@1", "mine@2", "nowhere", "nowhere"),
    ],
)
def test_invalid_comparisons_are_reported(
    fovea: Fovea, labelled: Path, a: str, b: str, place: str, expected: str
) -> None:
    ran = fovea("models", "compare", a, b, labelled.parent / place)
    assert (ran.code, ran.out) == (2, "")
    what, hint = ran.err.splitlines()
    assert expected in what
    assert hint.strip()


def test_help_explains(fovea: Fovea) -> None:
    ran = fovea("models", "compare", "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "McNemar" in ran.out


@pytest.fixture
def unlabelled(tmp_path: Path) -> Path:
    folder = tmp_path / "holiday"
    for number, colour in enumerate(("red", "green", "green", "blue")):
        tiny.write_solid(folder / "deep" / f"{number}.png", colour, size=(40 + number, 40))
    return folder


def test_unlabelled_photos_are_compared_by_prediction(fovea: Fovea, unlabelled: Path) -> None:
    content = json.loads(fovea("models", "compare", "mine@1", "mine", unlabelled, "--format", "json").out)
    assert (content["labelled"], content["images"], content["agreed"]) == (False, 4, 2)
    assert content["a"] == {"model": "mine", "version": 1}
    flips = content["flips"]
    assert {Path(flip["path"]).name for flip in flips} == {"1.png", "2.png"}
    assert {(flip["label"], flip["named_by_a"], flip["named_by_b"]) for flip in flips} == {(None, "blue", "green")}
    assert all(0 < flip["margin"] <= 1 for flip in flips)


def test_the_table_of_unlabelled_photos_has_no_accuracy(fovea: Fovea, unlabelled: Path) -> None:
    (unlabelled / "broken.png").write_bytes(b"")
    ran = fovea("models", "compare", "mine@1", "mine", unlabelled)
    assert ran.code == 1
    assert "2 (50.0%)" in ran.out
    assert "no labels of classes that both models know" in ran.out
    assert "broken.png" in ran.err


def test_a_folder_without_photos_is_refused(fovea: Fovea, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, what in (("empty", "No photos"), ("missing", "missing")):
        ran = fovea("models", "compare", "mine@1", "mine", tmp_path / folder)
        assert ran.code == 2
        assert what in ran.err
