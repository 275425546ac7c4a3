"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6, for small devices.

Tan and Le 2019, "EfficientNet" (arXiv:1905.11946), table 1, in the form of TensorFlow's `efficientnet/lite` reference:
"SAME" padding, BatchNormalization with epsilon 0.001, stem and head not scaled. Its layers are those of timm's
`tf_efficientnet_lite0`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from core.trainer.framework import keras
from core.trainer.layers import normalised

SIZE: Final = 224
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


_STAGES: Final = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def efficientnet_lite0(size: int = SIZE) -> keras.Model:
    """Build EfficientNet-Lite0 without its classifier and with frozen BatchNormalization statistics.

    Args:
        size: side of the square image, in pixels, 32 or more.

    Returns:
        A model from pixels [n, size, size, 3] of 0..255 (uint8 or float) to a dict of `features` float32 [n, 1280] and
        `feature_map` float32 [n, h, w, 1280], 7 by 7 at 224 pixels. Scaling by (x - 127) / 128 happens inside.
    """
    image = keras.Input((size, size, 3), dtype="float32", name="image")
    x = keras.layers.Rescaling(1 / _SPREAD, offset=-_MEAN / _SPREAD, name="scaling")(image)
    x = _relu6(_convolution(x, _STEM_WIDTH, 3, "stem", strides=2), "stem")
    for number, (stage, stride) in enumerate(blocks()):
        x = _block(x, f"block{number}", stage, stride)
    feature_map = _relu6(_convolution(x, FEATURE_WIDTH, 1, "head"), "head")
    features = keras.layers.GlobalAveragePooling2D(name="features")(feature_map)
    return keras.Model(image, {"features": features, "feature_map": feature_map}, name="efficientnet_lite0")


def blocks() -> Iterator[tuple[Stage, int]]:
    """The stage and stride of each block; only the first of a stage downsamples."""
    for stage in _STAGES:
        for number in range(stage.blocks):
            yield stage, stage.stride if number == 0 else 1


def _block(x: Any, name: str, stage: Stage, stride: int) -> Any:
    """Expansion, depthwise convolution, projection; with a shortcut if the shape stays the same."""
    y, width = x, x.shape[-1]
    if stage.expansion > 1:
        y = _relu6(_convolution(y, width * stage.expansion, 1, f"{name}_expand"), f"{name}_expand")
    depthwise = keras.layers.DepthwiseConv2D(
        stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )
    y = _relu6(normalised(depthwise(y), f"{name}_depthwise"), f"{name}_depthwise")
    y = _convolution(y, stage.width, 1, f"{name}_project")
    if stride == 1 and width == stage.width:
        return keras.layers.Add(name=f"{name}_add")([y, x])
    return y


def _convolution(x: Any, width: int, kernel: int, name: str, *, strides: int = 1) -> Any:
    convolution = keras.layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False, name=name)
    return normalised(convolution(x), name)


def _relu6(x: Any, name: str) -> Any:
    return keras.layers.ReLU(max_value=6.0, name=f"{name}_act")(x)
