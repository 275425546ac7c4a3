"""Xception, built here layer by layer, so that every layer has a name of its own and weights are read as data.

Chollet 2016, "Xception: Deep Learning with Depthwise Separable Convolutions" (arXiv:1610.02357), figure 5, as Keras
realises it: the depthwise half of each separable convolution comes first. Layers stand in the order in which
`keras.applications.Xception` lists its own, so weights saved from there fit in that order.
"""

from __future__ import annotations

from typing import Any, Final

from core.training.framework import keras
from core.training.layers import normalised

SIZE: Final = 299
FEATURE_WIDTH: Final = 2048
SMALLEST_SIZE: Final = 71
"""Side in pixels under which Keras refuses to build it."""

_MIDDLE_BLOCKS: Final = range(5, 13)
_MIDDLE_WIDTH: Final = 728


def xception(size: int = SIZE) -> keras.Model:
    """Xception without its classifier; the statistics of its BatchNormalization stay as trained.

    Args:
        size: side of the square image, in pixels, 71 or more.

    Returns:
        A model from pixels [n, size, size, 3] of 0..255 (uint8 or float) to a dict of `features` float32 [n, 2048] and
        `feature_map` float32 [n, h, w, 2048], 10 by 10 at 299 pixels. Scaling to -1..1 happens inside.
    """
    image = keras.Input((size, size, 3), dtype="float32", name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scaling")(image)
    x = _relu(_convolution(x, 32, 3, "block1_conv1", strides=2, padding="valid"), "block1_conv1")
    x = _relu(_convolution(x, 64, 3, "block1_conv2", padding="valid"), "block1_conv2")
    for number, width in ((2, 128), (3, 256), (4, 728)):
        x = _shrinking_block(x, number, (width, width))
    for number in _MIDDLE_BLOCKS:
        x = _middle_block(x, number)
    x = _shrinking_block(x, 13, (_MIDDLE_WIDTH, 1024))
    x = _relu(_separable(x, 1536, "block14_sepconv1"), "block14_sepconv1")
    feature_map = _relu(_separable(x, FEATURE_WIDTH, "block14_sepconv2"), "block14_sepconv2")
    features = keras.layers.GlobalAveragePooling2D(name="features")(feature_map)
    return keras.Model(image, {"features": features, "feature_map": feature_map}, name="xception")


def _shrinking_block(x: Any, number: int, widths: tuple[int, int]) -> Any:
    """Two separable convolutions and a pooling beside a strided 1x1 shortcut: half the side, `widths[1]` channels."""
    name = f"block{number}"
    y = x if number == 2 else _relu(x, f"{name}_sepconv1")  # block 1 ends with a ReLU already
    y = _separable(y, widths[0], f"{name}_sepconv1")
    y = _separable(_relu(y, f"{name}_sepconv2"), widths[1], f"{name}_sepconv2")
    shortcut = keras.layers.Conv2D(widths[1], 1, strides=2, padding="same", use_bias=False, name=f"{name}_shortcut")(x)
    y = keras.layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(y)
    return keras.layers.Add(name=f"{name}_add")([y, normalised(shortcut, f"{name}_shortcut")])


def _middle_block(x: Any, number: int) -> Any:
    """Three separable convolutions with an identity shortcut; shape unchanged."""
    y = x
    for part in (1, 2, 3):
        name = f"block{number}_sepconv{part}"
        y = _separable(_relu(y, name), _MIDDLE_WIDTH, name)
    return keras.layers.Add(name=f"block{number}_add")([y, x])


def _separable(x: Any, width: int, name: str) -> Any:
    convolution = keras.layers.SeparableConv2D(width, 3, padding="same", use_bias=False, name=name)
    return normalised(convolution(x), name)


def _convolution(x: Any, width: int, kernel: int, name: str, *, strides: int = 1, padding: str = "same") -> Any:
    convolution = keras.layers.Conv2D(width, kernel, strides=strides, padding=padding, use_bias=False, name=name)
    return normalised(convolution(x), name)


def _relu(x: Any, name: str) -> Any:
    return keras.layers.ReLU(name=f"{name}_act")(x)
