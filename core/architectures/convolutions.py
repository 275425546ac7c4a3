"""The arithmetic of convolutions: how many weights the blocks of well-known networks need.

A convolution with a kernel of h x w pixels from m to n channels has h*w*m*n weights; a depthwise one, which looks at
each channel by itself, has h*w*m. Biases and normalization are not counted here. Every weight is used once for every
pixel of the output, so the multiply-adds of blocks that keep the size of the image have the same ratios.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

EXPANSION: Final = 6
"""How many times MobileNetV2 widens its blocks inside (Sandler and others, 2018)."""
REDUCTION: Final = 4
"""How many times ResNet narrows its bottlenecks, and Inception each of its branches."""


class Activation(Enum):
    """What follows a convolution."""

    NONE = "linear"
    RELU = "ReLU"
    RELU6 = "ReLU6"


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution without bias; the kernel has a height and a width in pixels.

    If it is depthwise, each channel is convolved by itself; then `outputs` equals `inputs`.
    """

    kernel: tuple[int, int]
    inputs: int
    outputs: int
    is_depthwise: bool = False
    activation: Activation = Activation.RELU

    @property
    def factors(self) -> tuple[int, ...]:
        """The numbers whose product is the number of weights: the kernel's sides, unless both are 1, and channels."""
        sides = () if self.kernel == (1, 1) else self.kernel
        return (*sides, self.inputs) if self.is_depthwise else (*sides, self.inputs, self.outputs)

    @property
    def weights(self) -> int:
        """The number of weights."""
        return math.prod(self.factors)


@dataclass(frozen=True, slots=True)
class Pooling:
    """Pooling over a square of pixels, which has no weights."""

    kernel: tuple[int, int]
    inputs: int

    @property
    def outputs(self) -> int:
        """As many channels as it reads."""
        return self.inputs

    @property
    def weights(self) -> int:
        """None."""
        return 0


Step: TypeAlias = Convolution | Pooling


@dataclass(frozen=True, slots=True)
class Block:
    """What networks are built of: one or several branches, side by side.

    Attributes:
        branches: the steps of each branch; they read the same channels, and what they write is put together.
        has_shortcut: whether the input is added to the output.
    """

    branches: tuple[tuple[Step, ...], ...]
    has_shortcut: bool = False

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of all branches."""
        return tuple(step for branch in self.branches for step in branch)

    @property
    def weights(self) -> int:
        """The number of weights."""
        return sum(step.weights for step in self.steps)

    @property
    def inputs(self) -> int:
        """The number of channels that it reads."""
        return self.branches[0][0].inputs

    @property
    def outputs(self) -> int:
        """The number of channels that it writes."""
        return sum(branch[-1].outputs for branch in self.branches)


def plain(size: int, inputs: int, outputs: int) -> Block:
    """One convolution with a square kernel of this size in pixels."""
    return Block(((Convolution((size, size), inputs, outputs),),))


def smaller_kernels(size: int, inputs: int, outputs: int) -> Block:
    """Several convolutions that together see as many pixels as one with a large kernel: odd, at least 3 pixels a side.

    A kernel of 5 x 5 becomes two of 3 x 3, a kernel of 7 x 7 three; one of 3 x 3 becomes 3 x 1 and 1 x 3 (Szegedy
    and others: Rethinking the Inception Architecture, 2015). All but the last keep the number of channels.
    """
    kernels = [(3, 1), (1, 3)] if size == 3 else [(3, 3)] * ((size - 1) // 2)
    widths = [inputs] * len(kernels) + [outputs]
    return Block((tuple(map(Convolution, kernels, widths, widths[1:])),))


def inception(size: int, inputs: int, outputs: int) -> Block:
    """Four branches that look at different scales, each of them narrow (Szegedy and others, 2015).

    Each writes a quarter of the output's channels; the first ones take what cannot be divided by four.
    """
    widths = [(outputs + place) // REDUCTION for place in reversed(range(REDUCTION))]
    kernel = size, size
    heads = [Convolution((1, 1), inputs, width) for width in widths]
    once, first, second = (Convolution(kernel, width, width) for width in (widths[1], widths[2], widths[2]))
    return Block(((heads[0],), (heads[1], once), (heads[2], first, second), (Pooling((3, 3), inputs), heads[3])))


def bottleneck(size: int, inputs: int, outputs: int) -> Block:
    """A narrow convolution between two of 1 x 1 that change the number of channels (He and others: ResNet, 2015)."""
    narrow = max(1, outputs // REDUCTION)
    steps = (
        Convolution((1, 1), inputs, narrow),
        Convolution((size, size), narrow, narrow),
        Convolution((1, 1), narrow, outputs, activation=Activation.NONE),
    )
    return Block((steps,), has_shortcut=inputs == outputs)


def separable(size: int, inputs: int, outputs: int, *, pointwise_first: bool = False) -> Block:
    """A depthwise separable convolution (Chollet: Xception, 2016): pixels and channels one after the other.

    `pointwise_first` is the order in the paper's text; programs go depthwise first. Then the kernels see `outputs`
    channels instead of `inputs`.
    """
    width = outputs if pointwise_first else inputs
    across = Convolution((size, size), width, width, is_depthwise=True, activation=Activation.NONE)
    along = Convolution((1, 1), inputs, outputs, activation=Activation.NONE)
    return Block(((along, across) if pointwise_first else (across, along),))


def inverted_residual(size: int, inputs: int, outputs: int, expansion: int = EXPANSION) -> Block:
    """MobileNetV2's block (Sandler and others, 2018): widened by 1 x 1, convolved depthwise, narrowed without ReLU."""
    wide = expansion * inputs
    steps = (
        Convolution((1, 1), inputs, wide, activation=Activation.RELU6),
        Convolution((size, size), wide, wide, is_depthwise=True, activation=Activation.RELU6),
        Convolution((1, 1), wide, outputs, activation=Activation.NONE),
    )
    return Block((steps,), has_shortcut=inputs == outputs)
