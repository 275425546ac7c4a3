"""A crash leaves a report, reported once; a process that was killed, or ended as it should, leaves none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.base import crash_log, paths
from tests.patience import PATIENCE_S

# As in a windowed program on Windows, there is nowhere to print to but the pipe by which the test is expected.
_PROGRAM = """
import ctypes, os, sys
from core.base import crash_log

said, sys.stdout, sys.stderr = sys.stdout, None, None

def fall():
    ctypes.string_at(0)

with crash_log.capture_crashes(sys.argv[1]):
    print("begun", file=said, flush=True)
    match sys.argv[2]:
        case "fall":
            fall()
        case "wait":
            sys.stdin.read()
"""


@contextmanager
def process(name: str, does: str) -> Iterator[subprocess.Popen[str]]:
    """A process with a crash log, begun."""
    arguments = [sys.executable, "-c", _PROGRAM, name, does]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        yield child
        child.kill()


def crash(name: str) -> int:
    """Let a process crash; returns its number."""
    with process(name, "fall") as child:
        assert child.wait(PATIENCE_S) not in (0, None)
        return child.pid


def logs() -> list[Path]:
    return sorted(paths.log_folder().glob("crash-*.log"))


def fake(process_id: int, text: str) -> Path:
    """The log of a process that is gone."""
    paths.log_folder().mkdir(parents=True, exist_ok=True)
    path = paths.log_folder() / f"crash-engine-{process_id}.log"
    path.write_text(text)
    os.utime(path, (process_id, process_id))
    return path


def test_a_crash_is_reported_once_with_where_the_program_stood() -> None:
    crash("window")
    report = crash_log.collect_reports()
    assert report is not None
    assert "Segmentation fault" in report.text or "access violation" in report.text
    assert "in fall" in report.text
    assert "Process: window," in report.text
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in report.text
    assert report.is_from_window
    assert report.file.read_text() == report.text
    assert logs() == [report.file]
    assert crash_log.collect_reports() is None


def test_a_crash_of_a_helper_is_known_from_one_of_the_window() -> None:
    crash("engine")
    report = crash_log.collect_reports()
    assert report is not None
    assert not report.is_from_window


def test_a_killed_process_leaves_no_report() -> None:
    with process("window", "wait") as child:
        assert len(logs()) == 1
        child.kill()
        child.wait(PATIENCE_S)
    assert len(logs()) == 1
    assert crash_log.collect_reports() is None
    assert logs() == []


def test_a_process_that_ends_as_it_should_leaves_nothing() -> None:
    with process("window", "end") as child:
        assert child.wait(PATIENCE_S) == 0
    assert logs() == []


def test_the_log_of_a_living_process_is_left_alone() -> None:
    with process("engine", "wait") as child:
        (log,) = logs()
        log.write_text("what Windows tells of errors that were handled")
        assert crash_log.collect_reports() is None
        assert logs() == [log]
        child.kill()
        child.wait(PATIENCE_S)
        assert crash_log.collect_reports() is not None


def test_the_log_of_a_terminated_helper_is_removed() -> None:
    with process("engine", "wait") as child, process("pictures", "wait") as other:
        child.kill()
        child.wait(PATIENCE_S)
        crash_log.discard(child.pid)
        assert [log.stem for log in logs()] == [f"crash-pictures-{other.pid}"]


def test_of_many_crashes_the_newest_are_reported_oldest_first() -> None:
    for number in range(101, 131):
        fake(number, f"crash {number}")
    report = crash_log.collect_reports()
    assert report is not None
    assert [number for number in range(101, 131) if f"crash {number}\n" in report.text] == list(range(121, 131))
    assert report.text.index("crash 121\n") < report.text.index("crash 130\n")
    assert logs() == [report.file]


def test_a_report_is_never_longer_than_can_be_read() -> None:
    fake(7, "x" * 1_000_000)
    report = crash_log.collect_reports()
    assert report is not None
    assert len(report.text) < 101_000


def test_bytes_that_are_no_text_are_reported_all_the_same() -> None:
    fake(7, "").write_bytes(b"\xff\xfe broken")
    report = crash_log.collect_reports()
    assert report is not None
    assert "broken" in report.text


def test_other_files_are_not_reports() -> None:
    strangers = [
        fake(7, "x").rename(paths.log_folder() / name) for name in ("crash-a-b.log", "fovea.log", "crash-1.log")
    ]
    assert crash_log.collect_reports() is None
    assert all(path.exists() for path in strangers)


def test_a_report_that_cannot_be_archived_is_not_repeated() -> None:
    log = fake(7, "a crash")
    (paths.log_folder() / "crash-last.log").mkdir()
    assert crash_log.collect_reports() is None
    assert log.exists()


@pytest.mark.parametrize("place", ["logs", "."])
def test_without_a_place_for_it_the_program_runs_all_the_same(home: Path, place: str) -> None:
    blocked = home / place
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("a file where a folder should be")
    with process("window", "end") as child:
        assert child.wait(PATIENCE_S) == 0
    assert crash_log.collect_reports() is None
    crash_log.discard(7)


def test_the_next_log_follows_a_report() -> None:
    crash("window")
    assert crash_log.collect_reports() is not None
    crash("engine")
    report = crash_log.collect_reports()
    assert report is not None
    assert "Process: engine," in report.text
    assert "Process: window," not in report.text
