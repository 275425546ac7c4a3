"""What numbers flow through a network when it looks at images: the ranges worth storing in 8 bits, and the means.

Ranges that hold every number are ruled by rare outliers. Those taken here make the sum of |error| ** `POWER` least,
over rounding inside the range and clipping outside. With 1.5, Xception's features of photos in 8 bits agree with the
exact ones to a mean cosine of 0.989; with ranges that hold every number to 0.931, with the least squares to 0.962, with
99.99 % of the numbers to 0.985. EfficientNet-Lite0, whose numbers end at 6, hardly cares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from core.models import joined
from core.models.variants import open_file, run_file

POWER: Final = 1.5
_STEPS: Final = 255
"""From the lowest to the highest number of 8 bits."""
_PER_IMAGE: Final = 4096
"""Numbers looked at of each array."""
_PARTS: Final = np.geomspace(0.02, 1.0, 40).tolist()
"""Of the lowest and the highest number: where a range may end."""
_ROUNDS: Final = 2
"""How often each end of a range is chosen anew, the other staying."""


class RangeObserver:
    """Numbers of some arrays, seen image by image, and the ranges in which they are best stored."""

    def __init__(self) -> None:
        self._draw = np.random.default_rng(0)
        self._numbers: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
        self._ends: dict[str, list[float]] = defaultdict(list)

    def update(self, name: str, values: NDArray[np.float32]) -> None:
        """Take note of an array for one image."""
        flat = values.reshape(-1)
        self._numbers[name].append(flat[self._draw.integers(0, flat.size, _PER_IMAGE)])
        self._ends[name] += [float(flat.min()), float(flat.max())]

    def best_ranges(self) -> dict[str, tuple[float, float]]:
        """The lowest and the highest number worth storing, by the array's name."""
        return {
            name: _best_range(np.concatenate(numbers), min(self._ends[name]), max(self._ends[name]))
            for name, numbers in self._numbers.items()
        }


@dataclass(frozen=True, slots=True, eq=False)
class ActivationStats:
    """What flows through a network.

    Attributes:
        ranges: lowest and highest number worth storing, by the array's name.
        means: of each convolution's input, float64 [channels], by the array's name.
    """

    ranges: Mapping[str, tuple[float, float]]
    means: Mapping[str, NDArray[np.float64]]


def observe_activations(
    model: onnx.ModelProto, images: Iterable[NDArray[np.uint8]], operators: Collection[str]
) -> ActivationStats:
    """Let a network look at images, and watch what goes into and comes out of some of its operators.

    Args:
        model: from `image` uint8 [n, size, size, 3]; it stays as it is.
        images: uint8 [size, size, 3], one or more.
        operators: their types.

    Raises:
        ModelError: the network does not run.
    """
    names, convolved = _observed_tensors(model.graph, operators)
    session, ranges = open_file(_with_outputs(model, names)), RangeObserver()
    means: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for image in images:
        for name, values in zip(names, run_file(session, names, image[None]), strict=True):
            ranges.update(name, values)
            if name in convolved:
                means[name].append(values.mean(axis=(0, 2, 3), dtype=np.float64))
    return ActivationStats(ranges.best_ranges(), {name: np.mean(rows, axis=0) for name, rows in means.items()})


def _observed_tensors(graph: onnx.GraphProto, operators: Collection[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Arrays that flow into and out of operators, and those of them that are convolved."""
    result = {name for node in graph.node for name in node.output}
    watched = [node for node in graph.node if node.op_type in operators]
    names = dict.fromkeys(name for node in watched for name in (*node.input, *node.output) if name in result)
    return tuple(names), frozenset(node.input[0] for node in watched if node.op_type == "Conv")


def _with_outputs(model: onnx.ModelProto, names: Iterable[str]) -> bytes:
    """The network with more outputs."""
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    existing = {info.name for info in extended.graph.output}
    extended.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in existing)
    return joined.serialise(extended)


def _best_range(numbers: NDArray[np.float32], lowest: float, highest: float) -> tuple[float, float]:
    """The range, 0 in it, that loses least of drawn numbers whose extremes are known."""
    ascending, zeros = np.sort(numbers), len(numbers) - int(np.count_nonzero(numbers))
    lows, highs = ([part * end for part in _PARTS] for end in (min(lowest, 0.0), max(highest, 0.0)))
    low, high = lows[-1], highs[-1]
    for _ in range(_ROUNDS):
        high = min(highs, key=lambda end: _loss(ascending, zeros, low, end))
        low = min(lows, key=lambda end: _loss(ascending, zeros, end, high))
    return low, high


def _loss(ascending: NDArray[np.float32], zeros: int, low: float, high: float) -> float:
    """What storing numbers in 8 bits loses; rounding errors are even over a step, and a 0 stays one."""
    first, last = np.searchsorted(ascending, low), np.searchsorted(ascending, high, "right")
    rounded = (last - first - zeros) * ((high - low) / _STEPS / 2) ** POWER / (POWER + 1)
    below = low - ascending[:first].astype(np.float64)
    above = ascending[last:].astype(np.float64) - high
    return float(rounded + (below**POWER).sum() + (above**POWER).sum())
