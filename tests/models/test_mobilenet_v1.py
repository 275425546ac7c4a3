"""MobileNetV1 from a frozen TensorFlow graph: its constants fit Keras's layers and are never run."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework import tensor_util

from core.base.errors import ModelError
from core.engine import graph
from core.trainer import architectures
from core.trainer.framework import keras
from models.mobilenet_v1 import classifier, layer_weights, read_graph, shift_means
from models.pretrained import set_weights_in_order

_NAMES = ("gamma", "beta", "moving_mean", "moving_variance")
_SIDE = 32


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return architectures.build("MobileNetV1", _SIDE, {"alpha": 1.0})


@pytest.fixture(scope="module")
def constants(network: keras.Model) -> dict[str, NDArray[np.float32]]:
    """Constants by the names of TensorFlow-Slim, with the shapes of Keras's layers, and a classifier of 4 classes."""
    draw, found = np.random.default_rng(2), {}
    convolutions = [layer for layer in network.layers if "Conv2D" in type(layer).__name__]
    for number, layer in enumerate(convolutions):
        block, is_depthwise = (number + 1) // 2, number % 2 == 1
        name = f"Conv2d_{block}" + ("" if not number else "_depthwise" if is_depthwise else "_pointwise")
        kernel = layer.weights[0].shape
        part = "depthwise_weights" if is_depthwise else "weights"
        found[f"MobilenetV1/{name}/{part}"] = draw.normal(0, 0.1, kernel)
        for norm in _NAMES:
            width = kernel[2] if is_depthwise else kernel[3]
            found[f"MobilenetV1/{name}/BatchNorm/{norm}"] = draw.uniform(0.5, 1.5, width)
        found[f"MobilenetV1/MobilenetV1/{name}/BatchNorm/batchnorm/add/y"] = np.array(1e-3)
    found["MobilenetV1/Logits/Conv2d_1c_1x1/weights"] = draw.normal(0, 1, (1, 1, 1024, 4))
    found["MobilenetV1/Logits/Conv2d_1c_1x1/biases"] = draw.normal(0, 1, 4)
    return {name: values.astype(np.float32) for name, values in found.items()}


def _graph(constants: dict[str, NDArray[np.float32]]) -> bytes:
    content = graph_pb2.GraphDef()
    for name, values in constants.items():
        node = content.node.add(name=name, op="Const")
        node.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(values))
    content.node.add(name="shape", op="Const").attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto([-1, 4]))
    content.node.add(name="anything", op="PyFunc")
    data: bytes = content.SerializeToString()
    return data


def test_only_numbers_are_read(constants: dict[str, NDArray[np.float32]]) -> None:
    found = read_graph(_graph(constants))
    assert found.keys() == constants.keys()
    for name, values in constants.items():
        np.testing.assert_array_equal(found[name], values)
    with pytest.raises(ModelError, match="damaged"):
        read_graph(b"no graph")


def test_every_layer_gets_its_weights(network: keras.Model, constants: dict[str, NDArray[np.float32]]) -> None:
    set_weights_in_order(network, layer_weights(constants))
    last = [layer for layer in network.layers if layer.weights][-2:]
    np.testing.assert_array_equal(last[0].get_weights()[0], constants["MobilenetV1/Conv2d_13_pointwise/weights"])
    for part, values in zip(_NAMES, last[1].get_weights(), strict=True):
        np.testing.assert_array_equal(values, constants[f"MobilenetV1/Conv2d_13_pointwise/BatchNorm/{part}"])
    other = {**constants, "MobilenetV1/MobilenetV1/Conv2d_0/BatchNorm/batchnorm/add/y": np.float32(1e-5)}
    with pytest.raises(ModelError, match="Conv2d_0"):
        layer_weights(other)


def test_the_classifier_has_no_background(constants: dict[str, NDArray[np.float32]]) -> None:
    head = classifier(constants)
    np.testing.assert_array_equal(head.weights, constants["MobilenetV1/Logits/Conv2d_1c_1x1/weights"][0, 0, :, 1:])
    np.testing.assert_array_equal(head.bias, constants["MobilenetV1/Logits/Conv2d_1c_1x1/biases"][1:])


def test_means_are_shifted_before_the_activation(
    network: keras.Model, constants: dict[str, NDArray[np.float32]]
) -> None:
    set_weights_in_order(network, layer_weights(constants))
    images = np.random.default_rng(1).integers(0, 256, (2, _SIDE, _SIDE, 3)).astype(np.float32)
    normalisations = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    last = keras.Model(network.input, normalisations[-1].output)
    before = np.asarray(last(images))
    shifts = [np.zeros(layer.moving_mean.shape[0]) for layer in normalisations]
    shifts[-1] += 0.25
    shift_means(network, shifts)
    np.testing.assert_allclose(np.asarray(last(images)) - before, 0.25, atol=1e-4)
    assert np.asarray(network(images)[graph.FEATURES]).shape == (2, 1024)
