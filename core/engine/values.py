"""Statistics of networks: light values that any process can hold."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerStatistics:
    """One operator of a graph that is not computed from weights alone, for one image.

    Attributes:
        name: its name in the graph.
        kind: its operator in ONNX: "Conv", "Relu", "Add".
        kernel: the sides of its window, usually height and width; empty if it has none.
        groups: into how many groups a convolution divides its channels; a depthwise one has a group for each.
        shape: of its output; None if unknown.
        weights: stored numbers that it is the first to use.
        multiply_adds: of a convolution or matrix product, otherwise 0; None if unknown.
        depth: convolutions and matrix products with weights on the longest path from the input, including this one.
        receptive_field: height and width in pixels of the part of the image that one number of the output depends on;
            None for the whole image.
        part: the part of the model that it belongs to, for display; empty if the model has only one.
    """

    name: str
    kind: str
    kernel: tuple[int, ...]
    groups: int
    shape: tuple[int, ...] | None
    weights: int
    multiply_adds: int | None
    depth: int
    receptive_field: tuple[int, int] | None
    part: str = ""

    @property
    def is_depthwise(self) -> bool:
        """Whether it is a convolution of each channel by itself."""
        return self.groups > 1


@dataclass(frozen=True, slots=True)
class SeparableConvolution:
    """A depthwise convolution and the pointwise one (1 x 1) after or before it, without biases.

    Attributes:
        depthwise: the place of the depthwise half in `NetworkStatistics.layers`.
        pointwise: the place of the pointwise half.
        weights: of both.
        multiply_adds: of both, for one image.
        plain_weights: those of a plain convolution of the same window from the same channels to the same channels.
        plain_multiply_adds: those of that convolution.
    """

    depthwise: int
    pointwise: int
    weights: int
    multiply_adds: int
    plain_weights: int
    plain_multiply_adds: int


@dataclass(frozen=True, slots=True)
class NetworkStatistics:
    """What a network consists of and costs for one image, as counted by `core.engine.complexity.compute_stats`.

    Attributes:
        layers: its operators in the order of the file, without conversions of numbers.
        separable: its separable convolutions.
        activation_bytes: the most memory that arrays take at once, without weights; None if unknown.
        notes: what could not be counted, or was counted under an assumption: whole sentences for display.
    """

    layers: tuple[LayerStatistics, ...]
    separable: tuple[SeparableConvolution, ...]
    activation_bytes: int | None
    notes: tuple[str, ...] = ()

    @property
    def weights(self) -> int:
        """Stored numbers, without scalars; BatchNormalization folded into a convolution counts as part of it."""
        return sum(one.weights for one in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of its convolutions and matrix products, as far as they are known."""
        return sum(one.multiply_adds or 0 for one in self.layers)

    @property
    def depth(self) -> int:
        """Convolutions and matrix products with weights on the longest path; the halves of a separable one count."""
        return deepest(self.layers)

    @property
    def receptive_field(self) -> tuple[int, int] | None:
        """That of the last window over more than one place; None for the whole image, or if there is none."""
        return widest(self.layers)


@dataclass(frozen=True, slots=True)
class LayerTimings:
    """How long the layers of a network take for one image, measured on the CPU.

    Attributes:
        milliseconds: of each layer, in the order of `NetworkStatistics.layers`; None if it was fused into another one.
        other_ms: of conversions of numbers and of the layout of arrays.
        run_ms: median of whole runs. Medians of single layers leave out most interruptions by other programs, of which
            a whole run always has some, so that their sum is smaller on a busy computer.
    """

    milliseconds: tuple[float | None, ...]
    other_ms: float
    run_ms: float

    @property
    def total_ms(self) -> float:
        """Of the whole network, where nothing interrupts it."""
        return sum(one or 0.0 for one in self.milliseconds) + self.other_ms


def deepest(layers: Iterable[LayerStatistics]) -> int:
    """The greatest depth among layers."""
    return max((one.depth for one in layers), default=0)


def widest(layers: Iterable[LayerStatistics]) -> tuple[int, int] | None:
    """The receptive field of the last windows that have more than one place; None for the whole image."""
    spatial = [one for one in layers if one.kernel and one.shape and math.prod(one.shape[2:]) > 1]
    fields = [one.receptive_field for one in spatial if one.receptive_field is not None]
    if not fields or spatial[-1].receptive_field is None:
        return None
    return max(height for height, _ in fields), max(width for _, width in fields)
