"""Xception, built layer by layer, so that every layer has a fixed name and weights are read as data.

Chollet 2016, "Xception: Deep Learning with Depthwise Separable Convolutions" (arXiv:1610.02357), figure 5, as
implemented in Keras: the depthwise part of each separable convolution comes first. Layers are in the order of
`keras.applications.Xception`, so its saved weights fit in that order.
"""

from __future__ import annotations

from typing import Any, Final

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.trainer.framework import keras
from core.trainer.layers import normalised
from core.trainer.weights import LayerWeights, set_weights

SIZE: Final = 299
FEATURE_WIDTH: Final = 2048

FROZEN_BASE_WIDTH: Final = 728
"""Channels between block 12 and the exit flow."""

_MIDDLE_BLOCKS: Final = range(5, 13)
_HINT: Final = mark("Use two networks of the same architecture.")


def xception(size: int = SIZE) -> keras.Model:
    """Build Xception without its classifier and with frozen BatchNormalization statistics.

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
    return keras.Model(image, _exit_flow(x), name="xception")


def exit_flow(height_width: int | None) -> keras.Model:
    """Build the end of Xception alone: blocks 13 and 14, with the layer names of `xception`.

    Args:
        height_width: side of the square output of block 12, 19 at 299 pixels; None for any height and width.

    Returns:
        A model from that output float32 [n, h, w, 728] to a dict of `features` [n, 2048] and `feature_map`
        [n, ceil(h / 2), ceil(w / 2), 2048].
    """
    frozen_base = keras.Input((height_width, height_width, FROZEN_BASE_WIDTH), dtype="float32", name="trunk")
    return keras.Model(frozen_base, _exit_flow(frozen_base), name="xception_exit_flow")


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


def _exit_flow(x: Any) -> dict[str, Any]:
    """Blocks 13 and 14 and the pooling: `features` and `feature_map` from the output of block 12."""
    x = _shrinking_block(x, 13, (FROZEN_BASE_WIDTH, 1024))
    x = _relu(_separable(x, 1536, "block14_sepconv1"), "block14_sepconv1")
    feature_map = _relu(_separable(x, FEATURE_WIDTH, "block14_sepconv2"), "block14_sepconv2")
    return {"features": keras.layers.GlobalAveragePooling2D(name="features")(feature_map), "feature_map": feature_map}


def _shrinking_block(x: Any, number: int, widths: tuple[int, int]) -> Any:
    """Two separable convolutions and pooling, with a strided 1x1 shortcut: half the side, `widths[1]` channels."""
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
        y = _separable(_relu(y, name), FROZEN_BASE_WIDTH, name)
    return keras.layers.Add(name=f"block{number}_add")([y, x])


def _separable(x: Any, width: int, name: str) -> Any:
    convolution = keras.layers.SeparableConv2D(width, 3, padding="same", use_bias=False, name=name)
    return normalised(convolution(x), name)


def _convolution(x: Any, width: int, kernel: int, name: str, *, strides: int = 1, padding: str = "same") -> Any:
    convolution = keras.layers.Conv2D(width, kernel, strides=strides, padding=padding, use_bias=False, name=name)
    return normalised(convolution(x), name)


def _relu(x: Any, name: str) -> Any:
    return keras.layers.ReLU(name=f"{name}_act")(x)
