"""Xception, built layer by layer, so that every layer has a fixed name and weights are read as data.

Chollet 2016, "Xception: Deep Learning with Depthwise Separable Convolutions" (arXiv:1610.02357), figure 5, as
implemented in Keras: the depthwise part of each separable convolution comes first. Layers are in the order of
`keras.applications.Xception`, so its saved weights fit in that order. A `Design` gives its relatives.
"""

from __future__ import annotations

from typing import Any, Final

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.trainer.framework import keras
from core.trainer.layers import normalised
from core.trainer.weights import LayerWeights, set_weights
from core.training.networks import XCEPTION, Design

SIZE: Final = 299
FEATURE_WIDTH: Final = 2048

FROZEN_BASE_WIDTH: Final = 728
"""Channels between block 12 and the exit flow."""

_FIRST_MIDDLE_BLOCK: Final = 5
_HINT: Final = mark("Use two networks of the same architecture.")


def xception(size: int = SIZE, design: Design = XCEPTION) -> keras.Model:
    """Build Xception without its classifier and with frozen BatchNormalization statistics.

    Args:
        size: side of the square image, in pixels, 71 or more.
        design: how it differs from Xception.

    Returns:
        A model from pixels [n, size, size, 3] of 0..255 (uint8 or float) to a dict of `features` float32 [n, 2048] and
        `feature_map` float32 [n, h, w, 2048], 10 by 10 at 299 pixels. Scaling to -1..1 happens inside.
    """
    image = keras.Input((size, size, 3), dtype="float32", name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scaling")(image)
    x = _relu(_convolution(x, design.scaled(32), 3, "block1_conv1", strides=2, padding="valid"), "block1_conv1")
    x = _relu(_convolution(x, design.scaled(64), 3, "block1_conv2", padding="valid"), "block1_conv2")
    for number, width in ((2, 128), (3, 256), (4, FROZEN_BASE_WIDTH)):
        x = _shrinking_block(x, number, (width, width), design)
    exit_block = _FIRST_MIDDLE_BLOCK + design.middle_blocks
    for number in range(_FIRST_MIDDLE_BLOCK, exit_block):
        x = _middle_block(x, number, design)
    return keras.Model(image, _exit_flow(x, exit_block, design), name="xception")


def exit_flow(height_width: int | None) -> keras.Model:
    """Build the end of Xception alone: blocks 13 and 14, with the layer names of `xception`.

    Args:
        height_width: side of the square output of block 12, 19 at 299 pixels; None for any height and width.

    Returns:
        A model from that output float32 [n, h, w, 728] to a dict of `features` [n, 2048] and `feature_map`
        [n, ceil(h / 2), ceil(w / 2), 2048].
    """
    frozen_base = keras.Input((height_width, height_width, FROZEN_BASE_WIDTH), dtype="float32", name="trunk")
    return keras.Model(frozen_base, _exit_flow(frozen_base, 13, XCEPTION), name="xception_exit_flow")


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy weights between layers with the same names.

    One network may be a part of the other, as `exit_flow` is of `xception`.

    Raises:
        ModelError: each has a layer with weights that the other lacks, or shapes differ.
    """
    given, own = _weights_by_layer(source), _weights_by_layer(target)
    if not (given.keys() <= own.keys() or own.keys() <= given.keys()):
        what = tr("The networks “{a}” and “{b}” don't match.", a=source.name, b=target.name)
        raise ModelError(what, hint=tr(_HINT))
    set_weights(target, {name: given.get(name, arrays) for name, arrays in own.items()})


def _weights_by_layer(model: keras.Model) -> LayerWeights:
    return {layer.name: tuple(layer.get_weights()) for layer in model.layers if layer.weights}


def _exit_flow(x: Any, number: int, design: Design) -> dict[str, Any]:
    """The last two blocks, from block `number`, and the pooling: `features` and `feature_map`."""
    x = _shrinking_block(x, number, (FROZEN_BASE_WIDTH, 1024), design)
    first, second = f"block{number + 1}_sepconv1", f"block{number + 1}_sepconv2"
    x = _relu(_separable(x, 1536, first, design), first)
    feature_map = _relu(_separable(x, FEATURE_WIDTH, second, design), second)
    return {"features": keras.layers.GlobalAveragePooling2D(name="features")(feature_map), "feature_map": feature_map}


def _shrinking_block(x: Any, number: int, widths: tuple[int, int], design: Design) -> Any:
    """Two separable convolutions and pooling, with a strided 1x1 shortcut: half the side, `widths[1]` channels."""
    name, width = f"block{number}", design.scaled(widths[1])
    y = x if number == 2 else _relu(x, f"{name}_sepconv1")  # block 1 ends with a ReLU already
    y = _separable(y, widths[0], f"{name}_sepconv1", design)
    y = _separable(_relu(y, f"{name}_sepconv2"), widths[1], f"{name}_sepconv2", design)
    shortcut = keras.layers.Conv2D(width, 1, strides=2, padding="same", use_bias=False, name=f"{name}_shortcut")(x)
    y = keras.layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(y)
    return keras.layers.Add(name=f"{name}_add")([y, normalised(shortcut, f"{name}_shortcut")])


def _middle_block(x: Any, number: int, design: Design) -> Any:
    """Three separable convolutions with an identity shortcut; shape unchanged."""
    y = x
    for part in (1, 2, 3):
        name = f"block{number}_sepconv{part}"
        y = _separable(_relu(y, name), FROZEN_BASE_WIDTH, name, design)
    return keras.layers.Add(name=f"block{number}_add")([y, x])


def _separable(x: Any, width: int, name: str, design: Design) -> Any:
    """A separable convolution to `width` channels, before scaling, and its normalization."""
    channels = design.scaled(width)
    if not (design.pointwise_first or design.factorised):
        convolution = keras.layers.SeparableConv2D(channels, 3, padding="same", use_bias=False, name=name)
        return normalised(convolution(x), name)
    pointwise = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pointwise")
    x = _depthwise(pointwise(x), name, design) if design.pointwise_first else pointwise(_depthwise(x, name, design))
    return normalised(x, name)


def _depthwise(x: Any, name: str, design: Design) -> Any:
    kernels = {"_1x3": (1, 3), "_3x1": (3, 1)} if design.factorised else {"": (3, 3)}
    for suffix, kernel in kernels.items():
        label = f"{name}_depthwise{suffix}"
        x = keras.layers.DepthwiseConv2D(kernel, padding="same", use_bias=False, name=label)(x)
    return x


def _convolution(x: Any, width: int, kernel: int, name: str, *, strides: int = 1, padding: str = "same") -> Any:
    convolution = keras.layers.Conv2D(width, kernel, strides=strides, padding=padding, use_bias=False, name=name)
    return normalised(convolution(x), name)


def _relu(x: Any, name: str) -> Any:
    return keras.layers.ReLU(name=f"{name}_act")(x)
