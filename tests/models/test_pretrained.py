"""Reading the pretrained weights from files that Keras itself wrote, and from PyTorch's arrays."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

import h5py

from core.base.errors import ModelError
from core.trainer import tflite_file
from core.trainer.efficientnet_lite import FEATURE_WIDTH, efficientnet_lite
from core.trainer.framework import keras, tflite_schema
from core.trainer.layers import normalised
from core.trainer.weights import Arrays, set_weights
from models.pretrained import classifier, layer_weights, read_inner_model, set_weights_in_order, tflite_weights

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras's own way of saving, with NumPy 2."""

_BLOCKS = [  # input, expanded, output channels and kernel, by table 1 of the paper
    (32, 32, 16, 3), (16, 96, 24, 3), (24, 144, 24, 3), (24, 144, 40, 5), (40, 240, 40, 5), (40, 240, 80, 3),
    (80, 480, 80, 3), (80, 480, 80, 3), (80, 480, 112, 5), (112, 672, 112, 5), (112, 672, 112, 5),
    (112, 672, 192, 5), (192, 1152, 192, 5), (192, 1152, 192, 5), (192, 1152, 192, 5), (192, 1152, 320, 3),
]  # fmt: skip


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the convolutions in the state dict, and widths of normalizations."""
    yield "_conv_stem", (32, 3, 3, 3)
    yield "_bn0", (32,)
    for number, (before, inner, after, kernel) in enumerate(_BLOCKS):
        inside = f"_blocks.{number}."
        if number:
            yield f"{inside}_expand_conv", (inner, before, 1, 1)
            yield f"{inside}_bn0", (inner,)
        yield f"{inside}_depthwise_conv", (inner, 1, kernel, kernel)
        yield f"{inside}_bn1", (inner,)
        yield f"{inside}_project_conv", (after, inner, 1, 1)
        yield f"{inside}_bn2", (after,)
    yield "_conv_head", (1280, 320, 1, 1)
    yield "_bn1", (1280,)
    yield "_fc", (1000, 1280)


@pytest.fixture(scope="module")
def state() -> dict[str, NDArray[np.float32]]:
    """A state dict with the right shapes and random values."""
    random = np.random.default_rng(0)
    arrays = {}
    for name, shape in _shapes():
        parts = ("weight", "bias", "running_mean", "running_var") if len(shape) == 1 else ("weight",)
        arrays.update({f"{name}.{part}": random.uniform(0.1, 1, shape).astype(np.float32) for part in parts})
    return {**arrays, "_fc.bias": np.arange(1000, dtype=np.float32)}


def _network() -> keras.Model:
    """Two layers of each kind in Xception, with random weights."""
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.BatchNormalization(name="first_bn")(layers.Conv2D(4, 3, use_bias=False, name="first")(image))
    x = layers.SeparableConv2D(5, 3, use_bias=False, name="second")(layers.ReLU()(x))
    x = layers.BatchNormalization(name="second_bn")(x)
    x = layers.SeparableConv2D(6, 3, use_bias=False, name="third")(x)
    model = keras.Model(image, layers.Conv2D(7, 1, use_bias=False, name="fourth")(x), name="inner")
    random = np.random.default_rng(1)
    model.set_weights([random.uniform(0.5, 1.5, array.shape).astype(np.float32) for array in model.get_weights()])
    return model


def _arrays(model: keras.Model) -> list[Arrays]:
    return [tuple(layer.get_weights()) for layer in model.layers if layer.weights]


def _assert_same(found: list[Arrays], wanted: list[Arrays]) -> None:
    assert [len(layer) for layer in found] == [len(layer) for layer in wanted]
    for ours, theirs in zip(found, wanted, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_model_inside_a_keras_file(tmp_path: Path) -> None:
    inner = _network()
    image = keras.Input((8, 8, 3))
    outer = keras.Model(image, keras.layers.GlobalAveragePooling2D()(inner(image)))
    outer.save(tmp_path / "outer.keras")
    data = (tmp_path / "outer.keras").read_bytes()
    _assert_same(read_inner_model(data, "inner"), _arrays(inner))
    with pytest.raises(ModelError, match="nowhere"):
        read_inner_model(data, "nowhere")


def test_loaded_weights_give_the_same_outputs() -> None:
    one, other = _network(), _network()
    other.set_weights([array * 0 for array in other.get_weights()])
    set_weights_in_order(other, _arrays(one))
    image = np.random.default_rng(2).normal(0, 1, (2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(one(image)), np.asarray(other(image)))


def test_another_number_of_layers_is_rejected() -> None:
    model = _network()
    with pytest.raises(ModelError, match="6 are needed"):
        set_weights_in_order(model, _arrays(model)[1:])


@pytest.mark.parametrize("data", [b"", b"\x89HDF\r\n\x1a\n", b"PK\x05\x06" + bytes(18)])
def test_truncated_and_foreign_files_are_rejected(data: bytes) -> None:
    with pytest.raises(ModelError):
        read_inner_model(data, "inner")


def test_arrays_in_other_files_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(np.arange(4, dtype=np.float32).tobytes())
    with h5py.File(secret.with_name("other.h5"), "w") as other:
        other["kernel"] = np.arange(4, dtype=np.float32)
    for build in (_with_external_array, _with_external_link):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            build(file.create_group("layers/functional/layers/conv2d/vars"), secret)
        with pytest.raises(ModelError):
            set_weights_in_order(_one_layer(), read_inner_model(_keras_file(buffer.getvalue()), "inner"))


def _with_external_array(group: h5py.Group, secret: Path) -> None:
    group.create_dataset("0", (4,), np.float32, external=[(str(secret), 0, 16)])


def _with_external_link(group: h5py.Group, secret: Path) -> None:
    group["0"] = h5py.ExternalLink(str(secret.with_name("other.h5")), "/kernel")


def _one_layer() -> keras.Model:
    image = keras.Input((1, 1, 4))
    return keras.Model(image, keras.layers.Rescaling(1)(keras.layers.Conv2D(1, 1, use_bias=False)(image)))


def _keras_file(weights: bytes) -> bytes:
    """A `.keras` file whose model `inner` has one convolution, with these weights."""
    inner = {"name": "inner", "layers": [{"class_name": "Conv2D"}]}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": [{"config": inner}]}}))
        archive.writestr("model.weights.h5", weights)
    return buffer.getvalue()


def test_every_layer_finds_its_arrays(state: dict[str, NDArray[np.float32]]) -> None:
    model = efficientnet_lite(0, 32)
    set_weights(model, layer_weights(state, 0))
    stem = np.asarray(model.get_layer("stem").weights[0])
    assert stem[2, 1, 0, 31] == state["_conv_stem.weight"][31, 0, 2, 1]
    depthwise = np.asarray(model.get_layer("block3_depthwise").weights[0])
    assert depthwise[4, 1, 143, 0] == state["_blocks.3._depthwise_conv.weight"][143, 0, 4, 1]
    gamma, beta, mean, variance = model.get_layer("block15_project_bn").get_weights()
    for found, part in ((gamma, "weight"), (beta, "bias"), (mean, "running_mean"), (variance, "running_var")):
        np.testing.assert_array_equal(found, state[f"_blocks.15._bn2.{part}"])


def test_the_classifier_reads_features(state: dict[str, NDArray[np.float32]]) -> None:
    head = classifier(state)
    features = np.random.default_rng(1).normal(0, 1, (2, FEATURE_WIDTH)).astype(np.float32)
    wanted = features @ state["_fc.weight"].T + state["_fc.bias"]
    np.testing.assert_allclose(head.logits(features), wanted, rtol=1e-5)


def test_8_bit_weights_are_multiplied_by_their_steps() -> None:
    image = keras.Input((4, 4, 3))
    convolution = keras.layers.Conv2D(2, 3, use_bias=False, name="stem")
    model = keras.Model(image, normalised(convolution(image), "stem"))
    kernel = np.arange(54).reshape(2, 3, 3, 3).astype(np.int8)
    dense = np.array([[1, -2], [3, 4], [5, 6]], np.int8)
    weights, head = tflite_weights(_tflite([(kernel, [0.5, 2], [10, 20]), (dense, [0.25], [1, 2, 3])]), model)
    set_weights(model, weights)
    images = np.random.default_rng(1).normal(0, 1, (1, 4, 4, 3)).astype(np.float32)
    exact = kernel.transpose(1, 2, 3, 0) * np.array([0.5, 2], np.float32)
    wanted = np.einsum("hwi,hwio->o", images[0, :3, :3], exact) + np.array([5, 40])
    np.testing.assert_allclose(np.asarray(model(images))[0, 0, 0], wanted, rtol=1e-4)
    np.testing.assert_array_equal(head.weights, [[0.25, 0.75, 1.25], [-0.5, 1, 1.5]])
    np.testing.assert_array_equal(head.bias, [0.25, 0.5, 0.75])


def _tflite(layers: list[tuple[NDArray[np.int8], list[float], list[int]]]) -> bytes:
    """A .tflite of one operator per layer, with its kernel, the steps of its channels, and its bias."""
    schema = tflite_schema
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.subgraphs = 3, [schema.BufferT()], [graph]
    graph.tensors, graph.operators = [], []
    for kernel, steps, bias in layers:
        operator = schema.OperatorT()
        operator.inputs = [0, len(graph.tensors), len(graph.tensors) + 1]
        graph.operators.append(operator)
        for values, kind in ((kernel, schema.TensorType.INT8), (np.array(bias, np.int32), schema.TensorType.INT32)):
            tensor = schema.TensorT()
            tensor.shape, tensor.type, tensor.name = list(values.shape), kind, b""
            tensor.buffer = tflite_file.add_buffer(model, values)
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = steps, [0] * len(steps)
            graph.tensors.append(tensor)
    return tflite_file.serialize(model)
