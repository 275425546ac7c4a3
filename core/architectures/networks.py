"""Networks for the 1,000 classes of ImageNet, layer by layer, as their papers and Keras define them.

Each function takes the input size in pixels (MobileNets: and their width multiplier) and returns the counts of the
whole network, its classifier included. A test holds them to Keras's own, to the weight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

from core.architectures.convolutions import EXPANSION
from core.architectures.counting import (
    NORM_WITHOUT_SCALE,
    Counts,
    FeatureMap,
    Network,
    Padding,
    concatenate,
    pool,
    pool_all,
)

CLASSES: Final = 1000

_Step: TypeAlias = tuple[int, int] | tuple[int, tuple[int, int]]
"""A convolution of a branch: its channels and kernel."""
_Branch: TypeAlias = Sequence[_Step]


def xception(size: int = 299) -> Counts:
    """Chollet: Xception, Deep Learning with Depthwise Separable Convolutions (2016)."""
    net = Network()
    x = net.convolve(FeatureMap(size, 3), 32, 3, 2, "valid")
    x = net.convolve(x, 64, 3, 1, "valid")
    for widths in ((128, 128), (256, 256), (728, 728)):
        x = _xception_reduction(net, x, widths)
    for _ in range(8):
        for _ in range(3):
            x = net.separable(x, 728)
    x = _xception_reduction(net, x, (728, 1024))
    x = net.separable(net.separable(x, 1536), 2048)
    net.dense(pool_all(x), CLASSES)
    return net.counts


def _xception_reduction(net: Network, x: FeatureMap, widths: tuple[int, int]) -> FeatureMap:
    """Two separable convolutions and a pooling, with a strided convolution as the shortcut."""
    net.convolve(x, widths[1], 1, 2)
    return pool(net.separable(net.separable(x, widths[0]), widths[1]), 3, 2, "same")


def resnet50(size: int = 224) -> Counts:
    """He and others: Deep Residual Learning for Image Recognition (2015); Keras's convolutions have biases."""
    net = Network(has_bias=True)
    x = net.convolve(FeatureMap(size + 6, 3), 64, 7, 2, "valid")
    x = pool(FeatureMap(x.side + 2, x.channels), 3, 2)
    for narrow, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for number in range(blocks):
            x = _bottleneck(net, x, narrow, stride if number == 0 else 1, is_first=number == 0)
    net.dense(pool_all(x), CLASSES)
    return net.counts


def _bottleneck(net: Network, x: FeatureMap, narrow: int, stride: int, *, is_first: bool) -> FeatureMap:
    if is_first:
        net.convolve(x, 4 * narrow, 1, stride)  # the shortcut
    y = net.convolve(x, narrow, 1, stride)
    return net.convolve(net.convolve(y, narrow), 4 * narrow, 1)


def vgg16(size: int = 224) -> Counts:
    """Simonyan and Zisserman: Very Deep Convolutional Networks (2014)."""
    net, x = Network(norm=0, has_bias=True), FeatureMap(size, 3)
    for width, layers in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(layers):
            x = net.convolve(x, width)
        x = pool(x, 2, 2)
    net.dense(net.dense(net.dense(x, 4096), 4096), CLASSES)
    return net.counts


def inception_v3(size: int = 299) -> Counts:
    """Szegedy and others: Rethinking the Inception Architecture for Computer Vision (2015)."""
    net = Network(norm=NORM_WITHOUT_SCALE)
    x = _inception_stem(net, size)
    for width in (32, 64, 64):
        x = _branches(net, x, [(64, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)], [(width, 1)])
    x = _reduction(net, x, [(384, 3)], [(64, 1), (96, 3), (96, 3)])
    for width in (128, 160, 160, 192):
        across, up = (width, (1, 7)), (width, (7, 1))
        double: _Branch = [(width, 1), up, across, up, (192, (1, 7))]
        x = _branches(net, x, [(192, 1)], [(width, 1), across, (192, (7, 1))], double, [(192, 1)])
    x = _reduction(net, x, [(192, 1), (320, 3)], [(192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3)])
    for _ in range(2):
        x = _wide_inception(net, x)
    net.dense(pool_all(x), CLASSES)
    return net.counts


def _wide_inception(net: Network, x: FeatureMap) -> FeatureMap:
    """InceptionV3's last module, in which two branches split once more."""
    split = [(384, (1, 3))], [(384, (3, 1))]
    single = _branches(net, net.convolve(x, 384, 1), *split)
    double = _branches(net, net.convolve(net.convolve(x, 448, 1), 384), *split)
    return concatenate([net.convolve(x, 320, 1), single, double, net.convolve(x, 192, 1)])


