"""A network written down as its layers, which are counted as they are added: weights and multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from core.architectures.convolutions import Convolution

Padding = Literal["same", "valid"]

NORM: Final = 4
"""Numbers that batch normalization keeps for each channel: scale, offset, and the moving mean and variance."""
NORM_WITHOUT_SCALE: Final = 3
_BYTES: Final = 4
"""Bytes of a float32."""


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """What flows through a network: an image of `side` x `side` pixels with some channels."""

    side: int
    channels: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The size and cost of a network.

    Attributes:
        weights: all numbers that it keeps, as Keras's `count_params` says.
        norm_weights: those among them of batch normalization, which can be folded into the convolutions.
        multiply_adds: of its convolutions and dense layers, for one image.
        separable_savings: how many more weights it would have with plain convolutions instead of separable ones.
    """

    weights: int
    norm_weights: int
    multiply_adds: int
    separable_savings: int

    @property
    def float32_bytes(self) -> int:
        """The size of its weights as float32; a file holds a little more."""
        return _BYTES * self.weights


class Network:
    """Counts the layers that are added to it; each takes a feature map and returns the next."""

    def __init__(self, *, norm: int = NORM, has_bias: bool = False) -> None:
        """Count layers with `norm` numbers per channel of the normalization after each convolution; 0 for none."""
        self._norm, self._has_bias = norm, has_bias
        self._weights = self._norm_weights = self._multiply_adds = self._savings = 0

    @property
    def counts(self) -> Counts:
        """What was counted so far."""
        return Counts(self._weights, self._norm_weights, self._multiply_adds, self._savings)

    def convolve(
        self,
        x: FeatureMap,
        channels: int,
        kernel: int | tuple[int, int] = 3,
        stride: int = 1,
        padding: Padding = "same",
    ) -> FeatureMap:
        """A convolution to this number of channels, with the network's bias and normalization."""
        pair = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        y = FeatureMap(_side(x.side, pair[0], stride, padding), channels)
        self._add(Convolution(pair, x.channels, channels), y.side)
        self._finish(y)
        return y

    def convolve_with_bias(self, x: FeatureMap, channels: int, kernel: int = 1) -> FeatureMap:
        """A convolution with a bias and without normalization."""
        y = FeatureMap(x.side, channels)
        self._add(Convolution((kernel, kernel), x.channels, channels), y.side)
        self._weights += channels
        return y

    def depthwise(self, x: FeatureMap, kernel: int = 3, stride: int = 1) -> FeatureMap:
        """A depthwise convolution, normalized."""
        y = FeatureMap(_side(x.side, kernel, stride, "same"), x.channels)
        self._add(Convolution((kernel, kernel), x.channels, x.channels, is_depthwise=True), y.side)
        self._finish(y)
        return y

    def separable(self, x: FeatureMap, channels: int, kernel: int = 3) -> FeatureMap:
        """A depthwise separable convolution, normalized at its end only."""
        self._add(Convolution((kernel, kernel), x.channels, x.channels, is_depthwise=True), x.side)
        self._savings += Convolution((kernel, kernel), x.channels, channels).weights
        self._savings -= kernel * kernel * x.channels + x.channels * channels
        return self.convolve(x, channels, 1)

    def dense(self, x: FeatureMap, outputs: int) -> FeatureMap:
        """A dense layer with a bias, over all pixels and channels."""
        weights = x.side**2 * x.channels * outputs
        self._weights += weights + outputs
        self._multiply_adds += weights
        return FeatureMap(1, outputs)

    def _add(self, convolution: Convolution, side: int) -> None:
        self._weights += convolution.weights
        self._multiply_adds += convolution.weights * side**2

    def _finish(self, y: FeatureMap) -> None:
        self._norm_weights += self._norm * y.channels
        self._weights += (self._norm + self._has_bias) * y.channels


def pool(x: FeatureMap, kernel: int, stride: int, padding: Padding = "valid") -> FeatureMap:
    """Pooling, which has no weights."""
    return FeatureMap(_side(x.side, kernel, stride, padding), x.channels)


def pool_all(x: FeatureMap) -> FeatureMap:
    """Pooling over all pixels."""
    return FeatureMap(1, x.channels)


def concatenate(maps: Sequence[FeatureMap]) -> FeatureMap:
    """Feature maps of one size, with the channels of all."""
    (side,) = {one.side for one in maps}
    return FeatureMap(side, sum(one.channels for one in maps))


def _side(side: int, kernel: int, stride: int, padding: Padding) -> int:
    return -(-side // stride) if padding == "same" else (side - kernel) // stride + 1
