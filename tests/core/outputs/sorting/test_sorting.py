"""Sorting a thousand photos and undoing it, and all kinds of errors."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.base import paths
from core.base.errors import BrokenRecord, Cancelled, StorageError, UsageError
from core.base.hashing import file_sha256
from core.base.progress import CancelToken
from core.outputs.sorting import moves
from core.outputs.sorting.disk import check_request, check_space
from core.outputs.sorting.execute import execute, resume
from core.outputs.sorting.record import SortingRecord, locked
from core.outputs.sorting.records import list_sortings, sortings
from core.outputs.sorting.undo import undo
from core.outputs.sorting.values import SortingState, SortRequest, TransferMode
from tests.core.outputs.sorting.conftest import CancelledAfter, Sorter, classified_row, snapshot, write
from tests.rows import failed

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions, links and devices")


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("by", list(TransferMode))
def test_sorting_a_thousand_photos_is_undone_completely(sorter: Sorter, by: TransferMode) -> None:
    rows = sorter.many(1000)
    write(sorter.destination / "cat" / "a" / "theirs.jpg", b"theirs")
    write(sorter.destination / "cat" / "a" / "IMG_0001.jpg", b"theirs")
    sums = {path: file_sha256(path) for path in sorter.source.rglob("*.jpg")}
    before = snapshot(sorter.source, sorter.destination)
    request = sorter.request(by)
    steps = sorter.plan(rows, request)
    facts = sorter.sort(rows, request)
    sorted_ = [step for step in steps if step.target]
    assert (facts.state, facts.sorted, facts.waiting, facts.failed) == (SortingState.SORTED, len(sorted_), 0, 0)
    assert len(sorted_) > 200
    for step in sorted_:
        assert step.target is not None
        assert file_sha256(step.target) == sums[step.source]
        assert step.target.is_symlink() is (by is TransferMode.SYMLINK)
        assert step.source.exists() is (by is not TransferMode.MOVE)
        assert (step.target.stat().st_nlink == 2) is (by is TransferMode.HARDLINK)
        if by is TransferMode.COPY:
            was = before[str(step.source)]
            assert (step.target.stat().st_mtime_ns, step.target.stat().st_mode) == (was[1], was[2])
    assert (sorter.destination / "cat" / "a" / "IMG_0001.jpg").read_bytes() == b"theirs"
    undone = sorter.undo(facts.id)
    assert (undone.state, undone.undone, undone.kept) == (SortingState.UNDONE, len(sorted_), 0)
    assert snapshot(sorter.source, sorter.destination) == before


@posix
def test_moving_to_another_disk_copies_verifies_and_removes(sorter: Sorter, elsewhere: Sorter) -> None:
    rows = elsewhere.many(60)
    before = snapshot(sorter.source)
    sums = {path: file_sha256(path) for path in sorter.source.rglob("*.jpg")}
    facts = elsewhere.sort(rows, elsewhere.request(TransferMode.MOVE, flat=True))
    assert facts.failed == 0
    assert sorted(contents(elsewhere.destination).values()) == sorted(
        sum_ for path, sum_ in sums.items() if not path.exists()
    )
    assert elsewhere.undo(facts.id).kept == 0
    after = snapshot(sorter.source)
    assert {key: value[:3] for key, value in after.items()} == {key: value[:3] for key, value in before.items()}
    assert not elsewhere.destination.exists()


@posix
def test_a_failed_verification_keeps_the_photo(elsewhere: Sorter, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = elsewhere.add("a.jpg")
    monkeypatch.setattr(moves, "file_sha256", lambda _: "other")
    facts = elsewhere.sort([classified_row(photo)], elsewhere.request(TransferMode.MOVE))
    assert (facts.failed, photo.exists(), contents(elsewhere.destination)) == (1, True, {})


@posix
def test_after_a_full_disk_sorting_can_be_resumed_or_undone(
    sorter: Sorter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], capture_output=True).returncode:
        pytest.skip("a small disk can be made by the administrator alone")
    try:
        there = Sorter(sorter.source, small / "sorted")
        rows = [classified_row(there.add(f"{number:02}.jpg", os.urandom(50_000))) for number in range(30)]
        before = snapshot(sorter.source)
        with pytest.raises(StorageError, match="Not enough space"):
            there.sort(rows)
        assert not list(small.iterdir())
        assert not sortings()
        monkeypatch.setattr("core.outputs.sorting.execute.check_space", lambda *_: None)
        with pytest.raises(StorageError, match="No space left") as caught:
            there.sort(rows)
        assert "--continue" in caught.value.hint
        (facts,) = sortings()
        assert (facts.state, facts.failed) == (SortingState.SORTING, 0)
        assert 10 < facts.sorted < 21
        assert len(contents(small)) == facts.sorted, "nothing half-written is left"
        assert there.undo(facts.id).kept == 0
        assert not list(small.iterdir())
        assert snapshot(sorter.source) == before
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_destination_inside_the_source_is_refused(sorter: Sorter) -> None:
    photo = sorter.add("a.jpg")
    for destination in (sorter.source, sorter.source / "new" / "deeper"):
        inside = Sorter(sorter.source, destination)
        with pytest.raises(UsageError, match="is inside the folder to sort"):
            inside.sort([classified_row(photo)])
    assert [path.name for path in sorter.source.rglob("*")] == ["a.jpg"]
    assert not sortings()


@posix
def test_a_linked_destination_inside_the_source_is_refused(sorter: Sorter, tmp_path: Path) -> None:
    (sorter.source / "out").mkdir()
    (tmp_path / "link").symlink_to(sorter.source / "out")
    with pytest.raises(UsageError, match="is inside the folder"):
        Sorter(sorter.source, tmp_path / "link").sort([classified_row(sorter.add("a.jpg"))])


def test_paths_that_are_not_folders_are_refused(sorter: Sorter, tmp_path: Path) -> None:
    file = write(tmp_path / "file")
    for source, destination, message in (
        (file, tmp_path / "x", "There is no folder"),
        (tmp_path / "nowhere", tmp_path / "x", "There is no folder"),
        (sorter.source, file, "is a file"),
        (sorter.source, file / "below", "is a file"),
    ):
        with pytest.raises(UsageError, match=message):
            check_request(SortRequest(source, destination))


@posix
def test_a_read_only_destination_is_refused(sorter: Sorter, tmp_path: Path) -> None:
    if not os.geteuid():
        place = tmp_path / "mounted"
        place.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", place], capture_output=True).returncode:
            pytest.skip("this user may write everywhere")
    else:
        place = tmp_path / "closed"
        place.mkdir(mode=0o500)
    try:
        with pytest.raises(StorageError, match="permission to write"):
            Sorter(sorter.source, place / "sorted").sort([classified_row(sorter.add("a.jpg"))])
    finally:
        if not os.geteuid():
            subprocess.run(["umount", place], check=True)


@posix
def test_hard_links_to_another_disk_are_refused(sorter: Sorter, elsewhere: Sorter) -> None:
    with pytest.raises(UsageError, match="another disk"):
        elsewhere.sort([classified_row(sorter.add("a.jpg"))], elsewhere.request(TransferMode.HARDLINK))


@pytest.mark.parametrize("by", [TransferMode.COPY, TransferMode.MOVE])
def test_too_little_space_is_reported_before_sorting(
    sorter: Sorter, monkeypatch: pytest.MonkeyPatch, by: TransferMode
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5))
    if by is TransferMode.MOVE:  # within one disk it takes no room
        check_space(sorter.request(by), 10)
        return
    with pytest.raises(StorageError, match="Not enough space"):
        sorter.sort([classified_row(sorter.add("a.jpg", b"0123456789"))])
    assert not sorter.destination.exists()
    assert not sortings()


@pytest.mark.parametrize("by", [TransferMode.HARDLINK, TransferMode.SYMLINK])
def test_a_disk_without_links_is_reported(sorter: Sorter, monkeypatch: pytest.MonkeyPatch, by: TransferMode) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link" if by is TransferMode.HARDLINK else "symlink", refused)
    with pytest.raises(StorageError, match="Couldn't create a") as caught:
        sorter.sort([classified_row(sorter.add("a.jpg"))], sorter.request(by))
    assert "by copying" in caught.value.hint


def test_copies_and_moves_work_on_a_disk_without_hard_links(sorter: Sorter, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    rows = sorter.many(40)
    before = snapshot(sorter.source)
    facts = sorter.sort(rows, sorter.request(TransferMode.MOVE))
    assert facts.failed == 0
    sorter.undo(facts.id)
    assert snapshot(sorter.source) == before


def test_one_bad_photo_does_not_affect_others(sorter: Sorter) -> None:
    a, b, c = (sorter.add(f"{name}.jpg") for name in "abc")
    request = sorter.request()
    steps = sorter.plan([classified_row(a), classified_row(b), classified_row(c)], request)
    b.unlink()
    write(sorter.destination / "cat" / "c.jpg", b"came meanwhile")
    facts = execute(steps, request, report=lambda _: None, token=CancelToken())
    assert (facts.sorted, facts.failed) == (1, 2)
    with SortingRecord(facts.id) as record:
        reasons = {issue.path.name: issue.reason for issue in record.issues()}
    assert reasons["b.jpg"] == "The file no longer exists."
    assert reasons["c.jpg"].startswith("Another file now exists")
    assert (sorter.destination / "cat" / "c.jpg").read_bytes() == b"came meanwhile"


def test_nothing_to_sort_is_reported(sorter: Sorter) -> None:
    with pytest.raises(UsageError, match="nothing to sort"):
        sorter.sort([failed(sorter.add("a.jpg"))])
    assert not sortings()


def test_sorting_again_finds_nothing_to_sort(sorter: Sorter) -> None:
    rows = sorter.many(60)
    sorter.sort(rows)
    before = snapshot(sorter.destination)
    with pytest.raises(UsageError, match="nothing to sort"):
        sorter.sort(rows)
    assert snapshot(sorter.destination) == before


def test_a_cancelled_sorting_can_be_resumed(sorter: Sorter) -> None:
    rows, request = sorter.many(120), sorter.request()
    steps = sorter.plan(rows, request)
    expected = {step.target for step in steps if step.target}
    with pytest.raises(Cancelled):
        execute(steps, request, report=lambda _: None, token=CancelledAfter(len(steps) + 50))
    (facts,) = sortings()
    assert (facts.state, facts.sorted + facts.waiting) == (SortingState.SORTING, len(expected))
    assert facts.sorted == 50
    with pytest.raises(UsageError, match="was interrupted"):
        sorter.sort(rows)
    done = resume(facts.id, report=lambda _: None, token=CancelToken())
    assert (done.state, done.sorted, done.failed) == (SortingState.SORTED, len(expected), 0)
    assert {path for path in sorter.destination.rglob("*") if path.is_file()} == expected
    with pytest.raises(UsageError, match="can't be resumed"):
        resume(facts.id, report=lambda _: None, token=CancelToken())


def test_cancelling_during_planning_leaves_no_record(sorter: Sorter) -> None:
    token = CancelToken()
    token.cancel()
    request = sorter.request()
    with pytest.raises(Cancelled):
        execute(sorter.plan(sorter.many(5)), request, report=lambda _: None, token=token)
    assert not sortings()
    assert not sorter.destination.exists()


def test_two_sortings_cannot_run_at_once(sorter: Sorter) -> None:
    with locked(), pytest.raises(UsageError, match="Another Fovea process"):
        sorter.sort(sorter.many(5))


def test_a_record_of_another_version_is_refused(sorter: Sorter) -> None:
    facts = sorter.sort(sorter.many(5))
    file = paths.sortings() / f"{facts.id}.sqlite"
    database = sqlite3.connect(file)
    database.execute("PRAGMA user_version = 99")
    database.close()
    before = file.read_bytes()
    with pytest.raises(StorageError, match="newer version"):
        undo(facts.id, report=lambda _: None, token=CancelToken())
    assert file.read_bytes() == before
    assert not sortings()
    (broken,) = list_sortings()
    assert isinstance(broken, BrokenRecord)
    assert str(file) in broken.error.what
    with pytest.raises(UsageError, match="No sorting “"):
        undo("nothing", report=lambda _: None, token=CancelToken())
    with pytest.raises(UsageError, match="No sorting “"):
        undo("x" * 300, report=lambda _: None, token=CancelToken())


@pytest.mark.parametrize("harm", [(16, b"\xff\xff"), (0, bytes(4096)), (68, b"\xff")], ids=str)
def test_a_sorting_with_a_damaged_record_is_undone(
    sorter: Sorter, harm: tuple[int, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    photos = sorter.many(5)
    facts = sorter.sort(photos, sorter.request(TransferMode.MOVE))
    file = paths.sortings() / f"{facts.id}.sqlite"
    with file.open("r+b") as opened:
        opened.seek(harm[0])
        opened.write(harm[1])
    before = file.read_bytes()
    (broken,) = list_sortings()
    assert isinstance(broken, BrokenRecord)
    assert str(file) in broken.error.what
    assert facts.id in broken.error.hint
    assert file.read_bytes() == before
    undone = undo(facts.id, report=lambda _: None, token=CancelToken())
    assert (undone.undone, undone.kept) == (facts.sorted, 0)
    (aside,) = paths.sortings().glob("*.damaged-*")
    assert aside.read_bytes() == before
    assert str(aside) in caplog.text


@pytest.mark.parametrize("by", TransferMode)
def test_a_sorting_with_a_lost_request_is_undone(sorter: Sorter, by: TransferMode) -> None:
    facts = sorter.sort(sorter.many(5), sorter.request(by))
    _forget_what_was_asked(facts.id)
    (broken,) = list_sortings()
    assert isinstance(broken, BrokenRecord)
    undone = undo(facts.id, report=lambda _: None, token=CancelToken())
    assert (undone.undone, undone.kept, undone.state) == (facts.sorted, 0, SortingState.UNDONE)
    assert undone.request.by is by
    assert abs(undone.begun - facts.begun) < 2
    assert not [path for path in sorter.destination.rglob("*") if not path.is_dir()]


def test_a_lost_request_that_cannot_be_inferred_is_reported(sorter: Sorter) -> None:
    facts = sorter.sort(photos := sorter.many(3), sorter.request(TransferMode.COPY))
    _forget_what_was_asked(facts.id)
    for row in photos:
        row.path.unlink()
    with pytest.raises(StorageError, match="cannot be recovered"):
        undo(facts.id, report=lambda _: None, token=CancelToken())


def _forget_what_was_asked(id_: str) -> None:
    with closing(sqlite3.connect(paths.sortings() / f"{id_}.sqlite")) as opened, opened:
        opened.execute("DELETE FROM sorting")


@pytest.mark.parametrize("content", [b"", b"no database at all" * 500])
def test_an_unreadable_record_stays_listed(sorter: Sorter, content: bytes) -> None:
    facts = sorter.sort(sorter.many(2))
    file = paths.sortings() / f"{facts.id}.sqlite"
    file.write_bytes(content)
    with pytest.raises(StorageError, match="cannot be recovered"):
        undo(facts.id, report=lambda _: None, token=CancelToken())
    assert file.read_bytes() == content
    (broken,) = list_sortings()
    assert isinstance(broken, BrokenRecord)


@pytest.mark.parametrize(
    "change", ["state = 'x'", "manner = 'x'", "begun = 'x'", "begun = 1e300", "source = 5", "source = x'2f00'"]
)
def test_an_invalid_record_is_listed_as_damaged(sorter: Sorter, change: str) -> None:
    facts = sorter.sort(sorter.many(2))
    with closing(sqlite3.connect(paths.sortings() / f"{facts.id}.sqlite")) as opened, opened:
        opened.execute(f"UPDATE sorting SET {change}")
    (broken,) = list_sortings()
    assert isinstance(broken, BrokenRecord)
    assert "is damaged" in broken.error.what
