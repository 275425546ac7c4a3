"""What reports of many images take: `python -m tests.benchmarks.reports [ROWS]`, 100,000 without a number.

Each form is written in a process of its own, so that its peak memory is its own; thumbnails are left out.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from core.base.progress import CancelToken
from core.outputs.reports.columns import ColumnSet, ReportRow
from core.outputs.reports.plan import ReportFormat, ReportOptions
from core.outputs.reports.write import write_report
from core.prediction import Prediction, Score, Timing


def rows(count: int) -> Iterator[ReportRow]:
    """Predictions of five classes each."""
    for number in range(count):
        scores = tuple(Score(f"class {(number + rank) % 40}", 0.5 / (rank + 1)) for rank in range(5))
        path = Path("holiday") / f"{number % 100:02}" / f"IMG_{number:06}.jpg"
        yield ReportRow(Prediction(path, scores, None, "everyday", "cpu", Timing(8.1, 0.7, 5.2)))


def measure(form: ReportFormat, count: int) -> None:
    """Write one report, and print seconds, peak memory in MB and the file's size in MB."""
    with tempfile.TemporaryDirectory() as folder:
        file, started = Path(folder) / "report", time.perf_counter()
        plan = ReportOptions(form, ColumnSet(5), thumbnails=0)
        write_report(file, rows(count), plan, total=count, report=lambda _: None, token=CancelToken())
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(f"{seconds:.1f} {peak:.0f} {file.stat().st_size / 1e6:.1f}")


def main() -> None:
    """Measure every form, at a tenth of the rows and at all."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    table = Table("form", "rows", "seconds", "peak MB", "file MB")
    for form in ReportFormat:
        for some in (count // 10, count):
            command = [sys.executable, "-m", "tests.benchmarks.reports", str(some), form]
            table.add_row(form, f"{some:,}", *subprocess.check_output(command, text=True).split())
    Console().print(table)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(ReportFormat(sys.argv[2]), int(sys.argv[1]))
    else:
        main()