def inception_resnet_v2(size: int = 299) -> Counts:
    """Szegedy and others: Inception-v4, Inception-ResNet and the Impact of Residual Connections (2016)."""
    net = Network(norm=NORM_WITHOUT_SCALE)
    x = _inception_stem(net, size)
    x = _branches(net, x, [(96, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)], [(64, 1)])
    for _ in range(10):
        x = _residual(net, x, [(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)])
    x = _reduction(net, x, [(384, 3)], [(256, 1), (256, 3), (384, 3)])
    for _ in range(20):
        x = _residual(net, x, [(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))])
    x = _reduction(net, x, [(256, 1), (384, 3)], [(256, 1), (288, 3)], [(256, 1), (288, 3), (320, 3)])
    for _ in range(10):
        x = _residual(net, x, [(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))])
    net.dense(pool_all(net.convolve(x, 1536, 1)), CLASSES)
    return net.counts


def _inception_stem(net: Network, size: int) -> FeatureMap:
    x = net.convolve(FeatureMap(size, 3), 32, 3, 2, "valid")
    x = net.convolve(net.convolve(x, 32, 3, 1, "valid"), 64)
    x = net.convolve(pool(x, 3, 2), 80, 1)
    return pool(net.convolve(x, 192, 3, 1, "valid"), 3, 2)


def _branches(net: Network, x: FeatureMap, *branches: _Branch) -> FeatureMap:
    """Branches of convolutions side by side; pooling in front of one of them changes nothing that is counted."""
    return concatenate([_chain(net, x, branch) for branch in branches])


def _reduction(net: Network, x: FeatureMap, *branches: _Branch) -> FeatureMap:
    """Branches that halve the side with their last convolution, beside a pooling."""
    return concatenate([*(_chain(net, x, branch, 2, "valid") for branch in branches), pool(x, 3, 2)])


def _residual(net: Network, x: FeatureMap, *branches: _Branch) -> FeatureMap:
    """Branches whose result is brought to the width of the input, and added to it."""
    return net.convolve_with_bias(_branches(net, x, *branches), x.channels)


def _chain(net: Network, x: FeatureMap, branch: _Branch, stride: int = 1, padding: Padding = "same") -> FeatureMap:
    """Convolutions one after the other; stride and padding are those of the last."""
    for channels, kernel in branch[:-1]:
        x = net.convolve(x, channels, kernel)
    channels, kernel = branch[-1]
    return net.convolve(x, channels, kernel, stride, padding)


def mobilenet_v1(size: int = 224, alpha: float = 1.0) -> Counts:
    """Howard and others: MobileNets (2017); all widths are multiplied by alpha."""
    net = Network()
    x = net.convolve(FeatureMap(size, 3), int(32 * alpha), 3, 2)
    halved = ((128, 128), (256, 256), (512, *[512] * 5), (1024, 1024))
    x = _depthwise_block(net, x, int(64 * alpha), 1)
    for widths in halved:
        for number, width in enumerate(widths):
            x = _depthwise_block(net, x, int(width * alpha), 2 if number == 0 else 1)
    net.convolve_with_bias(pool_all(x), CLASSES)
    return net.counts


def _depthwise_block(net: Network, x: FeatureMap, width: int, stride: int) -> FeatureMap:
    return net.convolve(net.depthwise(x, 3, stride), width, 1)


def mobilenet_v2(size: int = 224, alpha: float = 1.0) -> Counts:
    """Sandler and others: MobileNetV2, Inverted Residuals and Linear Bottlenecks (2018)."""
    net = Network()
    x = net.convolve(FeatureMap(size, 3), _divisible(32 * alpha), 3, 2)
    blocks = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
    for place, (width, repeats, stride) in enumerate(blocks):
        for number in range(repeats):
            wide = x if place == 0 else net.convolve(x, EXPANSION * x.channels, 1)
            x = net.convolve(net.depthwise(wide, 3, stride if number == 0 else 1), _divisible(int(width * alpha)), 1)
    x = net.convolve(x, _divisible(1280 * alpha) if alpha > 1 else 1280, 1)
    net.dense(pool_all(x), CLASSES)
    return net.counts


def efficientnet_lite(size: int = 224, width: float = 1.0, depth: float = 1.0) -> Counts:
    """Tan and Le: EfficientNet (2019), in the form of TensorFlow's Lite reference, whose stem and head are not scaled.

    `width` multiplies the channels, `depth` the blocks in each stage but the first and the last.
    """
    net = Network()
    x = net.convolve(FeatureMap(size, 3), 32, 3, 2)
    stages = (
        (16, 1, 3, 1),
        (24, 2, 3, 2),
        (40, 2, 5, 2),
        (80, 3, 3, 2),
        (112, 3, 5, 1),
        (192, 4, 5, 2),
        (320, 1, 3, 1),
    )
    for place, (channels, blocks, kernel, stride) in enumerate(stages):
        repeats = blocks if place in (0, len(stages) - 1) else math.ceil(blocks * depth)
        for number in range(repeats):
            wide = x if place == 0 else net.convolve(x, EXPANSION * x.channels, 1)
            x = net.depthwise(wide, kernel, stride if number == 0 else 1)
            x = net.convolve(x, _divisible(channels * width), 1)
    net.dense(pool_all(net.convolve(x, 1280, 1)), CLASSES)
    return net.counts


def _divisible(width: float) -> int:
    """The nearest multiple of 8, at least one and not more than a tenth below."""
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * width else nearest + 8
