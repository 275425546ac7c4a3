"""SSD on MobileNetV2, layer by layer, with plain or separable prediction layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.architectures.convolutions import EXPANSION
from core.architectures.counting import Counts, FeatureMap, Network

COCO_OUTPUTS: Final = 91
"""Scores for each box: one for the background, and one for each of COCO's 90 numbers."""
_CORNERS: Final = 4
_BOXES: Final = (3, 6, 6, 6, 6, 6)
"""Boxes at each pixel of the six feature maps."""


def ssd_mobilenet_v2(size: int = 300, outputs: int = COCO_OUTPUTS, *, separable: bool = False) -> Counts:
    """Liu and others: SSD (2016), on MobileNetV2; with separable prediction layers SSDLite (Sandler and others, 2018).

    The input has `size` pixels a side; each box has this number of outputs.
    """
    net = Network()
    for x, boxes in zip(_feature_maps(net, size), _BOXES, strict=True):
        for width in (_CORNERS, outputs):
            _predict(net, x, boxes * width, separable=separable)
    return net.counts


def _predict(net: Network, x: FeatureMap, channels: int, *, separable: bool) -> None:
    if separable:
        net.convolve_with_bias(net.depthwise(x), channels)
    else:
        net.convolve_with_bias(x, channels, 3)


def _feature_maps(net: Network, size: int) -> Iterator[FeatureMap]:
    """The expansion of MobileNetV2's first block of 160 channels, its last layer, and four that halve the side."""
    x = net.convolve(FeatureMap(size, 3), 32, 3, 2)
    x = net.convolve(net.depthwise(x), 16, 1)
    for width, repeats, stride in ((24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)):
        for number in range(repeats):
            wide = net.convolve(x, EXPANSION * x.channels, 1)
            if width == 160 and number == 0:
                yield wide
            x = net.convolve(net.depthwise(wide, 3, stride if number == 0 else 1), width, 1)
    x = net.convolve(x, 1280, 1)
    yield x
    for inner, width in ((256, 512), (128, 256), (128, 256), (64, 128)):
        x = net.convolve(net.depthwise(net.convolve(x, inner, 1), 3, 2), width, 1)
        yield x
