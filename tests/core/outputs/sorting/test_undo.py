"""Undo keeps and reports what was changed, and removes what sorting created, including empty folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from core.base.errors import Cancelled, UsageError
from core.outputs.sorting.record import SortingRecord
from core.outputs.sorting.records import sortings
from core.outputs.sorting.undo import undo
from core.outputs.sorting.values import SortingState, TransferMode
from tests.core.outputs.sorting.conftest import CancelledAfter, Sorter, classified_row, snapshot, write


def issues(id_: str) -> dict[str, str]:
    with SortingRecord(id_) as record:
        return {remark.path.name: remark.reason for remark in record.issues()}


@pytest.fixture
def photo(sorter: Sorter) -> Path:
    return sorter.add("a.jpg", b"photo")


def sort_one(sorter: Sorter, photo: Path, by: TransferMode) -> tuple[str, Path]:
    facts = sorter.sort([classified_row(photo)], sorter.request(by))
    return facts.id, sorter.destination / "cat" / "a.jpg"


@pytest.mark.parametrize("by", [TransferMode.COPY, TransferMode.MOVE])
def test_a_changed_photo_stays(sorter: Sorter, photo: Path, by: TransferMode) -> None:
    id_, target = sort_one(sorter, photo, by)
    target.write_bytes(b"edited by the user")
    facts = sorter.undo(id_)
    assert (facts.state, facts.undone) == (SortingState.UNDONE, 0)
    assert target.read_bytes() == b"edited by the user"
    assert issues(id_)["a.jpg"] == "It was changed after sorting."
    assert list(issues(id_)) == ["a.jpg"], "that its folder stays goes without saying"
    assert photo.exists() is (by is TransferMode.COPY)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not record changes of a file")
def test_a_hidden_change_is_found_by_the_hash(sorter: Sorter, photo: Path) -> None:
    id_, target = sort_one(sorter, photo, TransferMode.COPY)
    times = target.stat().st_atime_ns, target.stat().st_mtime_ns
    target.write_bytes(b"PHOTO")
    os.utime(target, ns=times)
    sorter.undo(id_)
    assert target.read_bytes() == b"PHOTO"


def test_a_photo_whose_permissions_changed_is_still_the_same(sorter: Sorter, photo: Path) -> None:
    id_, target = sort_one(sorter, photo, TransferMode.COPY)
    target.chmod(0o600)
    photo.chmod(0o600)
    assert sorter.undo(id_).kept == 0
    assert not target.exists()


@pytest.mark.parametrize("by", [TransferMode.COPY, TransferMode.HARDLINK])
def test_the_last_copy_is_never_removed(sorter: Sorter, photo: Path, by: TransferMode) -> None:
    id_, target = sort_one(sorter, photo, by)
    photo.unlink()
    sorter.undo(id_)
    assert target.read_bytes() == b"photo"
    assert "the only copy" in issues(id_)["a.jpg"]


def test_a_copy_of_an_edited_photo_stays(sorter: Sorter, photo: Path) -> None:
    id_, target = sort_one(sorter, photo, TransferMode.COPY)
    photo.write_bytes(b"edited")
    sorter.undo(id_)
    assert target.read_bytes() == b"photo"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
@pytest.mark.parametrize("by", [TransferMode.HARDLINK, TransferMode.SYMLINK])
def test_a_link_replaced_by_a_file_stays(sorter: Sorter, photo: Path, by: TransferMode) -> None:
    id_, target = sort_one(sorter, photo, by)
    target.unlink()
    target.write_bytes(b"saved by an editor")
    sorter.undo(id_)
    assert target.read_bytes() == b"saved by an editor"
    assert photo.read_bytes() == b"photo"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_broken_link_is_removed(sorter: Sorter, photo: Path) -> None:
    id_, target = sort_one(sorter, photo, TransferMode.SYMLINK)
    photo.unlink()
    assert sorter.undo(id_).kept == 0
    assert not target.is_symlink()


def test_undo_never_replaces_files_and_can_be_repeated(sorter: Sorter, photo: Path) -> None:
    id_, target = sort_one(sorter, photo, TransferMode.MOVE)
    photo.write_bytes(b"another one")
    facts = sorter.undo(id_)
    assert (facts.undone, facts.kept) == (0, 1)
    assert (photo.read_bytes(), target.read_bytes()) == (b"another one", b"photo")
    assert "Another file now exists" in issues(id_)["a.jpg"]
    photo.unlink()
    facts = sorter.undo(id_)
    assert (facts.undone, facts.kept) == (1, 0)
    assert photo.read_bytes() == b"photo"
    assert not sorter.destination.exists()
    with pytest.raises(UsageError, match="already been undone"):
        sorter.undo(id_)


def test_a_moved_photo_returns_although_its_folder_was_removed(sorter: Sorter) -> None:
    photo = sorter.add("x/y/a.jpg", b"photo")
    facts = sorter.sort([classified_row(photo)], sorter.request(TransferMode.MOVE))
    photo.parent.rmdir()
    photo.parent.parent.rmdir()
    sorter.undo(facts.id)
    assert photo.read_bytes() == b"photo"


def test_a_missing_moved_photo_is_reported(sorter: Sorter, photo: Path) -> None:
    id_, target = sort_one(sorter, photo, TransferMode.MOVE)
    target.unlink()
    assert sorter.undo(id_).kept == 1
    assert issues(id_) == {"a.jpg": "The file no longer exists."}


def test_a_removed_copy_is_ignored(sorter: Sorter, photo: Path) -> None:
    id_, target = sort_one(sorter, photo, TransferMode.COPY)
    target.unlink()
    assert sorter.undo(id_).kept == 0
    assert not sorter.destination.exists()


def test_only_empty_folders_created_by_sorting_are_removed(sorter: Sorter, photo: Path) -> None:
    (sorter.destination / "theirs").mkdir(parents=True)
    (sorter.destination / "dog").mkdir()
    rows = [
        classified_row(photo),
        classified_row(sorter.add("b.jpg"), "dog"),
        classified_row(sorter.add("c.jpg"), "fish"),
    ]
    facts = sorter.sort(rows)
    write(sorter.destination / "fish" / "note.txt", b"theirs")
    undone = sorter.undo(facts.id)
    assert undone.kept == 1
    assert sorted(path.name for path in sorter.destination.iterdir()) == ["dog", "fish", "theirs"]
    assert issues(facts.id) == {"fish": "It contains other files."}


def test_a_folder_changed_by_the_user_keeps_its_time(sorter: Sorter, photo: Path) -> None:
    before = sorter.source.stat().st_mtime_ns
    id_, _ = sort_one(sorter, photo, TransferMode.MOVE)
    write(sorter.source / "new.jpg")
    sorter.undo(id_)
    assert sorter.source.stat().st_mtime_ns > before


def test_a_cancelled_undo_can_be_continued(sorter: Sorter) -> None:
    rows = sorter.many(120)
    before = snapshot(sorter.source)
    facts = sorter.sort(rows, sorter.request(TransferMode.MOVE))
    with pytest.raises(Cancelled):
        undo(facts.id, report=lambda _: None, token=CancelledAfter(50))
    (half,) = sortings()
    assert half.state is SortingState.UNDOING
    assert half.undone == 50
    assert sorter.undo(facts.id).kept == 0
    assert snapshot(sorter.source) == before
