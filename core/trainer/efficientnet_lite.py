"""EfficientNet-Lite0 to Lite4: EfficientNet without squeeze-and-excitation, with ReLU6, for small devices.

Tan and Le 2019, "EfficientNet" (arXiv:1905.11946), table 1, in the form of TensorFlow's `efficientnet/lite` reference:
"SAME" padding, BatchNormalization with epsilon 0.001, stem and head not scaled, nor the depth of the first and the last
stage. Its layers are those of timm's `tf_efficientnet_lite0`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from core.trainer.framework import keras
from core.trainer.layers import normalised, relu6

FEATURE_WIDTH: Final = 1280
_MEAN, _SPREAD = 127.0, 128.0
_STEM_WIDTH: Final = 32


@dataclass(frozen=True, slots=True)
class Stage:
    """A row of table 1: number of blocks, kernel size, stride of the first block, expansion, output channels."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


@dataclass(frozen=True, slots=True)
class Scaling:
    """How a network differs from Lite0: factors of the number of channels and blocks, and its image size in pixels."""

    width: float
    depth: float
    size: int


SCALINGS: Final = (
    Scaling(1.0, 1.0, 224),
    Scaling(1.0, 1.1, 240),
    Scaling(1.1, 1.2, 260),
    Scaling(1.2, 1.4, 280),
    Scaling(1.4, 1.8, 300),
)
"""Lite0 to Lite4, as published."""

_STAGES: Final = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def efficientnet_lite(number: int, size: int | None = None) -> keras.Model:
    """Build an EfficientNet-Lite without its classifier and with frozen BatchNormalization statistics.

    Args:
        number: 0 to 4, for Lite0 to Lite4.
        size: side of the square image, in pixels, 32 or more; None for the published one.

    Returns:
        A model from pixels [n, size, size, 3] of 0..255 (uint8 or float) to a dict of `features` float32 [n, 1280] and
        `feature_map` float32 [n, h, w, 1280], 7 by 7 at 224 pixels. Scaling by (x - 127) / 128 happens inside.
    """
    size = size or SCALINGS[number].size
    image = keras.Input((size, size, 3), dtype="float32", name="image")
    x = keras.layers.Rescaling(1 / _SPREAD, offset=-_MEAN / _SPREAD, name="scaling")(image)
    x = relu6(_convolution(x, _STEM_WIDTH, 3, "stem", strides=2), "stem")
    for index, (stage, stride) in enumerate(blocks(number)):
        x = _block(x, f"block{index}", stage, stride)
    feature_map = relu6(_convolution(x, FEATURE_WIDTH, 1, "head"), "head")
    features = keras.layers.GlobalAveragePooling2D(name="features")(feature_map)
    return keras.Model(image, {"features": features, "feature_map": feature_map}, name=f"efficientnet_lite{number}")


def blocks(number: int) -> Iterator[tuple[Stage, int]]:
    """The stage and stride of each block of Lite0 to Lite4; only the first of a stage downsamples."""
    scaling = SCALINGS[number]
    for stage in _STAGES:
        ends = stage in (_STAGES[0], _STAGES[-1])
        width = _rounded(stage.width * scaling.width)
        scaled = replace(stage, width=width, blocks=1 if ends else math.ceil(stage.blocks * scaling.depth))
        for index in range(scaled.blocks):
            yield scaled, stage.stride if index == 0 else 1


def _rounded(width: float) -> int:
    """A number of channels rounded to a multiple of 8, but never down by more than a tenth."""
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * width else nearest + 8


def _block(x: Any, name: str, stage: Stage, stride: int) -> Any:
    """Expansion, depthwise convolution, projection; with a shortcut if the shape stays the same."""
    y, width = x, x.shape[-1]
    if stage.expansion > 1:
        y = relu6(_convolution(y, width * stage.expansion, 1, f"{name}_expand"), f"{name}_expand")
    depthwise = keras.layers.DepthwiseConv2D(
        stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )
    y = relu6(normalised(depthwise(y), f"{name}_depthwise"), f"{name}_depthwise")
    y = _convolution(y, stage.width, 1, f"{name}_project")
    if stride == 1 and width == stage.width:
        return keras.layers.Add(name=f"{name}_add")([y, x])
    return y


def _convolution(x: Any, width: int, kernel: int, name: str, *, strides: int = 1) -> Any:
    convolution = keras.layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False, name=name)
    return normalised(convolution(x), name)
