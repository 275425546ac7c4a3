"""Separable convolutions in an ONNX graph: pairs of a depthwise and a pointwise convolution.

Either half may come first. Between them there may be operators that treat every number by itself or every channel by
itself, such as BatchNormalization and activations; halves with nothing between them belong together first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import onnx

from core.engine.limits import KERNELS
from core.engine.shapes import Inferred, attributes_of
from core.engine.values import LayerStatistics, SeparableConvolution

CONVERSIONS: Final = frozenset({"Cast", "DequantizeLinear", "Identity", "QuantizeLinear"})
"""Operators that only change how numbers are stored."""
_BETWEEN: Final = CONVERSIONS | {
    "BatchNormalization", "Celu", "Clip", "Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "PRelu",
    "Relu", "Selu", "Sigmoid", "Softplus", "Swish", "Tanh",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Half:
    """A depthwise or pointwise convolution: its place among the layers, and the shape of its kernel [out, in, ...]."""

    place: int
    kernel: tuple[int, ...]
    groups: int

    @property
    def is_depthwise(self) -> bool:
        return self.groups > 1

    @property
    def channels(self) -> int:
        """Of its input."""
        return self.kernel[1] * self.groups


@dataclass(frozen=True, slots=True)
class _Link:
    """Two halves, the second of which reads the first one's output; `is_direct` says whether nothing is between."""

    first: _Half
    second: _Half
    is_direct: bool


class Separables:
    """Collects the separable convolutions while a graph is walked through."""

    def __init__(self, inferred: Inferred) -> None:
        self._inferred = inferred
        self._sources: dict[str, tuple[_Half, bool]] = {}
        self._links: list[_Link] = []

    def follow(self, node: onnx.NodeProto, place: int | None) -> None:
        """Take the next operator and its place among the layers, None if it is none."""
        source = self._sources.get(node.input[0]) if node.input else None
        half = None if place is None else self._half(node, place)
        output = node.output[0] if node.output else ""
        if half is not None:
            self._sources[output] = half, True
            if source is not None and source[0].is_depthwise != half.is_depthwise:
                self._links.append(_Link(source[0], half, source[1]))
        elif source is not None and node.op_type in _BETWEEN:
            self._sources[output] = source[0], source[1] and node.op_type in CONVERSIONS

    def _half(self, node: onnx.NodeProto, place: int) -> _Half | None:
        at = KERNELS.get(node.op_type)
        kernel = self._inferred.shapes.get(node.input[at], ()) if at is not None and len(node.input) > at else ()
        groups = attributes_of(node).get("group", 1)
        if len(kernel) != 4 or node.op_type == "ConvTranspose":
            return None
        is_depthwise = groups > 1 and kernel[1] == 1
        is_pointwise = groups == 1 and kernel[2:] == (1, 1)
        return _Half(place, kernel, groups) if is_depthwise or is_pointwise else None

    def found(self, layers: Sequence[LayerStatistics]) -> tuple[SeparableConvolution, ...]:
        """The pairs, in the order of the graph."""
        taken: set[int] = set()
        pairs: list[SeparableConvolution] = []
        for link in sorted(self._links, key=lambda one: (not one.is_direct, not one.first.is_depthwise)):
            places = {link.first.place, link.second.place}
            if not places & taken:
                taken |= places
                pairs.extend(_pairs(link, layers))
        return tuple(sorted(pairs, key=lambda one: min(one.depthwise, one.pointwise)))


def _pairs(link: _Link, layers: Sequence[LayerStatistics]) -> Iterator[SeparableConvolution]:
    halves = link.first, link.second
    depthwise, pointwise = halves if link.first.is_depthwise else halves[::-1]
    shape, costs = layers[depthwise.place].shape, [layers[one.place].multiply_adds for one in halves]
    if shape is None or None in costs:
        return
    plain = math.prod(depthwise.kernel[2:]) * link.first.channels * link.second.kernel[0]
    yield SeparableConvolution(
        depthwise.place,
        pointwise.place,
        weights=sum(math.prod(one.kernel) for one in halves),
        multiply_adds=sum(cost or 0 for cost in costs),
        plain_weights=plain,
        plain_multiply_adds=plain * math.prod(shape[2:]),
    )
