"""A signal ends a program within two seconds, wherever it is, and nothing temporary stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import core
from tests.patience import PATIENCE_S

ROOT = Path(core.__file__).parents[1]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")

STUCK = """
import hashlib, sys
from pathlib import Path
from core.base import shutdown
from core.base.leftovers import partial_file

def work():
    with partial_file(Path(sys.argv[1])) as (_, file):
        file.write(b"x")
        print("ready", flush=True)
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # one step of the main thread, which lets the others run
    return 0

sys.exit(shutdown.run(work))
"""
PROMPT = """
import sys, threading
from core.base import shutdown

def work():
    try:
        print("ready", flush=True)
        threading.Event().wait(60)
    except KeyboardInterrupt:
        print("cleaned up", flush=True)
        return shutdown.exit_code()

sys.exit(shutdown.run(work))
"""


def _ignore_interrupts() -> None:
    """As a shell does for its background jobs; one that outlives its terminal (nohup) is another matter."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _stop(script: str, *numbers: int, arguments: tuple[str, ...] = ()) -> tuple[int, str, str, float]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_ignore_interrupts,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    for number in numbers:
        process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err, time.monotonic() - began


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_native_code_is_not_waited_for(tmp_path: Path, number: int, code: int) -> None:
    ended, out, err, seconds = _stop(STUCK, number, arguments=(str(tmp_path / "results"),))
    assert (ended, out, err) == (code, "", "fovea: Stopped.\n")
    assert seconds < 20  # far less than the native code takes, however busy the machine
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_work_ends_by_itself_where_it_can_however_often_it_is_reported(number: int, code: int) -> None:
    ended, out, err, _ = _stop(PROMPT, *[number] * 5)
    assert (ended, out, err) == (code, "cleaned up\n", "")


STREAMS = """
import os, sys
from core.base import shutdown
from core.cli.streams import print_message

def work():
    with open(sys.argv[1], "w") as file:
        print_message("a remark")
        os.write(2, b"of a library")
        file.write("result")
    return 0

sys.exit(shutdown.run(work))
"""


@pytest.mark.parametrize("close", [lambda: os.close(2), lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 2)])
def test_remarks_never_get_into_results(tmp_path: Path, close: Callable[[], object]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    command = [sys.executable, "-c", STREAMS, tmp_path / "results"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, preexec_fn=close, check=False, timeout=PATIENCE_S)
    assert done.stdout == b""
    assert (tmp_path / "results").read_text() == "result"
