"""MobileNetV2 as in PyTorch, from a state dict: it pads images on both sides where Keras pads on one.

Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (arXiv:1801.04381), table 2. For networks
to be trained in Keras see `keras.applications.MobileNetV2`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.trainer.framework import keras
from core.trainer.layers import normalised, relu6
from core.trainer.weights import LayerWeights

SIZE: Final = 224
SYMMETRIC: Final = "symmetric"
"""What a card's design calls this padding."""
_EPSILON, _TORCH_EPSILON = 1e-3, 1e-5
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
"""Of ImageNet's pixels in 0..1."""
_STEM_WIDTH, _WIDTH = 32, 1280
_STAGES: Final = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
"""Expansion, output channels, blocks, and stride of the first block."""


def torch_mobilenet_v2(size: int = SIZE) -> keras.Model:
    """Build MobileNetV2 of width 1.0 without its classifier, as `core.trainer.xception.xception`: 1280 features.

    Args:
        size: side of the square image, in pixels, 32 or more.
    """
    image = keras.Input((size, size, 3), dtype="float32", name="image")
    scale, offset = 1 / (255 * _DEVIATION), -_MEAN / _DEVIATION
    x = keras.layers.Rescaling(scale.tolist(), offset=offset.tolist(), name="scaling")(image)
    x = relu6(_convolution(_padded(x), _STEM_WIDTH, 3, "stem", strides=2), "stem")
    for number, (expansion, width, stride) in enumerate(_blocks(), start=1):
        x = _block(x, f"block{number}", expansion, width, stride)
    feature_map = relu6(_convolution(x, _WIDTH, 1, "head"), "head")
    features = keras.layers.GlobalAveragePooling2D(name="features")(feature_map)
    return keras.Model(image, {"features": features, "feature_map": feature_map}, name="mobilenet_v2")


def layer_weights(state: Mapping[str, NDArray[np.float32]]) -> LayerWeights:
    """Weights by layer of `torch_mobilenet_v2`, from a PyTorch state dict with torchvision's names.

    PyTorch's normalizations add another epsilon to the variance; gamma makes up for it.

    Raises:
        KeyError: the state dict lacks an array.
    """
    weights: LayerWeights = {}
    for layer, convolution, normalisation in _state_names():
        axes = (2, 3, 0, 1) if layer.endswith("_depthwise") else (2, 3, 1, 0)
        weights[layer] = (state[f"{convolution}.weight"].transpose(axes),)
        parts = ("weight", "bias", "running_mean", "running_var")
        gamma, beta, mean, variance = (state[f"{normalisation}.{part}"] for part in parts)
        corrected = gamma * np.sqrt((variance + _EPSILON) / (variance + _TORCH_EPSILON))
        weights[f"{layer}_bn"] = (corrected.astype(np.float32), beta, mean, variance)
    return weights


def _blocks() -> Iterator[tuple[int, int, int]]:
    """Expansion, output channels and stride of each block."""
    for expansion, width, count, stride in _STAGES:
        for number in range(count):
            yield expansion, width, stride if number == 0 else 1


def _state_names() -> Iterator[tuple[str, str, str]]:
    """The name of each layer here, and of its convolution and normalization in the state dict."""
    yield "stem", "features.0.0", "features.0.1"
    blocks = list(_blocks())
    for number, (expansion, _, _) in enumerate(blocks, start=1):
        parts = [*(["expand"] if expansion > 1 else []), "depthwise", "project"]
        for part, index in zip(parts, (0, 3, 6), strict=False):
            prefix = f"features.{number}.conv"
            yield f"block{number}_{part}", f"{prefix}.{index}", f"{prefix}.{index + 1}"
    yield "head", f"features.{len(blocks) + 1}.0", f"features.{len(blocks) + 1}.1"


def _block(x: Any, name: str, expansion: int, width: int, stride: int) -> Any:
    """Expansion, depthwise convolution, linear projection; with a shortcut if the shape stays the same."""
    y, before = x, x.shape[-1]
    if expansion > 1:
        y = relu6(_convolution(y, before * expansion, 1, f"{name}_expand"), f"{name}_expand")
    depthwise = keras.layers.DepthwiseConv2D(3, strides=stride, use_bias=False, name=f"{name}_depthwise")
    y = relu6(normalised(depthwise(_padded(y)), f"{name}_depthwise"), f"{name}_depthwise")
    y = _convolution(y, width, 1, f"{name}_project")
    return keras.layers.Add(name=f"{name}_add")([y, x]) if stride == 1 and before == width else y


def _convolution(x: Any, width: int, kernel: int, name: str, *, strides: int = 1) -> Any:
    return normalised(keras.layers.Conv2D(width, kernel, strides=strides, use_bias=False, name=name)(x), name)


def _padded(x: Any) -> Any:
    return keras.layers.ZeroPadding2D(1)(x)
