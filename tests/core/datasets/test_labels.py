"""What a label is, which one a view shows, and what is learned."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import core
from core.datasets.labels import LEFT_OUT, OverriddenImage, Scope, folder_key, lineage, summarize
from tests.labels import correction

FOX = correction(Path("/photos/fox.jpg"), "fox", "animals", "dog", 0.62)
LATER = FOX.created_at + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("said", "label", "confidence", "unknown", "below", "doubtful"),
    [
        ("dog", "dog", 0.4, None, 0.5, True),
        ("dog", "dog", 0.5, None, 0.5, False),
        ("dog", "dog", 0.4, None, None, False),
        ("dog", "fox", 0.4, None, 0.5, False),
        ("dog", "dog", 0.4, True, 0.5, False),
        ("dog", "dog", 0.4, False, 0.5, False),
    ],
)
def test_a_confirmed_guess_of_an_earlier_version_is_ambiguous(
    said: str, label: str, confidence: float, unknown: bool | None, below: float | None, doubtful: bool
) -> None:
    made = replace(FOX, predicted=said, label=label, confidence=confidence, unknown=unknown)
    assert made.is_ambiguous(below) is doubtful
    assert made.is_confirmation is (said == label and not unknown)


def test_a_view_shows_the_most_recent_label_that_it_knows() -> None:
    animals, pets = Scope("animals"), Scope("pets", "", ("dog", "cat"))
    dog = replace(FOX, label="dog", created_at=LATER)
    assert animals.choose([]) is None
    assert animals.choose([FOX, replace(dog, model="pets")]) == FOX, "its classes are not known"
    assert Scope("animals", "", ("dog",)).choose([FOX, replace(dog, model="pets")]) == replace(dog, model="pets")
    assert Scope("animals", "", ("dog",)).choose(
        [replace(FOX, label="dog", model="pets"), replace(FOX, created_at=LATER)]
    )
    assert pets.choose([FOX]) is None, "a fox is no pet"
    assert pets.choose([replace(FOX, model="pets")]) is not None, "but the user may say so"


def test_a_photo_left_out_of_one_data_set_is_in_another() -> None:
    out = replace(FOX, model="", folder="one", label=LEFT_OUT)
    assert Scope("", "one", ("fox",)).choose([out]) == out
    assert Scope("", "other", ("fox",)).choose([out]) is None


def test_a_folder_is_the_same_by_whatever_links_it_is_reached(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "set")
    assert folder_key(tmp_path / "link") == folder_key(tmp_path / "set") != folder_key(tmp_path)


@pytest.mark.parametrize(
    ("training", "known"),
    [
        ({}, ()),
        ({"corrections": {"lineage": ["f0", "f1"]}}, ("f0", "f1")),
        ({"corrections": {"lineage": [7, "f1"]}}, ("f1",)),
        ({"corrections": {"lineage": "f1"}}, ()),
        ({"corrections": ["f1"]}, ()),
    ],
)
def test_a_card_records_its_lineage(training: dict[str, object], known: tuple[str, ...]) -> None:
    assert lineage(training) == known


def test_overrides_are_summarized_in_a_sentence() -> None:
    right, out = OverriddenImage(Path("a"), "x", "y"), OverriddenImage(Path("b"), "x", None)
    assert summarize([]) == ""
    assert summarize([right] * 3) == "You corrected 3 labels."
    assert summarize([out]) == "You excluded 1 photo."
    assert summarize([right, right, out, out]) == "You corrected 2 labels and excluded 2 photos."


def test_no_heavy_module_is_imported() -> None:
    heavy = {"numpy", "PIL", "onnx", "onnxruntime", "sqlite3"}
    code = f"import json, sys, core.datasets.labels; print(json.dumps(sorted({heavy} & set(sys.modules))))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(core.__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
