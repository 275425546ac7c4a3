"""Reading the weights of Keras networks as data for an architecture built here; saved models are never loaded."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import h5py
import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.trainer.framework import keras

Arrays = tuple[NDArray[np.float32], ...]
LayerWeights = dict[str, Arrays]

_MAX_BYTES: Final = 1024**3
_HINT: Final = mark("Use the original file from Keras, complete and unchanged.")
_SAVED_NAMES: Final = {
    "BatchNormalization": "batch_normalization",
    "Conv2D": "conv2d",
    "SeparableConv2D": "separable_conv2d",
}


def set_weights(model: keras.Model, weights: Mapping[str, Arrays]) -> None:
    """Set the weights of each layer of `model`.

    Raises:
        ModelError: a layer is missing or superfluous, or has other shapes.
    """
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    if layers.keys() != weights.keys():
        mismatched = sorted(layers.keys() ^ weights.keys())
        what = tr("The weights don't match the layers: {names}.", names=", ".join(mismatched[:3]))
        raise ModelError(what, hint=tr(_HINT))
    for name, layer in layers.items():
        if [tuple(weight.shape) for weight in layer.weights] != [array.shape for array in weights[name]]:
            raise ModelError(tr("The weights of layer “{name}” have the wrong shape.", name=name), hint=tr(_HINT))
        layer.set_weights(weights[name])


def set_weights_in_order(model: keras.Model, weights: Sequence[Arrays]) -> None:
    """Set the weights of `model` in the order of its layers with weights, as Keras does.

    Raises:
        ModelError: their number or shapes do not match the layers.
    """
    names = [layer.name for layer in model.layers if layer.weights]
    if len(names) != len(weights):
        what = tr(
            "The file has weights for {found} layers, but {needed} are needed.", found=len(weights), needed=len(names)
        )
        raise ModelError(what, hint=tr(_HINT))
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
        raise ModelError(tr("The Keras file has no readable model “{name}”.", name=name), hint=tr(_HINT)) from error


def read_legacy_h5(data: bytes) -> list[Arrays]:
    """Read the weights by layer of an HDF5 file from `keras.applications`, in the file's order.

    Raises:
        ModelError: the bytes are not such a file.
    """
    try:
        stored = _datasets(data)
        with h5py.File(io.BytesIO(data)) as file:
            names = [
                [f"{layer}/{weight}" for weight in _texts(file[layer].attrs["weight_names"])]
                for layer in _texts(file.attrs["layer_names"])
            ]
        return [tuple(stored[name] for name in layer) for layer in names if layer]
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise ModelError(tr("The file has no weights in Keras's HDF5 layout."), hint=tr(_HINT)) from error


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


def _texts(values: Sequence[bytes | str]) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else value for value in values]
