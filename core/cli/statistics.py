"""`fovea models show --layers`: the statistics of a model or an ONNX file, layer by layer."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import RenderableType

from core.api import statistics
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.cli import tables
from core.cli.progress import stages
from core.engine.values import LayerTimings
from core.models import statistics_text
from core.models.statistics_text import LayerOrder
from core.models.values import ModelStatistics

_NO_TIME: Final = "–"


def is_wanted(arguments: argparse.Namespace) -> bool:
    """Whether statistics were requested: by an option, or because a file was given."""
    options = arguments.layers or arguments.measure or arguments.variant or arguments.sort
    return bool(options) or isinstance(source(arguments.name), Path)


def source(name: str) -> statistics.Source:
    """The model of this name, or the ONNX file."""
    return Path(name) if name.lower().endswith(".onnx") and Path(name).exists() else name


def run(arguments: argparse.Namespace, details: Callable[[], dict[str, Any]]) -> None:
    """Print the statistics; `details` has the other details of a model in the library, which JSON contains too."""
    asked = source(arguments.name), arguments.variant
    found = statistics.model_statistics(*asked)
    timings = None
    if arguments.measure or arguments.sort is LayerOrder.TIME:
        with stages() as report:
            timings = statistics.measure_layers(*asked, report=report, token=CancelToken())
    order = statistics_text.ranked(found.network, timings, arguments.sort or LayerOrder.DEPTH)

    def as_json() -> dict[str, Any]:
        about = {"kind": "file", "file": str(asked[0])} if isinstance(asked[0], Path) else details()
        return about | _content(found, timings, order)

    tables.print_result(arguments.format, as_json, lambda: _tables(found, timings, order))


def _content(found: ModelStatistics, timings: LayerTimings | None, order: list[int]) -> dict[str, Any]:
    network = found.network
    times = timings.milliseconds if timings else (None,) * len(network.layers)
    shares = statistics_text.shares(network)
    layers = [
        {**asdict(network.layers[place]), "share": shares[place],
         "milliseconds": times[place]}
        for place in order
    ]  # fmt: skip
    separable = [
        {
            **asdict(one),
            "depthwise": network.layers[one.depthwise].name,
            "pointwise": network.layers[one.pointwise].name,
        }
        for one in network.separable
    ]
    totals = {"weights": network.weights, "published_weights": found.published_weights, "file_bytes": found.file_bytes,
              "multiply_adds": network.multiply_adds, "activation_bytes": network.activation_bytes,
              "depth": network.depth, "receptive_field": network.receptive_field,
              "milliseconds": timings.total_ms if timings else None,
              "other_milliseconds": timings.other_ms if timings else None,
              "run_milliseconds": timings.run_ms if timings else None}  # fmt: skip
    about = {"title": found.title, "variant": found.precision, "variants": list(found.precisions)}
    return about | totals | {"notes": list(network.notes), "separable": separable, "layers": layers}


def _tables(found: ModelStatistics, timings: LayerTimings | None, order: list[int]) -> Iterator[RenderableType]:
    network = found.network
    yield tables.facts(statistics_text.summary(found, timings, tables.size), title=found.title)
    yield from map(tables.cell, network.notes)
    parts = [tr("part")] if len({one.part for one in network.layers}) > 1 else []
    times = [tr("ms")] if timings else []
    shares = statistics_text.shares(network)
    numbers = (tr("weights"), tr("multiply-adds"), tr("share"), *times)
    rows = []
    for place in order:
        one = network.layers[place]
        cost = tr("unknown") if one.multiply_adds is None else f"{one.multiply_adds:,}"
        row = [one.name, statistics_text.kind(one), statistics_text.shape(one), f"{one.weights:,}", cost]
        row.append(f"{shares[place]:.1%}")
        if timings:
            ms = timings.milliseconds[place]
            row.append(_NO_TIME if ms is None else f"{ms:.2f}")
        rows.append([*([one.part] if parts else []), *row])
    yield tables.table((*parts, tr("layer"), tr("kind"), tr("output"), *numbers), rows, numbers=numbers)
    if network.separable:
        yield _separable_table(found)


def _separable_table(found: ModelStatistics) -> RenderableType:
    """What plain convolutions would cost."""
    network = found.network
    numbers = (tr("weights"), tr("as a plain one"), tr("multiply-adds"), tr("as a plain one"))
    rows = [
        (
            f"{network.layers[one.depthwise].name} + {network.layers[one.pointwise].name}",
            f"{one.weights:,}",
            f"{one.plain_weights:,}",
            f"{one.multiply_adds:,}",
            f"{one.plain_multiply_adds:,}",
        )
        for one in network.separable
    ]
    return tables.table((tr("separable convolution"), *numbers), rows, numbers=numbers)
