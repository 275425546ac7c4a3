"""The ways to build a convolution that the page compares, and the article's examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from core.architectures import convolutions
from core.architectures.convolutions import Block
from core.base.i18n import mark


class BlockKind(Enum):
    """What stands between the input and the output channels."""

    PLAIN = auto()
    SMALLER_KERNELS = auto()
    INCEPTION = auto()
    BOTTLENECK = auto()
    SEPARABLE = auto()
    INVERTED_RESIDUAL = auto()


TITLES: Final[Mapping[BlockKind, str]] = {
    BlockKind.PLAIN: mark("Plain convolution"),
    BlockKind.SMALLER_KERNELS: mark("Smaller kernels"),
    BlockKind.INCEPTION: mark("Inception module"),
    BlockKind.BOTTLENECK: mark("Bottleneck (ResNet)"),
    BlockKind.SEPARABLE: mark("Separable (Xception)"),
    BlockKind.INVERTED_RESIDUAL: mark("Inverted residual"),
}
EXPLANATIONS: Final[Mapping[BlockKind, str]] = {
    BlockKind.PLAIN: mark(
        "Looks at neighbouring pixels and at all channels at once. Every pair of an input and an output channel needs "
        "a kernel of its own, so the numbers multiply. Each weight is used once per output pixel: computing time grows "
        "with the weights."
    ),
    BlockKind.SMALLER_KERNELS: mark(
        "Two kernels of 3 × 3 in a row see the same 5 × 5 pixels as one large kernel, with fewer weights and one more "
        "ReLU in between. In the same way, 3 × 3 can be split into 3 × 1 and 1 × 3. Inception V3 does both."
    ),
    BlockKind.INCEPTION: mark(
        "Looks at several scales side by side and joins the results. In each branch, a 1 × 1 convolution first reduces "
        "the channels, so that the larger kernels have less to do. Mixing channels and looking at pixels are already "
        "half separated."
    ),
    BlockKind.BOTTLENECK: mark(
        "A 1 × 1 convolution narrows the channels to a quarter, the large kernel works on those few, and another "
        "1 × 1 convolution widens them again. If the input is as wide as the output, it is added to it, which makes "
        "very deep networks trainable."
    ),
    BlockKind.SEPARABLE: mark(
        "Inception taken to its extreme: one kernel per channel looks at the pixels, and a 1 × 1 convolution mixes the "
        "channels. The numbers add up instead of multiplying. Xception has 34 of these, with no activation between "
        "the two halves."
    ),
    BlockKind.INVERTED_RESIDUAL: mark(
        "MobileNetV2’s block, a bottleneck turned inside out: narrow at its ends, six times wider inside, where a "
        "depthwise convolution is cheap. The last 1 × 1 convolution is linear, as a ReLU would lose information in so "
        "few channels. With equal ends it needs more weights than a plain convolution, but the ends can be much "
        "narrower: 16 to 320 channels."
    ),
}
ORDERS: Final = mark(
    "The paper describes the 1 × 1 convolution first, as in an Inception module, so the kernels look at the output "
    "channels. In practice (Keras, MobileNet, and the published Xception) the kernels come first and look at the "
    "input channels. In a stack of such layers the order hardly matters; it changes the number of weights only where "
    "the number of channels changes."
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the user chose.

    Attributes:
        kind: the block that is shown in detail.
        size: the side of the kernel in pixels.
        inputs: the number of channels that are read.
        outputs: the number of channels that are written.
        pointwise_first: the order of the halves of a separable convolution.
    """

    kind: BlockKind
    size: int
    inputs: int
    outputs: int
    pointwise_first: bool = False

    def block(self, kind: BlockKind) -> Block:
        """What stands between the channels if it is built like this."""
        shape = self.size, self.inputs, self.outputs
        match kind:
            case BlockKind.PLAIN:
                return convolutions.plain(*shape)
            case BlockKind.SMALLER_KERNELS:
                return convolutions.smaller_kernels(*shape)
            case BlockKind.INCEPTION:
                return convolutions.inception(*shape)
            case BlockKind.BOTTLENECK:
                return convolutions.bottleneck(*shape)
            case BlockKind.SEPARABLE:
                return convolutions.separable(*shape, pointwise_first=self.pointwise_first)
            case BlockKind.INVERTED_RESIDUAL:
                return convolutions.inverted_residual(*shape)


EXAMPLES: Final = (
    Setup(BlockKind.SEPARABLE, 3, 16, 32, pointwise_first=True),
    Setup(BlockKind.SMALLER_KERNELS, 5, 256, 512),
    Setup(BlockKind.BOTTLENECK, 3, 256, 256),
    Setup(BlockKind.SEPARABLE, 3, 2, 3),
)
"""The article's calculations."""
