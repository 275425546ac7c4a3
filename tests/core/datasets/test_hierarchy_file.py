"""Hierarchies in text files."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base.errors import DatasetError
from core.datasets.hierarchy_file import read_hierarchy_file


def read(tmp_path: Path, content: bytes, *classes: str) -> dict[str, tuple[str, ...]]:
    (tmp_path / "tree.txt").write_bytes(content)
    return read_hierarchy_file(tmp_path / "tree.txt", classes)


def test_each_line_has_the_levels_of_a_class(tmp_path: Path) -> None:
    content = "\ufeff# birds and others\r\n\r\n animal / bird/Owl \r\nanimal/cat\noak\nplant/rose".encode()
    assert read(tmp_path, content, "oak", "owl", "cat") == {
        "oak": ("oak",),
        "owl": ("animal", "bird", "owl"),
        "cat": ("animal", "cat"),
    }


def test_every_class_needs_a_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"“tree\.txt” has no line for “cat”"):
        read(tmp_path, b"animal/owl", "owl", "cat")


def test_a_class_cannot_be_in_two_groups(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="same name: “animal/bat” and “sport/Bat”") as caught:
        read(tmp_path, b"animal/bat\nanimal/bat\nsport/Bat", "bat", "x")
    assert "“Bat (sport)”" in caught.value.hint


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "tree.txt"
    if content:
        file.write_bytes(content)
    with pytest.raises(DatasetError, match=r"Couldn't read the hierarchy “tree\.txt”") as caught:
        read_hierarchy_file(file, ("a",))
    assert ("Check that the file exists" in caught.value.hint) is (content is None)
