"""Reading a folder for the wizard: folders inside folders, and a file with a hierarchy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.base.progress import CancelToken
from core.datasets.folders import read
from core.datasets.values import FolderRead
from tests import samples

NESTED = "animal/bird/owl", "animal/bird/hawk", "animal/cat", "oak"


def folder(top: Path, *classes: str) -> Path:
    """Two photos in each of these folders."""
    for number, name in enumerate(classes):
        for copy in range(2):
            file = top / name / f"{copy}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(10 * number + copy).integers(0, 255, (32, 48, 3), dtype=np.uint8)
            file.write_bytes(samples.encoded(pixels, "PNG"))
    return top


def look(place: Path, **how: object) -> FolderRead:
    return read(place, report=lambda _: None, token=CancelToken(), **how)  # type: ignore[arg-type]


def names(found: FolderRead) -> list[str]:
    return [one.name for one in found.classes]


def test_folders_inside_folders_are_recognised_and_read_only_if_asked_for(tmp_path: Path) -> None:
    place = folder(tmp_path / "photos", *NESTED)
    flat = look(place)
    assert (names(flat), flat.has_nested, flat.nested, flat.paths) == (["animal", "oak"], True, False, {})
    nested = look(place, nested=True)
    assert (names(nested), nested.has_nested, nested.nested) == (["cat", "hawk", "oak", "owl"], True, True)
    assert nested.paths["owl"] == ("animal", "bird", "owl")


def test_a_single_folder_of_classes_is_recognised_although_it_has_too_few_classes(tmp_path: Path) -> None:
    found = look(folder(tmp_path / "photos", "animal/bird", "animal/cat"))
    assert found.error is not None
    assert found.has_nested


@pytest.mark.parametrize("classes", [("cat", "oak"), ("train/cat", "train/oak", "test/cat", "test/oak")])
def test_plain_classes_and_subsets_are_not_nested(tmp_path: Path, classes: tuple[str, ...]) -> None:
    assert not look(folder(tmp_path / "photos", *classes)).has_nested


def test_a_file_groups_the_classes_or_says_what_it_lacks(tmp_path: Path) -> None:
    place, file = folder(tmp_path / "photos", "cat", "oak"), tmp_path / "groups.txt"
    file.write_text("animal/cat\nplant/oak\n", "utf-8")
    found = look(place, hierarchy=file)
    assert found.error is None
    assert found.paths == {"cat": ("animal", "cat"), "oak": ("plant", "oak")}
    file.write_text("animal/cat\n", "utf-8")
    wrong = look(place, hierarchy=file)
    assert wrong.hierarchy == file
    assert "has no line for" in str(wrong.error)
