"""What an NVIDIA GPU does for Fovea, in one run of under five minutes.

    uv run --no-dev --extra cuda python -m tests.benchmarks.cuda

Prints what was loaded, the agreement of features with the card in float32, TF32 and float16, milliseconds per image and
memory by batch size, a folder job over 12-megapixel JPEGs compared with its parts, and what happens without NVIDIA's
libraries. `--provider cpu` tries the script itself on a machine without a GPU; its figures then mean nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from core.base.errors import FoveaError
from core.base.progress import CancelToken
from core.base.providers import ComputePrecision, Precision, Provider, ProviderPreference
from core.card import BackboneCard
from core.engine import golden, sessions
from core.engine.engine import Engine, open_engine
from core.engine.provider_selection import BackboneFiles
from core.images.decoding import DECODE_THREADS
from core.jobs.job import Job, open_lazy_classifier
from core.jobs.values import JobRequest
from core.models.installed import backbone_files
from core.models.library import open_library
from core.training.backbones import BACKBONE, JOINED, backbone_of
from tests.benchmarks import trees
from tests.benchmarks.batch import decode_alone, engine_alone, milliseconds, whole_job

ROOT = Path(__file__).resolve().parents[2]
WHEELS = "onnxruntime-gpu", "nvidia-cuda-runtime", "nvidia-cublas", "nvidia-cudnn-cu13", "nvidia-curand"
BATCHES = 1, 8, 32, 64, 128
SECONDS_A_BATCH = 2.0
FALLBACK = """
import sys
import onnxruntime
onnxruntime.preload_dlls = lambda **_: print("Failed to load libcublasLt.so.13: hidden by the benchmark")
from core.cli import main
sys.exit(main(["classify", sys.argv[1], "--provider", sys.argv[2], "--format", "jsonl"]))
"""


# ---- the machine


def machine() -> Table:
    """The GPU, its driver, and the libraries."""
    table = Table("what", "found", title="machine")
    table.add_row("processor", f"{sessions.processor()}, {os.cpu_count()} cores, {platform.platform()}")
    table.add_row("GPU and driver", _nvidia_smi("name,driver_version,memory.total") or "not found")
    for name, version in sessions.versions().items():
        table.add_row(name, version)
    for wheel in WHEELS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            table.add_row(f"wheel {wheel}", importlib.metadata.version(wheel))
    return table


def _nvidia_smi(query: str) -> str:
    try:
        command = ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def used_memory() -> int | None:
    """Bytes of the GPU's memory in use by all processes, from `cuMemGetInfo`; None without a GPU."""
    free, total, context = ctypes.c_size_t(0), ctypes.c_size_t(0), ctypes.c_void_p()
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        if driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0) or driver.cuCtxSetCurrent(context):
            return None
        return None if driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total)) else total.value - free.value
    except (OSError, AttributeError):
        return None


# ---- the engine


def opened(provider: Provider) -> Iterator[tuple[str, ComputePrecision, Engine | FoveaError]]:
    """Each network in float32, in the provider's fastest arithmetic, and in float16; or why it does not run so."""
    library = open_library()
    for backbone in (*(backbone_of(library, name) for name in (BACKBONE, JOINED)), library.find("general").backbone):
        files, name = backbone_files(backbone), backbone.name
        own, half = files.cards[0], files.in_float16
        for card, precision in ((own, Precision.EXACT), (own, Precision.AUTO), (half, Precision.AUTO)):
            yield name, card.precision, _try(files, card, provider, precision)


def _try(files: BackboneFiles, card: BackboneCard, provider: Provider, precision: Precision) -> Engine | FoveaError:
    try:
        return open_engine(files.content(card), card, provider, precision)
    except FoveaError as error:
        return error


