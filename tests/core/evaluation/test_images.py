"""The images of a folder that several models with different classes are evaluated on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from core.base.errors import DatasetError
from core.base.progress import CancelToken
from core.evaluation.images import EvaluationImages, match_labels, read_images
from tests import tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One image of each class, and a grey one."""
    for colour in tiny.SOLID:
        tiny.write_solid(tmp_path / "set" / colour / "0.png", colour)
    return tmp_path / "set"


def read(folder: Path, *classes: Sequence[str]) -> EvaluationImages:
    return read_images(folder, classes, "the models", report=lambda _: None, token=CancelToken())


def test_images_are_returned_with_their_hashes(folder: Path) -> None:
    images = read(folder, tuple(tiny.SOLID)).images
    assert [image.label for image in images] == ["blue", "green", "grey", "red"]
    assert [image.sha256 for image in images] == [tiny.sha256(image.path.read_bytes()) for image in images]


def test_only_classes_of_all_models_are_used(folder: Path) -> None:
    found = read(folder, ("red", "green", "blue"), ("grey", "blue", "red"))
    assert [image.label for image in found.images] == ["blue", "red"]
    (problem,) = found.problems
    assert problem.message == "Left out folders that are not classes of the models: “green” (1), “grey” (1)."


def test_models_without_a_common_class_cannot_be_compared(folder: Path) -> None:
    with pytest.raises(DatasetError, match="No folder has the name of a class of the models"):
        read(folder, ("red", "green"), ("blue", "grey"))


def test_labels_match_exactly_or_by_case_if_unambiguous() -> None:
    assert match_labels(["cat", "Dog", "bird"], ["dog", "Cat", "cat"]) == {"cat": 2, "Dog": 0}
    assert match_labels(["CAT"], ["Cat", "cat"]) == {}
    assert match_labels(["Caf\u00e9"], ["cafe\u0301"]) == {"Caf\u00e9": 0}
