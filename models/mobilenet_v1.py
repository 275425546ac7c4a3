"""MobileNetV1 of width 1.0 with its 1001 classes, from a frozen TensorFlow graph that is read as data.

Howard et al. 2017, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications"
(arXiv:1704.04861), trained on ImageNet by TensorFlow-Slim's authors; class 0 is "background". The graph is one that
TensorFlow's `retrain.py` extended with a classifier of its own, which is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tensorflow.core.framework import graph_pb2

from core.base.errors import ModelError
from core.models.heads import LinearHead
from core.trainer.framework import keras

FILE: Final = "nudity-0.2.3/nudity/files/retrained_graph.pb"
"""The file with the weights inside the archive `NUDITY`."""
SIZE: Final = 224
DESIGN: Final = {"alpha": 1.0}

_BLOCKS: Final = 13
_PREFIX: Final = "MobilenetV1"
_PARTS: Final = ("gamma", "beta", "moving_mean", "moving_variance")
_EPSILON: Final = 1e-3
"""Of the normalizations, here and in Keras."""

Arrays = list[NDArray[np.float32]]


def read_graph(data: bytes) -> dict[str, NDArray[np.float32]]:
    """The float32 constants of a serialized GraphDef by name, without running any of it.

    Raises:
        ModelError: the bytes are not a GraphDef, or a constant does not have the size that its shape says.
    """
    try:
        nodes = graph_pb2.GraphDef.FromString(data).node
        return {node.name: _array(node.attr["value"].tensor) for node in nodes if _is_real(node)}
    except Exception as error:  # the boundary: protobuf and NumPy raise unrelated kinds
        raise ModelError("The graph is damaged.", hint="Download the archive again.") from error


def layer_weights(constants: Mapping[str, NDArray[np.float32]]) -> list[Arrays]:
    """The weights of each layer of Keras's MobileNet without its classifier, in the order of its layers.

    Raises:
        KeyError: the graph lacks an array.
        ModelError: its normalizations add another epsilon to the variance than Keras's.
    """
    weights: list[Arrays] = []
    for name, kernel in _convolutions():
        epsilon = float(constants[f"{_PREFIX}/{_PREFIX}/{name}/BatchNorm/batchnorm/add/y"])
        if not np.isclose(epsilon, _EPSILON):
            raise ModelError(f"The normalization {name} adds {epsilon}, not {_EPSILON}.", hint="Use the named archive.")
        weights.append([constants[f"{_PREFIX}/{name}/{kernel}"]])
        weights.append([constants[f"{_PREFIX}/{name}/BatchNorm/{part}"] for part in _PARTS])
    return weights


def shift_means(network: keras.Model, shifts: Sequence[NDArray[np.float64]]) -> None:
    """Add to the mean of each output [out] of each convolution, in the order of the layers, by its normalization."""
    normalisations = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer, shift in zip(normalisations, shifts, strict=True):
        gamma, beta, mean, variance = layer.get_weights()
        layer.set_weights([gamma, beta + shift, mean, variance])


def classifier(constants: Mapping[str, NDArray[np.float32]]) -> LinearHead:
    """The head of ImageNet's 1000 classes, without the class "background" before them."""
    kernel, bias = (constants[f"{_PREFIX}/Logits/Conv2d_1c_1x1/{part}"] for part in ("weights", "biases"))
    return LinearHead(np.ascontiguousarray(kernel[0, 0, :, 1:]), bias[1:])


def _convolutions() -> Iterator[tuple[str, str]]:
    """The names of convolutions and of their kernels, in the order of the network."""
    yield "Conv2d_0", "weights"
    for number in range(1, _BLOCKS + 1):
        yield f"Conv2d_{number}_depthwise", "depthwise_weights"
        yield f"Conv2d_{number}_pointwise", "weights"


def _is_real(node: Any) -> bool:
    return bool(node.op == "Const" and node.attr["value"].tensor.dtype == 1)  # DT_FLOAT


def _array(tensor: Any) -> NDArray[np.float32]:
    shape = [axis.size for axis in tensor.tensor_shape.dim]
    if not tensor.tensor_content:
        return np.array(tensor.float_val, np.float32).reshape(shape)
    return np.frombuffer(tensor.tensor_content, "<f4").reshape(shape)