def speeds(provider: Provider, batches: list[int], seconds: float) -> Iterator[Table]:
    """Agreement, milliseconds per image and memory of each network by batch size."""
    agreement = Table(
        "network",
        "file",
        "computed in",
        "agreement",
        "opened in",
        "batch",
        title=f"{provider}: features and those in the card",
    )
    times = Table(
        "network",
        "computed in",
        *(f"batch {batch}" for batch in batches),
        title="ms an image, median; GPU memory in use",
    )
    for name, stored, engine in opened(provider):
        if isinstance(engine, FoveaError):
            agreement.add_row(name, stored, f"[red]{engine}", "", "", "")
            continue
        agreement.add_row(
            *(name, stored, engine.precision, f"{engine.agreement:.6f}"),
            *(f"{engine.opening_ms / 1000:.1f} s", f"{engine.batch}"),
        )
        times.add_row(name, engine.precision, *(_timed(engine, batch, seconds) for batch in batches))
    yield agreement
    yield times


def _timed(engine: Engine, batch: int, seconds: float) -> str:
    size = engine.card.preprocessing.size
    images = np.resize(golden.golden_inputs(size), (batch, size, size, 3))
    try:
        engine.run(images)
        taken, until = list[float](), time.perf_counter() + seconds
        while time.perf_counter() < until or len(taken) < 2:
            taken.append(milliseconds(lambda: engine.run(images), batch))
    except FoveaError as error:
        return f"[red]{error.what}"
    memory = used_memory()
    return f"{median(taken):.2f}" + ("" if memory is None else f"; {memory / 1e9:.2f} GB")


# ---- a folder


def folder_job(provider: Provider, count: int) -> Table:
    """A job over JPEGs of 12 megapixels, compared with decoding alone and the engine alone."""
    table = Table("part", "images/s", "ms an image", title=f"{count} JPEGs of 12 megapixels, {DECODE_THREADS} decoders")
    with tempfile.TemporaryDirectory() as place:
        tree = trees.large(Path(place) / "tree", count)
        request = JobRequest(tree, recursive=True, model="everyday", provider=ProviderPreference(provider.value))
        classifier = open_lazy_classifier(request)
        engine, ready = classifier.open().engine, []
        parts: dict[str, Callable[[], object]] = {
            "decoding alone": lambda: ready.extend(decode_alone(sorted(tree.iterdir()), classifier)),
            f"engine alone, {engine.precision}, batch {engine.batch}": lambda: engine_alone(ready, classifier),
            "job": lambda: whole_job(request, classifier),
        }
        for name, work in parts.items():
            each = milliseconds(work, count)
            table.add_row(name, f"{1000 / each:.0f}", f"{each:.2f}")
        with Job(replace(request, recursive=False), classifier, token=CancelToken()) as job:
            timings = [result.outcome.timing for result in job.results() if hasattr(result.outcome, "timing")]
    for name in ("decode_ms", "preprocess_ms", "inference_ms"):
        table.add_row(f"{name} in a thread, median", "", f"{median(getattr(one, name) for one in timings):.2f}")
    return table


# ---- the fallback


def fallback(provider: Provider) -> Table:
    """What a command says and answers if NVIDIA's libraries are missing."""
    table = Table("--provider", "exit code", "ran on", "standard error", title="without NVIDIA's libraries")
    photo = ROOT / "gui" / "samples" / "cat.jpg"
    for asked in (provider.value, "auto"):
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                [sys.executable, "-c", FALLBACK, str(photo), asked],
                cwd=ROOT, env=os.environ | {"FOVEA_HOME": home},
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
        lines = done.stdout.splitlines()
        ran = json.loads(lines[0]).get("provider", "") if lines else "nothing"
        table.add_row(asked, str(done.returncode), ran, done.stderr.strip()[:600])
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="What an NVIDIA GPU does for Fovea.")
    parser.add_argument("--provider", type=Provider, choices=list(Provider), default=Provider.CUDA)
    parser.add_argument("--images", type=int, default=960, help="photos of the folder job")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--seconds", type=float, default=SECONDS_A_BATCH, help="for each batch size")
    asked = parser.parse_args()
    console, started = Console(width=150), time.perf_counter()
    with tempfile.TemporaryDirectory() as home:
        os.environ["FOVEA_HOME"] = home
        console.print(machine())
        for table in speeds(asked.provider, asked.batches, asked.seconds):
            console.print(table)
        console.print(folder_job(asked.provider, asked.images))
        console.print(fallback(asked.provider))
    console.print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
