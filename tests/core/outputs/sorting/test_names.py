"""Unique names that are valid on every system."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.outputs.sorting.names import NameAllocator, casefold_key, folder_name, numbered


@pytest.mark.parametrize(
    ("label", "name"),
    [
        *(("cat", "cat"), ("German shepherd", "German shepherd"), ("Ünïcödé", "Ünïcödé"), ("猫", "猫")),
        *(("a/b", "a_b"), ("..", "_"), (".", "_"), ("", "_"), ("   ", "_"), (".git", "git"), ("x. .", "x")),
        *(("CON", "_CON"), ("nul.txt", "_nul.txt"), ("Com1", "_Com1"), ("console", "console"), ("com10", "com10")),
        *(('<>:"/\\|?*', "_________"), ("tab\there", "tab_here"), ("caf\udce9", "caf_"), ("u\u0308", "ü")),
    ],
)
def test_labels_become_valid_folder_names(label: str, name: str) -> None:
    assert folder_name(label) == name


def test_a_long_label_is_truncated_between_characters() -> None:
    name = folder_name("猫" * 300)
    assert len(name.encode()) <= 120
    assert set(name) == {"猫"}


@given(st.text())
def test_any_label_becomes_a_folder_s_name(label: str) -> None:
    name = folder_name(label)
    assert name
    assert name not in {".", ".."}
    assert not set(name) & set('<>:"/\\|?*\0')
    assert not name.startswith(".")
    assert not name.endswith((" ", "."))
    assert len(os.fsencode(name)) <= 200


def test_numbers_precede_the_suffix_and_names_are_never_too_long() -> None:
    assert numbered("photo.jpg", 1) == "photo.jpg"
    assert numbered("photo.jpg", 2) == "photo (2).jpg"
    assert numbered("photo", 10) == "photo (10)"
    long = numbered("ü" * 125 + ".jpeg", 12)
    assert long.endswith(" (12).jpeg")
    assert len(os.fsencode(long)) <= 255
    assert len(os.fsencode(numbered("a." + "b" * 253, 2))) <= 255


class NoDisk:
    """An empty destination, and files that are all different, or all identical."""

    def __init__(self, *, alike: bool = False, there: dict[str, dict[str, bool]] | None = None) -> None:
        self._alike, self._there = alike, there or {}
        self.compared = 0

    def entries(self, folder: PurePath) -> dict[str, bool]:
        return self._there.get(folder.as_posix(), {})

    def size(self, file: Path) -> int:
        return 1

    def same(self, one: Path, other: Path) -> bool:
        self.compared += 1
        return self._alike


def test_many_files_of_one_name_are_numbered_efficiently() -> None:
    names = NameAllocator(Path("/to"), NoDisk())
    given_out = [names.file(PurePath("cat"), "IMG.jpg", Path(f"/from/{n}"), n)[0].name for n in range(3000)]
    assert given_out[:3] == ["IMG.jpg", "IMG (2).jpg", "IMG (3).jpg"]
    assert len({casefold_key(name) for name in given_out}) == 3000


def test_only_files_of_the_same_size_are_compared() -> None:
    disk = NoDisk()
    names = NameAllocator(Path("/to"), disk)
    for number in range(100):
        names.file(PurePath(), "a", Path(f"/from/{number}"), number)
    assert disk.compared == 0


def test_an_existing_folder_is_used_with_its_spelling() -> None:
    names = NameAllocator(Path("/to"), NoDisk(there={".": {"Cat": True, "dog": False, "Fish": True, "fish": True}}))
    assert names.folder(PurePath(), "cat", "cat").name == "Cat"
    assert names.folder(PurePath(), "dog", "dog").name == "dog (2)", "a file of that name is there"
    assert names.folder(PurePath(), "fish", "fish").name == "fish"
    assert names.folder(PurePath(), "CAT", "CAT").name == "CAT (2)", "it means another class"
    assert names.folder(PurePath(), "cat", "cat").name == "Cat"


def test_a_file_never_takes_a_folder_s_name() -> None:
    names = NameAllocator(Path("/to"), NoDisk(alike=True, there={".": {"x.jpg": True}}))
    assert names.file(PurePath(), "X.jpg", Path("/from/X.jpg"), 1) == (PurePath("X (2).jpg"), None)
    folder = names.folder(PurePath(), "y.jpg", "y.jpg")
    assert names.file(PurePath(), folder.name, Path("/from/y.jpg"), 1) == (PurePath("y (2).jpg"), None)
