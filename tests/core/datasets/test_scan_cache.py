"""Scan results are reused as long as a file has not changed."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from pathlib import Path

import PIL
import pytest

from core.base import paths
from core.base.file_state import FileState
from core.datasets import scan_cache as memos
from core.datasets.problems import ProblemKind
from core.datasets.scan_cache import ImageInfo, ReadError, ScanCache, ScanResult

CONTENT = ImageInfo("a" * 64, 2**64 - 1, (ProblemKind.TINY, ProblemKind.GREY))
TROUBLE = ReadError("“1.jpg” ends too early.", "Take another copy of it.")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "1.jpg"
    path.write_bytes(b"one")
    return path


def _keep(path: Path, seen: ScanResult = CONTENT) -> None:
    state = FileState.of(path)
    assert state
    with ScanCache() as cache:
        cache.put([(path, state, seen)])


def _recall(*files: Path) -> list[ScanResult | None]:
    with ScanCache() as cache:
        return cache.get(files)


@pytest.mark.parametrize("seen", [CONTENT, TROUBLE, ImageInfo("b" * 64, 0, ())])
def test_results_are_available_to_a_later_process(photo: Path, seen: ScanResult) -> None:
    _keep(photo, seen)
    assert _recall(photo, photo.with_name("2.jpg")) == [seen, None]


def test_a_file_is_the_same_by_whatever_path(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _keep(photo)
    monkeypatch.chdir(photo.parent)
    assert _recall(Path("1.jpg")) == [CONTENT]


def test_paths_are_not_stored(photo: Path) -> None:
    _keep(photo)
    kept = paths.cache_folder() / "seen.sqlite"
    assert photo.name.encode() not in kept.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are no text")
def test_an_undecodable_name(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    path.write_bytes(b"one")
    _keep(path)
    assert _recall(path) == [CONTENT]


def test_a_change_of_size_or_time_invalidates_the_result(photo: Path) -> None:
    before = photo.stat()
    _keep(photo)
    photo.write_bytes(b"longer")
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _recall(photo) == [None]
    _keep(photo)
    os.utime(photo, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
    assert _recall(photo) == [None]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells when a file was made, not when it changed")
def test_a_replaced_file_of_the_same_size_and_time_is_detected(photo: Path) -> None:
    before = photo.stat()
    _keep(photo)
    other = photo.with_name("other")
    other.write_bytes(b"two")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(photo)
    assert _recall(photo) == [None]


def test_missing_files_and_folders_have_no_result(photo: Path) -> None:
    _keep(photo)
    photo.unlink()
    assert _recall(photo) == [None]
    photo.mkdir()
    assert _recall(photo) == [None]


def test_results_of_another_scan_version_are_ignored(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _keep(photo)
    with monkeypatch.context() as patch:
        patch.setattr(memos, "SCAN_VERSION", memos.SCAN_VERSION + 1)
        assert _recall(photo) == [None]
    with monkeypatch.context() as patch:
        patch.setattr(PIL, "__version__", "0")
        assert _recall(photo) == [None]
    assert _recall(photo) == [CONTENT]


@pytest.mark.parametrize("damage", ["seen = replace(seen, 'a', 'b')", "state = state || ' '", "sum = sum + 1"])
def test_damaged_rows_are_ignored(photo: Path, damage: str) -> None:
    _keep(photo)
    with sqlite3.connect(paths.cache_folder() / "seen.sqlite") as opened:
        opened.execute(f"UPDATE seen SET {damage}")
    opened.close()
    assert _recall(photo) == [None]


def test_the_cache_stays_within_its_limit_and_evicts_the_oldest(tmp_path: Path) -> None:
    limit, files = 100_000, [tmp_path / f"{number}.jpg" for number in range(1000)]
    for file in files:
        file.touch()
    notes = [(file, state, CONTENT) for file in files if (state := FileState.of(file))]
    place = tmp_path / "seen.sqlite"
    with ScanCache(place, limit_bytes=limit) as cache:
        for start in range(0, 1000, 50):
            cache.put(notes[start : start + 50])
        known = [number for number, seen in enumerate(cache.get(files)) if seen]
    assert place.stat().st_size < limit + 50_000
    assert 100 < len(known) < 600
    assert known == list(range(1000 - len(known), 1000))


def test_only_stable_files_are_cached() -> None:
    second, now = 1_000_000_000, time.time_ns()
    assert FileState(1, now - 3 * second, now - 3 * second, 1).is_stable(now)
    assert not FileState(1, now - second, now - 3 * second, 1).is_stable(now)
    assert not FileState(1, now - 3 * second, now - second, 1).is_stable(now)
    assert not FileState(1, now + 3 * second, now - 3 * second, 1).is_stable(now)
