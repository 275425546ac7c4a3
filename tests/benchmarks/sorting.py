"""What sorting and putting back take: `python -m tests.benchmarks.sorting [PHOTOS]`, 2,000 without a number.

Photos of 200 kB of noise, in each of the four ways. What is told per photo holds for the disk that the temporary folder
is on; most of it is waiting until the disk says that a photo, or a note about it, will survive a power cut.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from core.base.progress import CancelToken
from core.jobs.values import Row
from core.outputs.sorting.disk import RealFileSystem, resolve_request
from core.outputs.sorting.execute import execute
from core.outputs.sorting.plan import make_plan
from core.outputs.sorting.undo import undo
from core.outputs.sorting.values import SortRequest, TransferMode
from tests.rows import classified

SIZE = 200_000


def photos(folder: Path, count: int) -> list[Row]:
    """Photos, and an answer for each."""
    draw, rows = random.Random(0), []
    for number in range(count):
        path = folder / f"{number % 20}" / f"IMG_{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw.randbytes(SIZE))
        label = f"class {number % 12}"
        rows.append(classified(path, (label, 0.9), number=number))
    return rows


def measure(rows: list[Row], request: SortRequest) -> tuple[float, float, float]:
    """Seconds for planning, sorting and putting back."""
    moments = [time.perf_counter()]
    steps = list(make_plan(rows, request, RealFileSystem(request.destination)))
    moments.append(time.perf_counter())
    done = execute(steps, request, report=lambda _: None, token=CancelToken())
    moments.append(time.perf_counter())
    undo(done.id, report=lambda _: None, token=CancelToken())
    moments.append(time.perf_counter())
    planning, sorting, undoing = (after - before for before, after in pairwise(moments))
    return planning, sorting, undoing


def main() -> None:
    """Measure each way once, and put the photos back each time."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    table = Table("by", "plan, s", "sort, s", "undo, s", "sorted a second")
    with tempfile.TemporaryDirectory() as name:
        os.environ["FOVEA_HOME"] = str(Path(name) / "home")
        rows = photos(Path(name) / "photos", count)
        for by in TransferMode:
            times = measure(rows, resolve_request(SortRequest(Path(name) / "photos", Path(name) / "sorted", by)))
            table.add_row(by, *(f"{seconds:.1f}" for seconds in times), f"{count / times[1]:,.0f}")
    Console().print(table)
    Console().print(f"{count:,} photos, peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


if __name__ == "__main__":
    main()
