"""Detecting complete files, and changes in a folder."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

import pytest

from core.jobs.folder_watcher import FolderWatcher, StabilityFilter
from core.jobs.journal import FoundFile
from tests import samples
from tests.patience import PATIENCE_S


class Clock:
    """A clock controlled by the test, far after all file times."""

    def __init__(self, moment: float) -> None:
        self.moment = moment

    def __call__(self) -> float:
        return self.moment


def poll(settling: StabilityFilter, file: Path) -> bool:
    status = file.stat()
    settling.begin()
    return settling.accepts(FoundFile(b"", os.fsencode(file.name), status.st_size, status.st_mtime_ns))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "photo.jpg"
    place.write_bytes(b"half")
    return place


def test_a_changed_file_is_accepted_once_it_is_stable(file: Path) -> None:
    clock = Clock(file.stat().st_mtime - 100)  # behind, so that only two observations can show it
    settling = StabilityFilter(file.parent, stable_s=2, now=clock)
    assert not poll(settling, file)
    assert settling.wait_s == 2
    clock.moment += 1.5
    file.write_bytes(b"half and more")
    assert not poll(settling, file)
    clock.moment += 1.5
    assert not poll(settling, file), "it grew since"
    clock.moment += 1.5
    assert poll(settling, file)
    assert settling.wait_s == math.inf


@pytest.mark.parametrize("cut", [0, 0.5])
def test_an_empty_or_truncated_file_is_accepted_once_it_is_complete(file: Path, cut: float) -> None:
    whole = samples.encoded(samples.photo_like(64, 48), "JPEG")
    file.write_bytes(whole[: int(len(whole) * cut)])
    clock = Clock(file.stat().st_mtime - 100)
    settling = StabilityFilter(file.parent, stable_s=2, timeout_s=30, now=clock)
    assert not poll(settling, file)
    clock.moment += 10
    assert not poll(settling, file)
    assert settling.wait_s == 20
    file.write_bytes(whole)
    assert not poll(settling, file)
    clock.moment += 2
    assert poll(settling, file)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0\0\x10JFIF"])
def test_a_truncated_file_is_accepted_after_the_timeout(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    clock = Clock(file.stat().st_mtime - 100)
    settling = StabilityFilter(file.parent, stable_s=2, timeout_s=30, now=clock)
    assert not poll(settling, file)
    clock.moment += 29
    assert not poll(settling, file)
    clock.moment += 1
    assert poll(settling, file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no time of every change")
def test_an_old_truncated_file_is_accepted_immediately(file: Path) -> None:
    file.write_bytes(b"")
    assert poll(StabilityFilter(file.parent, stable_s=2, timeout_s=30, now=Clock(file.stat().st_ctime + 31)), file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no time of every change")
def test_an_old_file_is_accepted_immediately(file: Path) -> None:
    settling = StabilityFilter(file.parent, stable_s=2, now=Clock(file.stat().st_ctime + 60))
    assert poll(settling, file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no time of every change")
def test_a_preserved_old_modification_time_is_not_trusted(file: Path) -> None:
    os.utime(file, (10**9, 10**9))
    settling = StabilityFilter(file.parent, stable_s=2, now=Clock(file.stat().st_ctime + 1))
    assert not poll(settling, file)


def test_a_clock_that_is_ahead_only_delays(file: Path) -> None:
    os.utime(file, (file.stat().st_mtime + 3600,) * 2)
    clock = Clock(file.stat().st_ctime)
    settling = StabilityFilter(file.parent, stable_s=2, now=clock)
    assert not poll(settling, file)
    clock.moment += 3
    assert poll(settling, file)


@pytest.mark.parametrize("name", ["a.jpg.part", "b.crdownload", "c.TMP", "d.jpg~"])
def test_temporary_files_are_never_accepted(tmp_path: Path, name: str) -> None:
    settling = StabilityFilter(tmp_path, stable_s=0, now=Clock(10**10))
    settling.begin()
    assert not settling.accepts(FoundFile(b"", name.encode(), 1, 1))
    assert settling.wait_s == math.inf


def test_changes_are_reported_but_not_our_own_reads(tmp_path: Path, file: Path) -> None:
    arrivals = FolderWatcher(tmp_path, recursive=True)
    assert arrivals.open()
    try:
        arrivals.wait(0.2)
        file.read_bytes()
        assert not arrivals.wait(0.3)
        (tmp_path / "below").mkdir()
        assert arrivals.wait(PATIENCE_S)
        (tmp_path / "new.jpg").write_bytes(b"new")
        assert arrivals.wait(PATIENCE_S)
    finally:
        arrivals.close()


def test_a_missing_folder_cannot_be_watched(tmp_path: Path) -> None:
    arrivals = FolderWatcher(tmp_path / "gone", recursive=False)
    assert not arrivals.open()
    assert not arrivals.wait(0.01)
    arrivals.close()
