"""Sets put together in the window: ordinary class folders, each change of which can be undone."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from core.base import paths
from core.base.errors import StorageError, UsageError
from core.base.progress import CancelToken
from core.datasets import custom_datasets
from core.datasets.custom_datasets import AddClass, AddPhotos, MovePhotos, RemoveClass, RenameClass, change, undo
from core.datasets.dataset import read_dataset
from tests import teaching


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "photos", 4)


@pytest.fixture
def made(home: Path) -> Path:
    return custom_datasets.new_set("Birds")


def held(folder: Path) -> dict[str, list[str]]:
    return {one.label: [photo.name for photo in one.photos] for one in custom_datasets.classes_of(folder)}


def photos(source: Path, label: str) -> tuple[Path, ...]:
    return tuple(sorted((source / label).iterdir()))


def test_it_is_an_ordinary_folder_of_classes(made: Path, source: Path) -> None:
    for label in ("red", "green"):
        change(made, AddPhotos(label, photos(source, label)))
    dataset = read_dataset(made, report=lambda _: None, token=CancelToken())
    assert dataset.classes == ("green", "red")
    assert len(dataset.examples) == 8
    assert (made / "red" / "0.png").samefile(source / "red" / "0.png"), "linked, not copied"
    assert custom_datasets.built_sets() == (made,)
    assert custom_datasets.is_built(made)
    assert not custom_datasets.is_built(source)


def test_what_was_dropped_twice_is_there_once(made: Path, source: Path) -> None:
    change(made, AddPhotos("red", photos(source, "red")))
    assert change(made, AddPhotos("red", photos(source, "red"))) == ()
    assert len(held(made)["red"]) == 4


def test_photos_of_one_name_get_numbers(made: Path, source: Path) -> None:
    change(made, AddPhotos("all", (source / "red", source / "green" / "0.png")))
    assert held(made)["all"] == ["0 2.png", "0.png", "1.png", "2.png", "3.png"]


def test_where_nothing_can_be_linked_it_is_copied(made: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", refuse)
    change(made, AddPhotos("red", photos(source, "red")))
    assert (made / "red" / "0.png").read_bytes() == (source / "red" / "0.png").read_bytes()
    assert not (made / "red" / "0.png").samefile(source / "red" / "0.png")


def test_every_change_is_undone(made: Path, source: Path) -> None:
    change(made, AddPhotos("red", photos(source, "red")))
    change(made, AddPhotos("green", photos(source, "green")))
    before = held(made)
    edits = (
        AddClass("blue"),
        AddPhotos("blue", photos(source, "blue")),
        RenameClass("red", "crimson"),
        RenameClass("red", "green"),
        RemoveClass("green"),
        MovePhotos((made / "red" / "1.png",), "green"),
        MovePhotos((made / "red" / "1.png", made / "red" / "2.png"), None),
        MovePhotos((made / "red" / "1.png",), "a class that is new"),
    )
    for edit in edits:
        moves = change(made, edit)
        assert held(made) != before, edit
        undo(moves)
        assert held(made) == before, edit
    assert {one.name for one in source.rglob("*.png")} == {f"{number}.png" for number in range(4)}


def test_two_classes_become_one(made: Path, source: Path) -> None:
    change(made, AddPhotos("red", photos(source, "red")))
    change(made, AddPhotos("green", photos(source, "green")))
    change(made, RenameClass("red", "green"))
    assert list(held(made)) == ["green"]
    assert len(held(made)["green"]) == 8


def test_a_set_is_renamed_and_tidied(made: Path, source: Path) -> None:
    change(made, AddPhotos("red", photos(source, "red")))
    change(made, RemoveClass("red"))
    other = custom_datasets.rename_set(made, "Garden birds")
    assert other == paths.built_sets() / "Garden birds"
    assert custom_datasets.built_sets() == (other,)
    custom_datasets.tidy(other)
    assert not list(other.iterdir())
    assert (source / "red" / "0.png").exists()
    custom_datasets.new_set("Birds")
    with pytest.raises(UsageError, match="There is a set called"):
        custom_datasets.rename_set(other, "Birds")


@pytest.mark.parametrize(
    ("asked", "name"), [("a/b", "a-b"), ("..", None), (" ", None), (".hidden", "hidden"), ("c:\\x", "c--x")]
)
def test_names_are_such_as_every_system_allows(made: Path, asked: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(UsageError, match="needs a name"):
            change(made, AddClass(asked))
    else:
        change(made, AddClass(asked))
        assert list(held(made)) == [name]


def test_names_of_sets_get_numbers(made: Path) -> None:
    assert custom_datasets.new_set("Birds").name == "Birds 2"


def test_what_fails_half_way_is_undone(made: Path, source: Path) -> None:
    change(made, AddPhotos("red", photos(source, "red")))
    before = held(made)
    with pytest.raises(StorageError):
        change(made, MovePhotos((made / "red" / "0.png", made / "red" / "gone.png"), None))
    assert held(made) == before


def test_nothing_to_add_is_told(made: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("no photo")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no photos"):
        change(made, AddPhotos("red", (tmp_path / "empty",)))
