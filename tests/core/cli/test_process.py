"""The command line as a process of its own: pipes, signals, terminals and full disks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

import core
from tests import tiny
from tests.patience import PATIENCE_S

ROOT = Path(core.__file__).parents[1]
FOVEA = [sys.executable, "-m", "core.cli"]

pytestmark = [
    pytest.mark.usefixtures("colours"),
    pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of POSIX systems"),
]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder of so many images that a run over them can be interrupted."""
    first = tiny.write_solid(tmp_path / "many" / "0.png", "red")
    for number in range(1, 20_000):
        os.link(first, first.with_name(f"{number}.png"))
    return first.parent


def _start(
    *arguments: str | Path,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.PIPE,
    before: Callable[[], None] | None = None,
    **environment: str,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*FOVEA, *map(str, arguments)],
        cwd=ROOT,
        stdout=stdout,
        stderr=stderr,
        env={**os.environ, **environment},
        preexec_fn=before,
    )


def _wait_for_part(folder: Path) -> Path:
    """The file being written beside the one asked for, once there is something in it."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        for part in folder.glob(".fovea-*.part"):
            if part.stat().st_size:
                return part
        time.sleep(0.05)
    pytest.fail("nothing was ever written")


def test_exit_codes_and_streams_of_a_real_process(pictures: Path) -> None:
    (pictures / "empty.png").touch()
    process = _start("classify", pictures, "--recursive", "--model", "colours", "--format", "jsonl")
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line.get("label") for line in lines if "error" not in line][:3] == ["blue", "green", "red"]
    assert sum("error" in line for line in lines) == 1
    assert err.startswith(b"fovea: 5 images, 1 failed, ")


def test_names_that_are_not_utf8_survive_a_console_that_knows_only_ascii(pictures: Path) -> None:
    strange = os.fsencode(pictures) + b"/caf\xe9\xff.png"
    os.link(pictures / "red.png", strange)
    for form in ("table", "csv", "jsonl"):
        process = subprocess.Popen(
            [*map(os.fsencode, FOVEA), b"classify", strange, b"--model", b"colours", b"--format", form.encode()],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        out.decode("utf-8")
        assert (b"\\udce9\\udcff" if form == "jsonl" else b"caf\\xe9\\xff.png") in out


def test_a_reader_that_stops_ends_the_run_quietly(many: Path) -> None:
    process = _start("classify", many, "--model", "colours", "--format", "jsonl")
    assert process.stdout
    assert process.stderr
    assert json.loads(process.stdout.readline())["label"] == "red"
    process.stdout.close()
    assert process.wait(timeout=PATIENCE_S) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_full_disk_on_standard_output_is_reported(pictures: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    with Path("/dev/full").open("wb") as full:
        process = _start("classify", pictures, "--model", "colours", "--format", "csv", stdout=full)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert b"No space left" in err
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err


def test_a_killed_run_leaves_the_old_file_whole(many: Path, tmp_path: Path) -> None:
    target = tmp_path / "results.jsonl"
    target.write_text("old")
    process = _start("classify", many, "--model", "colours", "--format", "jsonl", "--output", target)
    _wait_for_part(tmp_path)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert target.read_text() == "old"


def test_an_interrupted_run_leaves_the_old_file_whole_and_nothing_beside_it(many: Path, tmp_path: Path) -> None:
    target = tmp_path / "results.jsonl"
    target.write_text("old")
    process = _start("classify", many, "--model", "colours", "--format", "jsonl", "--output", target)
    part = _wait_for_part(tmp_path)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert err.decode() == f"fovea: “{target}” was not changed.\nfovea: Stopped.\n"
    assert target.read_text() == "old"
    assert not part.exists()


def test_a_disk_that_fills_up_leaves_the_old_file_whole(many: Path, tmp_path: Path) -> None:
    import resource

    target = tmp_path / "results.jsonl"
    target.write_text("old")
    limit, some = 100_000, sorted(many.iterdir())[:2000]
    process = _start(
        *("classify", *some, "--model", "colours", "--format", "jsonl", "--output", target),
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert b": File too large." in err
    assert b"Traceback" not in err
    assert target.read_text() == "old"
    assert not list(tmp_path.glob(".fovea-*"))


def test_a_terminal_gets_progress_and_a_table_that_fits(pictures: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    process = _start(
        *("classify", pictures, "--model", "colours"), stdout=theirs, stderr=theirs, TERM="xterm-256color", COLUMNS="60"
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # how Linux says that the other side has closed
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=PATIENCE_S) == 0
    text = shown.decode()
    assert "classifying" in text
    assert "3/3" in text
    assert "\x1b[1mred" in text
    assert "3 images, 0 failed" in text
