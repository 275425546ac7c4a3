"""Kill a training at random moments, again and again, and see that nothing is ever broken and that it goes on.

    uv run --extra train python tests/benchmarks/kills.py PHOTOS [--recipe dense] [--kills 20] [--longest 40]

Each round starts the real command and kills, with SIGKILL, the command, its trainer process, or both; once a run was
quick enough to end before, kills come within the time it took. Afterwards every version in the library must be whole,
the feature store sound, and no trainer left alive. In the end the command runs
through. Linux only: it looks for the trainer in /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from core.base import paths
from core.models.installed import load_backbone, load_head
from core.models.library import open_library
from core.models.values import BrokenEntry

NAME: Final = "killed"
_ORPHAN_S: Final = 15.0
"""How long a trainer may take to notice that its parent is gone."""


def command(photos: Path, recipe: str, epochs: int) -> list[str]:
    words = [sys.executable, "-m", "core.cli", "train", str(photos), "--name", NAME, "--recipe", recipe]
    return words if recipe == "quick" else [*words, "--epochs", str(epochs)]


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def kill(victims: list[int]) -> None:
    for victim in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def one_round(words: list[str], after_s: float, whom: str) -> str | None:
    """Start, wait, kill; tell what came of it, or None where it ended before."""
    started = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    with contextlib.suppress(subprocess.TimeoutExpired):
        started.wait(after_s)
        assert started.returncode == 0, started.communicate()
        return None
    trainers = children(started.pid)
    kill([*([started.pid] if whom != "trainer" or not trainers else []), *(trainers if whom != "command" else [])])
    _, told = started.communicate(timeout=60)
    deadline = time.monotonic() + _ORPHAN_S
    while any(map(alive, trainers)):
        assert time.monotonic() < deadline, f"trainers {trainers} outlive their parent"
        time.sleep(0.1)
    phase = "trainer at work" if trainers else "no trainer"
    return f"{phase}, exit {started.returncode}{', ' + told.strip().splitlines()[-1][:60] if told.strip() else ''}"


def check() -> str:
    """See that library and features are whole; tell what is there."""
    library = open_library()
    broken = [entry.name for entry in library.entries() if isinstance(entry, BrokenEntry)]
    assert not broken, broken
    versions = library.versions(NAME) if (library.user / NAME).exists() else ()
    for version in versions:
        model = library.find(f"{NAME}@{version.number}")
        load_head(model)
        load_backbone(model.backbone)
    store, kept = paths.cache_folder() / "features.sqlite", 0
    if store.exists():
        with contextlib.closing(sqlite3.connect(store)) as opened:
            assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (kept,) = opened.execute("SELECT count(*) FROM features").fetchone()
    unfinished = (paths.unfinished_runs() / NAME / "run.json").exists()
    return f"{len(versions)} versions, {kept} features{', run kept' if unfinished else ''}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill trainings at random moments.")
    parser.add_argument("photos", type=Path)
    parser.add_argument("--recipe", choices=("quick", "dense", "fine-tune"), default="quick")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--longest", type=float, default=40.0, help="seconds until a kill at most")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    draw, console = random.Random(asked.seed), Console(width=140)
    with tempfile.TemporaryDirectory() as home:
        os.environ["FOVEA_HOME"] = home
        words = command(asked.photos, asked.recipe, asked.epochs)
        table = Table("kill", "after", "whom", "what it was doing", "afterwards", title=f"{asked.recipe}")
        kills, longest = 0, asked.longest
        while kills < asked.kills:
            after, whom = draw.uniform(0.1, longest), draw.choice(("command", "trainer", "both"))
            began = time.monotonic()
            what = one_round(words, after, whom)
            kills += what is not None
            if what is None:
                longest = time.monotonic() - began
            table.add_row(str(kills), f"{after:.1f} s", whom, what or f"ended by itself, {longest:.1f} s", check())
        console.print(table)
        last = subprocess.run(words, capture_output=True, text=True, check=False)
        console.print(f"then undisturbed: exit {last.returncode}, {check()}\n{last.stderr.strip()}")
        assert last.returncode == 0


if __name__ == "__main__":
    main()
