"""What a job costs: memory by the size of the folder, and speed by what is possible.

    python -m tests.benchmarks.batch memory [--images 10000 100000]
    python -m tests.benchmarks.batch queries [--images 100000]
    python -m tests.benchmarks.batch heads [--images 10000]
    python -m tests.benchmarks.batch speed [--model everyday] [--images 96] [--rounds 3]

`memory` runs the real command, with the tests' tiny model, over trees of small images, twice each: peak memory, images
a second, and what a second run takes. `queries` asks a journal what a window asks, of rows that nobody classified.
`heads` classifies a tree twice with kept features, the second time with another head. `speed` holds a job over JPEGs of
12 megapixels to the limit: decoding alone and the engine alone, each on all cores, their costs for an image added; all
are measured in turns.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `core` does, which is imported after NumPy here

import numpy as np
from rich.console import Console
from rich.table import Table

from core.base.progress import CancelToken
from core.images.decoding import DECODE_THREADS
from core.jobs.job import Job, open_lazy_classifier
from core.jobs.journal import FoundFile, ImageResult, Journal, ModelRef, job_folder, job_id
from core.jobs.pipeline import LazyClassifier
from core.jobs.queries import ResultStore
from core.jobs.schema import FILE
from core.jobs.trash import trash
from core.jobs.values import Filter, Group, JobRequest, Order, Review, Verdict, View
from core.models.library import open_library
from core.models.prepare import PreprocessedImage, prepare
from core.prediction import Failure, Prediction, Score, Timing
from tests import tiny
from tests.benchmarks import trees


def run_command(tree: Path) -> tuple[float, float]:
    """Seconds, and peak memory in megabytes, of `fovea classify` over a tree."""
    words = [sys.executable, "-m", "core.cli", "classify", str(tree), "--recursive", "--model", "colours"]
    started = time.perf_counter()
    process = subprocess.Popen([*words, "--provider", "cpu", "--format", "jsonl", "--output", os.devnull])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - started, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def memory(sizes: list[int]) -> Table:
    open_library().install(*tiny.packaged_model("colours"))
    table = Table("images", "peak memory", "images/s", "second run", "its peak memory", "journal", title="memory")
    for count in sizes:
        with tempfile.TemporaryDirectory() as place:
            tree = trees.small(Path(place) / "tree", count)
            first, peak = run_command(tree)
            second, peak_again = run_command(tree)
            size = (job_folder(job_id(JobRequest(tree, recursive=True))) / FILE).stat().st_size
            table.add_row(
                *(f"{count:,}", f"{peak:.0f} MB", f"{count / first:.0f}"),
                *(f"{second:.1f} s", f"{peak_again:.0f} MB", f"{size / 1e6:.1f} MB"),
            )
    return table


def filled(request: JobRequest, count: int) -> str:
    """The id of a job of images that are not there, with answers that nobody computed."""
    draw, labels = random.Random(0), [f"class {number}" for number in range(50)]
    with Journal(request, ModelRef("key", "drawn", 1, 5)) as journal:
        for start in range(0, count, 500):
            numbers = range(start, min(start + 500, count))
            journal.add_found(
                [FoundFile(b"folder %d" % (n // 1000), b"IMG_%d.jpg" % n, n, 7 * n % 1000) for n in numbers]
            )
            answers = []
            for number in numbers:
                scores = tuple(Score(label, draw.random()) for label in draw.sample(labels, 5))
                answer = Prediction(Path("x"), scores, None, "drawn", "cpu", Timing(1.0, 2.0, 3.0))
                failure = Failure(Path("x"), "damaged", "It cannot be decoded.", "Take another copy.")
                answers.append(ImageResult(number + 1, failure if number % 50 == 0 else answer, draw.getrandbits(64)))
            journal.record(answers)
        journal.end_walk([])
        journal.finish()
    return journal.id


def queries(count: int) -> Table:
    table = Table("asked", "milliseconds", title=f"{count:,} rows, median of 5")
    with (
        tempfile.TemporaryDirectory() as place,
        ResultStore(filled(JobRequest(Path(place), recursive=True), count)) as answers,
    ):

        def measure(what: str, ask: Callable[[], object]) -> None:
            times = []
            for _ in range(5):
                answers.refresh()
                times.append(milliseconds(ask, 1))
            table.add_row(what, f"{median(times):.1f}")

        for order in Order:
            measure(f"put in order by {order}", lambda order=order: answers.count(View(order)))
        for group in (Group.CLASS, Group.FOLDER, Group.SIMILARITY):
            measure(f"put in groups by {group}", lambda group=group: answers.listing(View(group=group)).groups)
        chosen = {
            "all": Filter(),
            "two classes, a range of confidence": Filter(("class 3", "class 4"), 0.2, 0.5),
            "text": Filter(text="g_9"),
        }
        for name, each in chosen.items():
            measure(f"rows: {name}", lambda each=each: answers.count(View(Order.CONFIDENCE, filter=each)))
            measure(f"histogram: {name}", lambda each=each: answers.histogram(each))
            measure(f"classes: {name}", lambda each=each: answers.class_counts(each))
            measure(f"folders: {name}", lambda each=each: answers.folder_counts(each))
        measure("how many are how far", answers.summary)
        view = View(Order.CONFIDENCE)
        answers.count(view)
        table.add_row(
            "100 rows from the middle",
            f"{milliseconds(lambda: answers.rows_of(answers.listing(view).numbers[count // 2 :][:100]), 1):.1f}",
        )
        said = Review(Verdict.CORRECTED, "class 1")
        table.add_row("one review", f"{milliseconds(lambda: answers.set_reviews({count // 2: said}), 1):.1f}")
        table.add_row(
            "1,000 reviews", f"{milliseconds(lambda: answers.set_reviews(dict.fromkeys(range(1000), said)), 1):.1f}"
        )
    return table


def heads(count: int) -> Table:
    table = Table("run", "seconds", title=f"{count:,} images, two heads over one backbone, features kept")
    library = open_library()
    with tempfile.TemporaryDirectory() as place:
        tree = trees.small(Path(place) / "tree", count)
        for name, temperature in (("first", 1.0), ("another head", 2.0), ("the same again", 2.0)):
            library.install(*tiny.packaged_model("colours", temperature=temperature))
            request = JobRequest(tree, recursive=True, model="colours", keep_features=True)
            started = time.perf_counter()
            with Job(request, open_lazy_classifier(request), token=CancelToken()) as job:
                fresh = sum(result.is_new for result in job.results())
            table.add_row(f"{name}, {fresh:,} new", f"{time.perf_counter() - started:.1f}")
    return table


def decode_alone(files: list[Path], answering: LazyClassifier) -> list[PreprocessedImage]:
    with ThreadPoolExecutor(DECODE_THREADS) as pool:
        prepared = pool.map(lambda file: prepare(file, [answering.spec]), files)
        return [ready for one in prepared if not isinstance(one, Failure) for ready in one]


def engine_alone(ready: list[PreprocessedImage], answering: LazyClassifier) -> None:
    engine = answering.open().engine
    for start in range(0, len(ready), engine.batch):
        engine.run(np.stack([image.input for image in ready[start : start + engine.batch]]))


def whole_job(request: JobRequest, answering: LazyClassifier) -> None:
    with Job(request, answering, token=CancelToken()) as job:
        assert all(result.is_new for result in job.results())
    trash(job.id)


def milliseconds(work: Callable[[], object], images: int) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000 / images


def speed(model: str, images: int, rounds: int) -> Table:
    with tempfile.TemporaryDirectory() as place:
        tree = trees.large(Path(place) / "tree", images)
        files = sorted(tree.iterdir())
        request = JobRequest(tree, recursive=True, model=model)
        answering = open_lazy_classifier(request)
        engine = answering.open().engine
        ready = decode_alone(files, answering)
        rows = []
        for _ in range(rounds):
            decoding = milliseconds(lambda: decode_alone(files, answering), images)
            computing = milliseconds(lambda: engine_alone(ready, answering), images)
            job = milliseconds(lambda: whole_job(request, answering), images)
            rows.append((decoding, computing, decoding + computing, job, (decoding + computing) / job))
    title = f"{images} JPEGs of 12 megapixels, {model} on {engine.provider}, {os.cpu_count()} cores, ms an image"
    table = Table("round", "decoding alone", "engine alone", "limit", "job", "share of the limit", title=title)
    for number, row in enumerate([*rows, tuple(map(median, np.transpose(rows).tolist()))], start=1):
        name = str(number) if number <= rounds else "median"
        table.add_row(name, *(f"{value:.1f}" for value in row[:4]), f"{row[4]:.2f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="What a job costs.")
    parser.add_argument("what", choices=("memory", "queries", "heads", "speed"))
    parser.add_argument("--images", type=int, nargs="+")
    parser.add_argument("--model", default="everyday")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["FOVEA_HOME"] = home
        match asked.what:
            case "memory":
                table = memory(asked.images or [10_000, 100_000])
            case "queries":
                table = queries((asked.images or [100_000])[0])
            case "heads":
                table = heads((asked.images or [10_000])[0])
            case _:
                table = speed(asked.model, (asked.images or [96])[0], asked.rounds)
        Console(width=120).print(table)


if __name__ == "__main__":
    main()
