"""A file is held by one at a time, and by nobody once its holder is gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from core.base import locks
from tests.patience import PATIENCE_S

_HOLD = """
import sys
from core.base import locks
with open(sys.argv[1], "ab") as file:
    print(locks.try_lock(file), flush=True)
    sys.stdin.read()
"""


def test_what_another_holds_cannot_be_held_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("ab") as other:
        with path.open("ab") as one:
            assert locks.try_lock(one)
            assert not locks.try_lock(other)
        assert locks.try_lock(other)


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    arguments = [sys.executable, "-c", _HOLD, str(path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with path.open("ab") as file:
            assert not locks.try_lock(file)
            holder.kill()
            holder.wait(PATIENCE_S)
            assert locks.try_lock(file)


def test_what_is_held_can_be_written_and_read_by_others(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("ab", buffering=0) as file:
        assert locks.try_lock(file)
        file.write(b"one")
        assert path.read_bytes() == b"one"
