"""`fovea models networks`: the article's networks, counted from their layers, with their published accuracies."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from core.api import networks
from core.app.values import ComparedNetwork, NetworkKind
from core.architectures.published import PUBLISHED, PublishedNetwork
from core.base.i18n import tr
from core.base.text import percent
from core.cli import tables


def run(arguments: argparse.Namespace) -> None:
    """Print the networks, and the LiteRT files that were measured on this machine."""
    measured = [one for one in networks.compare_networks().networks if one.kind is NetworkKind.LITERT]
    tables.print_result(
        arguments.format, lambda: [*map(_as_json, PUBLISHED), *map(_file_as_json, measured)], lambda: _report(measured)
    )


def _file_as_json(one: ComparedNetwork) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": one.name,
        "kind": one.kind.value,
        "weights": one.weights,
        "multiply_adds": one.multiply_adds,
        "litert_bytes": one.size_bytes,
    }
    return row | {"litert_ms": one.time.ms if one.time else None, "top1": one.accuracy, "source": one.source}


def _as_json(one: PublishedNetwork) -> dict[str, Any]:
    counts = one.counts
    row: dict[str, Any] = {"name": one.title, "architecture": one.architecture, "size": one.size}
    row |= {"alpha": one.alpha, "rho": one.rho, "weights": counts.weights, "norm_weights": counts.norm_weights}
    row |= {"multiply_adds": counts.multiply_adds, "float32_bytes": counts.float32_bytes}
    return row | {"top1": one.top1, "top5": one.top5, "source": one.source}


def _report(measured: Sequence[ComparedNetwork]) -> Iterator[Table | Text]:
    numbers = tr("input"), tr("weights"), tr("multiply-adds"), tr("float32"), tr("top-1"), tr("top-5")
    columns = tr("network"), *numbers, tr("accuracy published by")
    yield tables.table(columns, map(_cells, PUBLISHED), numbers=numbers)
    yield Text()
    yield tables.cell(
        tr(
            "Weights and multiply-adds are computed from the layers, with the classifier of 1,000 classes. A file "
            "holds a little more than its float32 weights. The accuracies on ImageNet are as published. MobileNets: "
            "width and resolution multipliers (alpha, rho)."
        )
    )
    if measured:
        yield Text()
        costs = tr("file size"), tr("ms per image")
        rows = [(one.name, tables.size(one.size_bytes), f"{one.time.ms:.1f}") for one in measured if one.time]
        yield tables.table((tr("measured on this computer"), *costs), rows, numbers=costs)


def _cells(one: PublishedNetwork) -> tuple[str | Text, ...]:
    counts = one.counts
    numbers = str(one.size), f"{counts.weights:,}", f"{counts.multiply_adds:,}", tables.size(counts.float32_bytes)
    return (tables.cell(one.title, "bold"), *numbers, percent(one.top1), percent(one.top5), one.source)
