"""What killed programs leave is removed by a later run; what a living one uses, and what is not ours, is not."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from core.base import leftovers
from core.base.leftovers import (
    partial_file,
    remove_own_files,
    remove_stale_folders,
    remove_stale_partials,
    temporary_folder,
)
from core.base.locks import try_lock

PART = ".fovea-0123456789abcdef.part"


@pytest.fixture(autouse=True)
def _nothing_swept_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(leftovers, "_cleaned", set())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_parts_that_nobody_holds_are_removed(tmp_path: Path) -> None:
    (tmp_path / PART).write_bytes(b"half a file")
    with partial_file(tmp_path / "results.csv") as (part, file):
        assert not (tmp_path / PART).exists()
        file.write(b"x")
        file.flush()
        leftovers._cleaned.clear()
        remove_stale_partials(tmp_path)
        assert part.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name", [".fovea-20261129-231426-8c-3.part", "mine.part", ".fovea-0123456789abcdef.part.jpg", "fovea-notes"]
)
def test_what_is_not_a_part_of_ours_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"theirs")
    remove_stale_partials(tmp_path)
    remove_stale_folders(tmp_path)
    assert (tmp_path / name).exists()


def test_a_part_that_is_just_being_made_stays(tmp_path: Path) -> None:
    (tmp_path / PART).touch()
    remove_stale_partials(tmp_path)
    assert (tmp_path / PART).exists()
    os.utime(tmp_path / PART, (0, 0))
    leftovers._cleaned.clear()
    remove_stale_partials(tmp_path)
    assert not (tmp_path / PART).exists()


def test_temporary_folders_that_nobody_holds_are_removed(tmp_path: Path) -> None:
    left = tmp_path / "fovea-rows-abc"
    left.mkdir()
    (left / ".fovea-owner").touch()
    (left / "rows").write_bytes(b"x")
    (tmp_path / "fovea-backup").mkdir()
    with temporary_folder("rows") as ours:
        assert not left.exists()
        leftovers._cleaned.clear()
        remove_stale_folders(tmp_path)
        assert ours.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["fovea-backup"]


def test_what_a_process_has_goes_when_it_is_ended(tmp_path: Path) -> None:
    with partial_file(tmp_path / "a") as (part, _), temporary_folder("rows") as folder:
        remove_own_files()
        assert not part.exists()
        assert not folder.exists()


def test_a_held_part_is_known_by_its_lock(tmp_path: Path) -> None:
    (tmp_path / PART).write_bytes(b"x")
    with (tmp_path / PART).open("rb") as file:
        assert try_lock(file)
        remove_stale_partials(tmp_path)
        assert (tmp_path / PART).exists()
