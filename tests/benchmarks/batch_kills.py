"""Kill a job at random moments, again and again, and see that it ends in exactly one row an image.

    python -m tests.benchmarks.batch_kills [--images 2000] [--kills 20] [--model colours] [--seed 0]

Each round starts the real command over the same folder, waits until it holds the job, and kills it with SIGKILL at a
random moment after that, at whatever it is doing: walking, reading, computing, noting. The moments are drawn so that a
job takes some ten kills; one that comes to its end before the last kill is checked, and another one begun.
The model `colours` is the tests' tiny one; any installed one can be named.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from core.base.errors import FoveaError
from core.jobs.job_list import job_summary
from core.jobs.journal import job_folder, job_id
from core.jobs.schema import FILE
from core.jobs.values import JobRequest, JobState
from core.models.library import open_library
from tests import tiny
from tests.benchmarks import trees


def command(tree: Path, model: str) -> list[str]:
    words = [sys.executable, "-m", "core.cli", "classify", str(tree), "--recursive", "--model", model]
    return [*words, "--provider", "cpu", "--format", "jsonl"]


def counts(tree: Path) -> Counter[str]:
    """How many rows are in each state; the file is sound and no image has two rows, whatever was killed."""
    file = job_folder(job_id(JobRequest(tree, recursive=True))) / FILE
    if not file.exists():
        return Counter()
    with contextlib.closing(sqlite3.connect(file)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        if not opened.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return Counter()
        twice = "SELECT 1 FROM images GROUP BY folder, name HAVING count(*) > 1"
        assert opened.execute(twice).fetchone() is None
        states = opened.execute("SELECT state, count(*) FROM images GROUP BY state").fetchall()
    return Counter({("waiting", "done", "failed", "gone")[state]: count for state, count in states})


def check_end(tree: Path, out: str, images: int) -> str:
    """See that every image of the tree has one row and one line, and none failed."""
    paths = [json.loads(line)["path"] for line in out.splitlines()]
    assert sorted(paths) == sorted(str(path) for path in tree.rglob("*.jpg"))
    assert counts(tree) == Counter(done=images), counts(tree)
    return f"{len(paths):,} lines, {counts(tree)['done']:,} rows, each image once"


def wait_for_hold(tree: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the command holds its job."""
    id_ = job_id(JobRequest(tree, recursive=True))
    while process.poll() is None:
        with contextlib.suppress(FoveaError):
            if job_summary(id_).state is JobState.RUNNING:
                return
        time.sleep(0.01)


def one_round(tree: Path, model: str, after_s: float) -> tuple[str | None, float]:
    """Start and kill; what was written where the job ended before, and how long it held the job."""
    with tempfile.TemporaryFile("w+") as out:
        started = subprocess.Popen(command(tree, model), stdout=out, stderr=subprocess.PIPE, text=True)
        wait_for_hold(tree, started)
        held = time.monotonic()
        try:
            started.wait(after_s)
        except subprocess.TimeoutExpired:
            started.kill()
            started.communicate()
            return None, time.monotonic() - held
        assert started.returncode == 0, started.communicate()[1]
        out.seek(0)
        return out.read(), time.monotonic() - held


def kill_all(place: Path, asked: argparse.Namespace, table: Table) -> None:
    """Jobs and kills until there were enough, then one undisturbed end."""
    draw, kills, job = random.Random(asked.seed), 0, 0
    out, whole_s = one_round(trees.small(place / "0", asked.images), asked.model, 3600)
    while kills < asked.kills or out is None:
        if out is not None:
            job += 1
            tree = trees.small(place / str(job), asked.images)
        after = draw.uniform(0, whole_s / 5) if kills < asked.kills else 3600
        out, _ = one_round(tree, asked.model, after)
        kills += out is None
        now = counts(tree)
        told = "" if out is None else check_end(tree, out, asked.images)
        table.add_row(str(job), str(kills), f"{after:.2f} s", str(now["waiting"]), str(now["done"]), told)


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill jobs at random moments.")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--model", default="colours")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    title = f"{asked.images:,} images, {asked.model}"
    table = Table("job", "kill", "after", "waiting", "done", "afterwards", title=title)
    with tempfile.TemporaryDirectory() as place:
        os.environ["FOVEA_HOME"] = f"{place}/home"
        open_library().install(*tiny.packaged_model("colours"))
        kill_all(Path(place), asked, table)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
