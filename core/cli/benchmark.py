"""`fovea benchmark`: measure the speed of this machine."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from core.api import machine
from core.app.benchmark import BATCHES, BenchmarkResult, EngineTimings
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.base.providers import TITLES
from core.cli import tables
from core.cli.progress import stages


def run(arguments: argparse.Namespace) -> int:
    """Measure the speed of all backbones and of decoding, or of LiteRT files, and print it."""
    with stages() as report:
        if arguments.litert:
            files = machine.benchmark_litert(report=report, token=CancelToken())
            content, numbers = {"litert": [asdict(one) for one in files]}, (tr("file size"), tr("ms per image"))
            rows = [(one.backbone, one.storage, tables.size(one.size_bytes), f"{one.ms:.1f}") for one in files]
            shown = tables.table((tr("backbone"), tr("LiteRT file"), *numbers), rows, numbers=numbers)
            tables.print_result(arguments.format, lambda: content, lambda: [shown])
            return 0
        figures = machine.benchmark(report=report, token=CancelToken())
    tables.print_result(arguments.format, lambda: _as_json(figures), lambda: _report(figures))
    return 0


def _as_json(figures: BenchmarkResult) -> dict[str, Any]:
    return {
        "engines": [_engine_as_json(one) for one in figures.engines],
        "decode": {
            "megapixels": 12,
            "size": figures.size,
            "ms": round(figures.decode_ms, 3),
            "at_once_ms": round(figures.decode_at_once_ms, 3),
        },
    }


def _engine_as_json(one: EngineTimings) -> dict[str, Any]:
    return {
        "backbone": one.backbone,
        "provider": one.provider.value,
        "precision": one.precision.value,
        "computed_in": one.computed_in.value,
        "works": one.error is None,
        "agreement": one.agreement,
        "batch_ms": {str(count): round(ms, 3) for count, ms in one.batch_ms.items()},
        "error": None if one.error is None else {"what": one.error.what, "hint": one.error.hint},
    }


def _report(figures: BenchmarkResult) -> Iterator[Table | Text]:
    numbers = (*(tr("batch of {size}", size=size) for size in BATCHES), tr("agreement"))
    columns = (tr("backbone"), tr("provider"), tr("precision"), *numbers, tr("reason"))
    rows = []
    for one in figures.engines:
        elapsed = [f"{one.batch_ms[count]:.1f}" if one.batch_ms else "" for count in BATCHES]
        agreement = "" if one.agreement is None else f"{one.agreement:.5f}"
        precision = one.computed_in.value if one.backbone else ""
        rows.append((one.backbone, TITLES[one.provider], precision, *elapsed, agreement, str(one.error or "")))
    yield tables.table(columns, rows, numbers=numbers, title=tr("Milliseconds per image"))
    yield Text()
    yield tables.cell(
        tr(
            "Decoding a 12-megapixel JPEG to {size} x {size}: {single:.1f} ms alone, {parallel:.1f} ms in parallel.",
            size=figures.size,
            single=figures.decode_ms,
            parallel=figures.decode_at_once_ms,
        )
    )
