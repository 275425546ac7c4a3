"""Folders inside class folders as classes of their own, where that was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base.errors import DatasetError
from core.base.progress import CancelToken
from core.datasets.discovery import Discovery, discover
from core.datasets.subsets import Subset


def find(folder: Path, *files: str, nested: bool = True) -> Discovery:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return discover(folder, CancelToken(), nested=nested)


def labels(found: Discovery, folder: Path) -> dict[str, tuple[str, Subset | None]]:
    return {one.path.relative_to(folder).as_posix(): (one.label, one.subset) for one in found.images}


FILES = "animal/bird/owl/1.jpg", "animal/bird/owl/2.jpg", "animal/bird/hawk/1.jpg", "animal/cat/1.jpg", "oak/1.jpg"


def test_the_innermost_folder_is_the_class(tmp_path: Path) -> None:
    found = find(tmp_path, *FILES)
    assert [one.label for one in found.images] == ["hawk", "owl", "owl", "cat", "oak"]
    assert found.paths == {
        "owl": ("animal", "bird", "owl"),
        "hawk": ("animal", "bird", "hawk"),
        "cat": ("animal", "cat"),
        "oak": ("oak",),
    }
    assert found.problems == []


def test_without_being_asked_the_outermost_folder_is_the_class(tmp_path: Path) -> None:
    found = find(tmp_path, *FILES, nested=False)
    assert [one.label for one in found.images] == ["animal"] * 4 + ["oak"]
    assert found.paths == {}


def test_a_group_can_have_images_of_its_own(tmp_path: Path) -> None:
    found = find(tmp_path, "animal/bird/1.jpg", "animal/bird/owl/1.jpg", "oak/1.jpg")
    assert found.paths["bird"] == ("animal", "bird")
    assert found.paths["owl"] == ("animal", "bird", "owl")


def test_subsets_have_the_same_hierarchy(tmp_path: Path) -> None:
    files = [f"{part}/animal/{name}/1.jpg" for part in ("train", "test") for name in ("owl", "cat")]
    found = find(tmp_path, *files)
    assert labels(found, tmp_path) == {
        "train/animal/cat/1.jpg": ("cat", Subset.TRAIN),
        "train/animal/owl/1.jpg": ("owl", Subset.TRAIN),
        "test/animal/cat/1.jpg": ("cat", Subset.TEST),
        "test/animal/owl/1.jpg": ("owl", Subset.TEST),
    }
    assert found.paths == {"cat": ("animal", "cat"), "owl": ("animal", "owl")}
    assert found.problems == []


def test_two_classes_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Two classes have the same name: “animal/bat” and “sport/bat”") as caught:
        find(tmp_path, "animal/bat/1.jpg", "sport/bat/1.jpg")
    assert "“bat (sport)”" in caught.value.hint
