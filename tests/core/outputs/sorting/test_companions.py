"""Companion files are sorted and restored with their photos."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from core.base import paths
from core.base.progress import CancelToken
from core.jobs.queries import ResultStore
from core.outputs.keywords.exiftool import KeywordError
from core.outputs.keywords.values import KeywordRequest
from core.outputs.sorting import moves
from core.outputs.sorting.companions import CompanionFinder
from core.outputs.sorting.plan import summarize
from core.outputs.sorting.record import SortingRecord
from core.outputs.sorting.records import sortings
from core.outputs.sorting.values import SortingState, SortRequest, TransferMode
from core.outputs.watch_outputs import OutputRequest, OutputSinks
from tests import samples
from tests.core.outputs.sorting.conftest import CancelledAfter, Sorter, classified_row, snapshot, write

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other links, owners and capitals")
COMPANIONS = ("a.jpg.xmp", "a.xmp", "a.MOV", "a.aae", "a.CR2", "a.CR2.xmp")


@pytest.fixture
def photo(sorter: Sorter) -> Path:
    """A photo with companions, and unrelated files."""
    for name in (*COMPANIONS, "ab.mov", "a.txt", "b.jpg.xmp"):
        sorter.add(f"x/{name}")
    return sorter.add("x/a.jpg")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("by", TransferMode)
def test_companions_are_sorted_and_restored(sorter: Sorter, photo: Path, by: TransferMode) -> None:
    before, request = snapshot(sorter.source), sorter.request(by)
    (step,) = steps = sorter.plan([classified_row(photo)], request)
    assert {one.source.name for one in step.companions} == set(COMPANIONS)
    assert (summarize(steps, request).photos, summarize(steps, request).companions) == (1, len(COMPANIONS))
    facts = sorter.sort([classified_row(photo)], request)
    assert (facts.sorted, facts.companions, facts.failed) == (1, len(COMPANIONS), 0)
    placed = sorter.destination / "cat" / "x"
    assert names(placed) == {"a.jpg", *COMPANIONS}
    assert (placed / "a.MOV").read_bytes().endswith(b"a.MOV")
    assert names(photo.parent) & set(COMPANIONS) == (set() if by is TransferMode.MOVE else set(COMPANIONS))
    undone = sorter.undo(facts.id)
    assert (undone.undone, undone.kept, undone.companions) == (1, 0, 0)
    assert snapshot(sorter.source) == before
    assert not sorter.destination.exists()


def test_a_photo_and_its_companions_get_new_names_together(sorter: Sorter) -> None:
    for folder in "12":
        for name in ("a.jpg", "a.jpg.xmp", "a.mov"):
            sorter.add(f"{folder}/{name}")
    write(sorter.destination / "cat" / "a (2).mov", b"theirs")
    rows = [classified_row(sorter.source / folder / "a.jpg") for folder in "12"]
    sorter.sort(rows, sorter.request(flat=True))
    numbered = {"a (3).jpg", "a (3).jpg.xmp", "a (3).mov"}
    assert names(sorter.destination / "cat") == {"a.jpg", "a.jpg.xmp", "a.mov", "a (2).mov", *numbered}
    assert b"/2/" in (sorter.destination / "cat" / "a (3).mov").read_bytes()


def test_long_names_leave_space_for_companions(sorter: Sorter) -> None:
    name = f"{'m' * 247}.jpg"
    rows = [classified_row(sorter.add(f"{folder}/{name}")) for folder in "12"]
    sorter.add(f"2/{name}.xmp")
    facts = sorter.sort(rows, sorter.request(flat=True))
    assert (facts.failed, facts.companions) == (0, 1)
    assert len(names(sorter.destination / "cat")) == 3


def test_shared_companions_stay_and_are_reported(sorter: Sorter, photo: Path) -> None:
    heic = sorter.add("x/a.heic")
    steps = sorter.plan([classified_row(photo), classified_row(heic)])
    assert [one.source.name for step in steps for one in step.companions] == ["a.jpg.xmp"]
    assert {file.name for file in steps[0].shared} == set(COMPANIONS) - {"a.jpg.xmp"}
    assert summarize(steps, sorter.request()).shared == len(COMPANIONS) - 1


def test_a_sidecar_belongs_to_one_photo_only(sorter: Sorter) -> None:
    for name in ("a.jpg", "a.jpg.xmp"):
        sorter.add(name)
    companions = CompanionFinder()
    assert companions.of(sorter.add("a.jpg.png")).names == ()
    assert companions.of(sorter.source / "a.jpg").names == ("a.jpg.xmp",)


@posix
def test_of_names_that_differ_in_case_one_is_sorted_and_links_stay(sorter: Sorter) -> None:
    for name in ("a.mov", "a.MOV"):
        sorter.add(name)
    (sorter.source / "a.aae").symlink_to(sorter.source / "a.mov")
    assert CompanionFinder().of(sorter.add("a.jpg")).names == ("a.MOV",)


def test_a_photo_that_stays_keeps_its_companions(sorter: Sorter, photo: Path) -> None:
    steps = sorter.plan([classified_row(photo)], sorter.request(TransferMode.MOVE))
    write(sorter.destination / "cat" / "x" / "a.jpg", b"came meanwhile")
    before = snapshot(sorter.source)
    from core.outputs.sorting.execute import execute

    facts = execute(steps, sorter.request(TransferMode.MOVE), report=lambda _: None, token=CancelToken())
    assert (facts.sorted, facts.failed, facts.companions) == (0, 1, 0)
    assert {key: value for key, value in snapshot(sorter.source).items() if value[0] != "folder"} == {
        key: value for key, value in before.items() if value[0] != "folder"
    }


def test_a_companion_that_cannot_be_sorted_is_reported(sorter: Sorter, photo: Path) -> None:
    from core.outputs.sorting.execute import execute

    steps = sorter.plan([classified_row(photo)], sorter.request(TransferMode.MOVE))
    write(sorter.destination / "cat" / "x" / "a.MOV", b"came meanwhile")
    facts = execute(steps, sorter.request(TransferMode.MOVE), report=lambda _: None, token=CancelToken())
    assert (facts.sorted, facts.failed) == (1, 1)
    with SortingRecord(facts.id) as record:
        assert [remark.path.name for remark in record.issues()] == ["a.MOV"]
    assert (sorter.source / "x" / "a.MOV").exists()


def test_a_sidecar_edited_since_returns_with_its_photo(sorter: Sorter, photo: Path) -> None:
    facts = sorter.sort([classified_row(photo)], sorter.request(TransferMode.MOVE))
    (sorter.destination / "cat" / "x" / "a.jpg.xmp").write_bytes(b"rated since")
    assert sorter.undo(facts.id).kept == 0
    assert (photo.parent / "a.jpg.xmp").read_bytes() == b"rated since"


def test_companions_stay_with_a_photo_that_was_edited_since(sorter: Sorter, photo: Path) -> None:
    facts = sorter.sort([classified_row(photo)], sorter.request(TransferMode.MOVE))
    edited = sorter.destination / "cat" / "x" / "a.jpg"
    edited.write_bytes(b"edited since")
    assert sorter.undo(facts.id).kept == 1
    assert names(edited.parent) == {"a.jpg", *COMPANIONS}
    with SortingRecord(facts.id) as record:
        assert [remark.path.name for remark in record.issues()] == ["a.jpg"]


@pytest.mark.parametrize("looks", [1, 3])
def test_cancelled_between_a_photo_and_its_companions_the_rest_follows(sorter: Sorter, photo: Path, looks: int) -> None:
    from core.base.errors import Cancelled
    from core.outputs.sorting.execute import execute, resume
    from core.outputs.sorting.undo import undo

    before, request = snapshot(sorter.source), sorter.request(TransferMode.MOVE)
    steps = sorter.plan([classified_row(photo)], request)
    with pytest.raises(Cancelled):
        execute(steps, request, report=lambda _: None, token=CancelledAfter(len(steps) + looks))
    (facts,) = sortings()
    done = resume(facts.id, report=lambda _: None, token=CancelToken())
    assert (done.sorted, done.companions) == (1, len(COMPANIONS))
    with pytest.raises(Cancelled):
        undo(facts.id, report=lambda _: None, token=CancelledAfter(looks))
    assert sorter.undo(facts.id).kept == 0
    assert snapshot(sorter.source) == before


def test_a_record_of_an_earlier_version_is_resumed_and_undone(sorter: Sorter) -> None:
    rows = [classified_row(sorter.add(f"{name}.jpg")) for name in "ab"]
    before = snapshot(sorter.source)
    facts = sorter.sort(rows, sorter.request(TransferMode.MOVE))
    database = sqlite3.connect(paths.sortings() / f"{facts.id}.sqlite")
    database.execute("ALTER TABLE moves DROP COLUMN follows")
    database.commit()
    database.close()
    (listed,) = sortings()
    assert (listed.sorted, listed.companions) == (2, 0)
    assert sorter.undo(facts.id).kept == 0
    assert snapshot(sorter.source) == before


def test_companions_of_a_missing_photo_are_found(tmp_path: Path) -> None:
    write(tmp_path / "a.xmp")
    assert CompanionFinder().of(tmp_path / "a.jpg").names == ("a.xmp",)
    write(tmp_path / "a.png")
    along = CompanionFinder().of(tmp_path / "a.jpg")
    assert (along.names, along.shared) == ((), ("a.xmp",))


@pytest.mark.parametrize("harm", [(16, b"\xff\xff"), (0, bytes(4096)), (68, b"\xff")], ids=str)
@pytest.mark.parametrize("is_earlier", [False, True])
def test_undoing_with_a_damaged_record_restores_companions(
    sorter: Sorter, photo: Path, harm: tuple[int, bytes], *, is_earlier: bool
) -> None:
    rows = [classified_row(sorter.add("b.jpg"))] if is_earlier else [classified_row(photo)]
    before = snapshot(sorter.source)
    facts = sorter.sort(rows, sorter.request(TransferMode.MOVE))
    file = paths.sortings() / f"{facts.id}.sqlite"
    if is_earlier:
        with contextlib.closing(sqlite3.connect(file)) as database, database:
            database.execute("ALTER TABLE moves DROP COLUMN follows")
    with file.open("r+b") as opened:
        opened.seek(harm[0])
        opened.write(harm[1])
    assert sorter.undo(facts.id).kept == 0
    assert snapshot(sorter.source) == before


@posix
def test_links_below_one_folder_are_relative_and_survive_its_move(sorter: Sorter, photo: Path) -> None:
    facts = sorter.sort([classified_row(photo)], sorter.request(TransferMode.SYMLINK))
    link = sorter.destination / "cat" / "x" / "a.jpg"
    assert link.readlink() == Path("../../../photos/x/a.jpg")
    moved = sorter.source.parent / "moved"
    moved.mkdir()
    for folder in (sorter.source, sorter.destination):
        folder.rename(moved / folder.name)
    assert (moved / "sorted" / "cat" / "x" / "a.jpg").read_bytes() == (moved / "photos" / "x" / "a.jpg").read_bytes()
    for folder in (sorter.source, sorter.destination):
        (moved / folder.name).rename(folder)
    assert sorter.undo(facts.id).kept == 0


@posix
def test_links_to_another_disk_are_absolute_as_those_of_earlier_versions(elsewhere: Sorter, photo: Path) -> None:
    facts = elsewhere.sort([classified_row(photo)], elsewhere.request(TransferMode.SYMLINK))
    assert (elsewhere.destination / "cat" / "x" / "a.jpg").readlink() == photo
    assert elsewhere.undo(facts.id).kept == 0
    assert not elsewhere.destination.exists()


@posix
def test_moving_to_another_disk_and_back_keeps_owner_group_and_permissions(elsewhere: Sorter, photo: Path) -> None:
    if os.geteuid():
        pytest.skip("only the administrator may give files away")
    for name in ("a.jpg", "a.jpg.xmp"):
        os.chown(photo.with_name(name), 1234, 2345)
        photo.with_name(name).chmod(0o640)
    before = owners(photo.parent)
    facts = elsewhere.sort([classified_row(photo)], elsewhere.request(TransferMode.MOVE))
    assert owners(elsewhere.destination / "cat" / "x").items() <= before.items()
    elsewhere.undo(facts.id)
    assert owners(photo.parent) == before


def owners(folder: Path) -> dict[str, tuple[int, ...]]:
    found = {path.name: path.stat() for path in folder.iterdir()}
    return {name: (one.st_uid, one.st_gid, one.st_mode, one.st_mtime_ns) for name, one in found.items()}


@posix
def test_a_photo_keeps_its_group_if_not_its_owner(sorter: Sorter, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def chown(_: Path, owner: int, __: int) -> None:
        asked.append(owner)
        if owner != -1:
            raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", chown)
    photo = sorter.add("a.jpg")
    moves._copy(photo, sorter.source / "b.jpg", ".part")
    assert asked == [photo.stat().st_uid, -1]


@pytest.mark.parametrize("by", [TransferMode.MOVE, TransferMode.COPY])
def test_a_watch_sorts_the_sidecars_it_wrote(sorter: Sorter, by: TransferMode) -> None:
    photo = sorter.add("a.jpg", samples.encoded(samples.photo_like(64, 48), "JPEG"))
    sort = SortRequest(sorter.source, sorter.destination, by)
    request = OutputRequest(keywords=KeywordRequest(), sort=sort)
    answers = cast("ResultStore", SimpleNamespace(note_written=lambda _: None))
    try:
        with OutputSinks(request) as deliveries:
            deliveries(answers, [classified_row(photo)])
    except KeywordError as error:
        pytest.skip(str(error))
    assert names(sorter.destination / "cat") == {"a.jpg", "a.jpg.xmp"}
    assert names(sorter.source) == (set() if by is TransferMode.MOVE else {"a.jpg", "a.jpg.xmp"})
    assert sortings()[0].state is SortingState.SORTED
