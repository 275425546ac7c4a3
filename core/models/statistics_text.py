"""Statistics of models in words and tables, for the command line and the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from core.base.i18n import tr
from core.engine.values import LayerStatistics, LayerTimings, NetworkStatistics, deepest, widest
from core.models.values import ModelStatistics


class LayerOrder(StrEnum):
    """The order of layers: that of the file, or by a number, largest first."""

    DEPTH = "depth"
    WEIGHTS = "weights"
    MULTIPLY_ADDS = "multiply-adds"
    TIME = "time"


_UNDISTURBED: Final = 1.25
"""How much longer than its layers a whole run may take before it was interrupted."""

Size = Callable[[int], str]
"""Formats a number of bytes."""


def summary(found: ModelStatistics, timings: LayerTimings | None, size: Size) -> Iterator[tuple[str, str]]:
    """The totals: names and values."""
    network = found.network
    if found.precision is not None:
        yield tr("Variant"), found.precision
    yield tr("Weights"), _weights(found)
    yield tr("File size"), size(found.file_bytes)
    yield tr("Multiply-adds"), f"{network.multiply_adds:,}"
    memory = network.activation_bytes
    yield tr("Activation memory"), tr("unknown") if memory is None else size(memory)
    yield tr("Depth"), _of_parts(network, lambda layers: f"{deepest(layers):,}")
    yield tr("Receptive field"), _of_parts(network, _field)
    if timings is not None:
        values = {"total": f"{timings.total_ms:.1f}", "other": f"{timings.other_ms:.1f}"}
        yield tr("Time of the layers"), tr("{total} ms on the CPU, {other} ms of them for conversions", **values)
        yield tr("Time of a whole run"), _run_time(timings)
    if network.separable:
        yield tr("Separable convolutions"), _separable(network)
    yield from _parts(network)


def _run_time(timings: LayerTimings) -> str:
    run = f"{timings.run_ms:.1f}"
    if timings.run_ms <= _UNDISTURBED * timings.total_ms:
        return tr("{run} ms", run=run)
    return tr("{run} ms, with interruptions by other programs, which the layers’ times leave out", run=run)


def kind(layer: LayerStatistics) -> str:
    """What a layer does, with the sides of its window: “Conv 3 × 3”."""
    window = " × ".join(map(str, layer.kernel))
    if layer.is_depthwise and layer.kind.endswith("Conv"):
        return tr("Depthwise {kind} {window}", kind=layer.kind, window=window).rstrip()
    return f"{layer.kind} {window}".rstrip()


def shape(layer: LayerStatistics) -> str:
    """The shape of a layer's output for one image, without the axis of images."""
    return tr("unknown") if layer.shape is None else " × ".join(f"{axis:,}" for axis in layer.shape[1:] or (1,))


def shares(network: NetworkStatistics) -> list[float]:
    """The fraction of all multiply-adds that are in each layer."""
    total = max(1, network.multiply_adds)
    return [(layer.multiply_adds or 0) / total for layer in network.layers]


def ranked(network: NetworkStatistics, timings: LayerTimings | None, order: LayerOrder) -> list[int]:
    """The places of the layers in an order."""
    layers, places = network.layers, range(len(network.layers))
    match order:
        case LayerOrder.DEPTH:
            return list(places)
        case LayerOrder.WEIGHTS:
            return sorted(places, key=lambda place: -layers[place].weights)
        case LayerOrder.MULTIPLY_ADDS:
            return sorted(places, key=lambda place: -(layers[place].multiply_adds or 0))
        case LayerOrder.TIME:
            times = timings.milliseconds if timings else (0.0,) * len(layers)
            return sorted(places, key=lambda place: -(times[place] or 0.0))


def _weights(found: ModelStatistics) -> str:
    stored, published = found.network.weights, found.published_weights
    if published is None or published == stored:
        return f"{stored:,}"
    return tr(
        "{published:,}, of which {stored:,} are stored: normalization is folded into convolutions",
        published=published,
        stored=stored,
    )


def _parts_of(network: NetworkStatistics) -> dict[str, list[LayerStatistics]]:
    parts: dict[str, list[LayerStatistics]] = {}
    for layer in network.layers:
        if layer.part:
            parts.setdefault(layer.part, []).append(layer)
    return parts


def _of_parts(network: NetworkStatistics, text: Callable[[Sequence[LayerStatistics]], str]) -> str:
    """A text about the whole network, or about each backbone in it if there are several."""
    parts = {name: layers for name, layers in _parts_of(network).items() if any(one.kernel for one in layers)}
    if len(parts) < 2:
        return text(network.layers)
    return ", ".join(f"{name}: {text(layers)}" for name, layers in parts.items())


def _field(layers: Sequence[LayerStatistics]) -> str:
    found = widest(layers)
    return tr("the whole input") if found is None else tr("{height:,} × {width:,} px", height=found[0], width=found[1])


def _separable(network: NetworkStatistics) -> str:
    pairs = network.separable
    own, plain = sum(one.weights for one in pairs), sum(one.plain_weights for one in pairs)
    costs, plain_costs = sum(one.multiply_adds for one in pairs), sum(one.plain_multiply_adds for one in pairs)
    return tr(
        "{count:,}, with {weights:,} weights; plain convolutions would have {plain:,} ({factor:.1f} times as many, and "
        "{costs:.1f} times the multiply-adds)",
        count=len(pairs),
        weights=own,
        plain=plain,
        factor=plain / max(1, own),
        costs=plain_costs / max(1, costs),
    )


def _parts(network: NetworkStatistics) -> Iterator[tuple[str, str]]:
    parts = _parts_of(network)
    for name, layers in parts.items() if len(parts) > 1 else ():
        weights, costs = sum(one.weights for one in layers), sum(one.multiply_adds or 0 for one in layers)
        yield name, tr("{weights:,} weights, {costs:,} multiply-adds", weights=weights, costs=costs)
