"""Custom datasets: ordinary class folders whose edits can be undone."""

from __future__ import annotations

import errno
import os
from datetime import datetime
from pathlib import Path

import pytest

from core.base import paths
from core.base.errors import StorageError, UsageError
from core.base.progress import CancelToken
from core.datasets import custom_datasets
from core.datasets.custom_datasets import AddClass, AddPhotos, MovePhotos, RemoveClass, RenameClass, apply_edit, undo
from core.datasets.dataset import read_dataset
from tests import teaching


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "photos", 4)


@pytest.fixture
def dataset(home: Path) -> Path:
    return custom_datasets.create_dataset("Birds")


def contents(folder: Path) -> dict[str, list[str]]:
    return {one.label: [photo.name for photo in one.photos] for one in custom_datasets.list_classes(folder)}


def photos(source: Path, label: str) -> tuple[Path, ...]:
    return tuple(sorted((source / label).iterdir()))


def test_it_is_an_ordinary_folder_of_classes(dataset: Path, source: Path) -> None:
    for label in ("red", "green"):
        apply_edit(dataset, AddPhotos(label, photos(source, label)))
    found = read_dataset(dataset, report=lambda _: None, token=CancelToken())
    assert found.classes == ("green", "red")
    assert len(found.examples) == 8
    assert (dataset / "red" / "0.png").samefile(source / "red" / "0.png"), "linked, not copied"
    assert custom_datasets.list_datasets() == (dataset,)
    assert custom_datasets.is_custom(dataset)
    assert not custom_datasets.is_custom(source)


def test_a_taken_photo_is_named_by_its_time_and_taken_out_again(dataset: Path) -> None:
    taken_at = datetime(2026, 3, 1, 9, 5, 7, 4_200)
    files = [custom_datasets.save_photo(dataset, " mug: blue ", b"jpeg", taken_at) for _ in range(2)]
    assert contents(dataset) == {"mug- blue": ["2026-03-01 09.05.07.004 2.jpg", "2026-03-01 09.05.07.004.jpg"]}
    assert {file.read_bytes() for file in files} == {b"jpeg"}
    moves = apply_edit(dataset, MovePhotos(tuple(files), None))
    assert contents(dataset) == {"mug- blue": []}
    undo(moves)
    assert len(contents(dataset)["mug- blue"]) == 2
    with pytest.raises(UsageError, match="no usable characters"):
        custom_datasets.save_photo(dataset, "...", b"jpeg", taken_at)


def test_photos_added_twice_occur_once(dataset: Path, source: Path) -> None:
    apply_edit(dataset, AddPhotos("red", photos(source, "red")))
    assert apply_edit(dataset, AddPhotos("red", photos(source, "red"))) == ()
    assert len(contents(dataset)["red"]) == 4


def test_photos_with_the_same_name_get_numbers(dataset: Path, source: Path) -> None:
    apply_edit(dataset, AddPhotos("all", (source / "red", source / "green" / "0.png")))
    assert contents(dataset)["all"] == ["0 2.png", "0.png", "1.png", "2.png", "3.png"]


def test_photos_are_copied_if_they_cannot_be_linked(
    dataset: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", refuse)
    apply_edit(dataset, AddPhotos("red", photos(source, "red")))
    assert (dataset / "red" / "0.png").read_bytes() == (source / "red" / "0.png").read_bytes()
    assert not (dataset / "red" / "0.png").samefile(source / "red" / "0.png")


def test_every_edit_can_be_undone(dataset: Path, source: Path) -> None:
    apply_edit(dataset, AddPhotos("red", photos(source, "red")))
    apply_edit(dataset, AddPhotos("green", photos(source, "green")))
    before = contents(dataset)
    edits = (
        AddClass("blue"),
        AddPhotos("blue", photos(source, "blue")),
        RenameClass("red", "crimson"),
        RenameClass("red", "green"),
        RemoveClass("green"),
        MovePhotos((dataset / "red" / "1.png",), "green"),
        MovePhotos((dataset / "red" / "1.png", dataset / "red" / "2.png"), None),
        MovePhotos((dataset / "red" / "1.png",), "a class that is new"),
    )
    for edit in edits:
        moves = apply_edit(dataset, edit)
        assert contents(dataset) != before, edit
        undo(moves)
        assert contents(dataset) == before, edit
    assert {one.name for one in source.rglob("*.png")} == {f"{number}.png" for number in range(4)}


def test_two_classes_can_be_merged(dataset: Path, source: Path) -> None:
    apply_edit(dataset, AddPhotos("red", photos(source, "red")))
    apply_edit(dataset, AddPhotos("green", photos(source, "green")))
    apply_edit(dataset, RenameClass("red", "green"))
    assert list(contents(dataset)) == ["green"]
    assert len(contents(dataset)["green"]) == 8


def test_a_dataset_is_renamed_and_cleaned_up(dataset: Path, source: Path) -> None:
    apply_edit(dataset, AddPhotos("red", photos(source, "red")))
    apply_edit(dataset, RemoveClass("red"))
    other = custom_datasets.rename_dataset(dataset, "Garden birds")
    assert other == paths.custom_datasets() / "Garden birds"
    assert custom_datasets.list_datasets() == (other,)
    custom_datasets.remove_stale_files(other)
    assert not list(other.iterdir())
    assert (source / "red" / "0.png").exists()
    custom_datasets.create_dataset("Birds")
    with pytest.raises(UsageError, match="There is already a dataset"):
        custom_datasets.rename_dataset(other, "Birds")


@pytest.mark.parametrize(
    ("asked", "name"), [("a/b", "a-b"), ("..", None), (" ", None), (".hidden", "hidden"), ("c:\\x", "c--x")]
)
def test_names_are_valid_on_every_system(dataset: Path, asked: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(UsageError, match="no usable characters"):
            apply_edit(dataset, AddClass(asked))
    else:
        apply_edit(dataset, AddClass(asked))
        assert list(contents(dataset)) == [name]


def test_duplicate_names_of_datasets_get_numbers(dataset: Path) -> None:
    assert custom_datasets.create_dataset("Birds").name == "Birds 2"


def test_a_failed_edit_is_rolled_back(dataset: Path, source: Path) -> None:
    apply_edit(dataset, AddPhotos("red", photos(source, "red")))
    before = contents(dataset)
    with pytest.raises(StorageError):
        apply_edit(dataset, MovePhotos((dataset / "red" / "0.png", dataset / "red" / "gone.png"), None))
    assert contents(dataset) == before


def test_adding_nothing_is_an_error(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("no photo")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="No photos found"):
        apply_edit(dataset, AddPhotos("red", (tmp_path / "empty",)))
