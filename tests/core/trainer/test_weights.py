"""Reading weights from files that Keras itself wrote."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

import h5py
from keras.src.legacy.saving import legacy_h5_format

from core.base.errors import ModelError
from core.trainer.framework import keras
from core.trainer.weights import Arrays, read_inner_model, read_legacy_h5, set_weights, set_weights_in_order

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras's own way of saving, with NumPy 2."""


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


def _legacy_file(model: keras.Model) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return buffer.getvalue()


def test_a_file_from_keras_applications() -> None:
    model = _network()
    _assert_same(read_legacy_h5(_legacy_file(model)), _arrays(model))


def test_loaded_weights_give_the_same_outputs() -> None:
    one, other = _network(), _network()
    other.set_weights([array * 0 for array in other.get_weights()])
    set_weights_in_order(other, read_legacy_h5(_legacy_file(one)))
    image = np.random.default_rng(2).normal(0, 1, (2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(one(image)), np.asarray(other(image)))


@pytest.mark.parametrize("data", [b"", b"\x89HDF\r\n\x1a\n", b"PK\x05\x06" + bytes(18)])
def test_truncated_and_foreign_files_are_rejected(data: bytes) -> None:
    with pytest.raises(ModelError):
        read_legacy_h5(data)
    with pytest.raises(ModelError):
        read_inner_model(data, "inner")


def test_arrays_in_other_files_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(np.arange(4, dtype=np.float32).tobytes())
    for build in (_with_external_array, _with_external_link):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            build(file, secret)
            file.attrs["layer_names"] = ["layer"]
            file["layer"].attrs["weight_names"] = ["kernel"]
        with pytest.raises(ModelError):
            read_legacy_h5(buffer.getvalue())


def _with_external_array(file: h5py.File, secret: Path) -> None:
    file.create_group("layer").create_dataset("kernel", (4,), np.float32, external=[(str(secret), 0, 16)])


def _with_external_link(file: h5py.File, secret: Path) -> None:
    other = secret.with_name("other.h5")
    with h5py.File(other, "w") as there:
        there["kernel"] = np.arange(4, dtype=np.float32)
    file.create_group("layer")["kernel"] = h5py.ExternalLink(str(other), "/kernel")


def test_mismatched_weights_are_rejected_by_name() -> None:
    model = _network()
    named = {layer.name: tuple(layer.get_weights()) for layer in model.layers if layer.weights}
    with pytest.raises(ModelError, match="6 are needed"):
        set_weights_in_order(model, _arrays(model)[1:])
    with pytest.raises(ModelError, match="fifth"):
        set_weights(model, {**named, "fifth": ()})
    with pytest.raises(ModelError, match="“first”"):
        set_weights(model, {**named, "first": (np.zeros((1, 3, 3, 4), np.float32),)})
