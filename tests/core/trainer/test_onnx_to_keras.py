"""Keras networks rebuilt from the built-in ONNX files have the same outputs, and others are rejected."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.errors import ModelError
from core.card import BackboneCard, Origin, Preprocessing, ResizeMode, read_card
from core.engine import golden, graph
from core.models.installed import load_backbone
from core.models.library import Library
from core.models.values import InstalledBackbone
from core.trainer.base_model import FROZEN_BASE, split_frozen_base
from core.trainer.efficientnet_lite import efficientnet_lite
from core.trainer.export import backbone_bytes, exported_backbone_card
from core.trainer.framework import keras
from core.trainer.onnx_to_keras import normalisation_bytes, rebuild_keras
from core.trainer.xception import copy_weights, exit_flow
from core.training.backbones import JOINED
from tests import tiny

_EPSILON = np.float32(1e-3)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Files:
    """An installed backbone."""

    data: bytes
    card: BackboneCard
    normalisation: bytes

    def answers(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The outputs of ONNX Runtime for images."""
        return _run(self.data, graph.FEATURES, images)


def _run(data: bytes, output: str, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return np.asarray(session.run([output], {graph.INPUT: images})[0])


def _images(size: int) -> NDArray[np.uint8]:
    """The golden inputs and noise."""
    noise = np.random.default_rng(size).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    return np.concatenate([golden.golden_inputs(size), noise])


def _keras(model: keras.Model, inputs: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.asarray(model(inputs, training=False)[graph.FEATURES])


@pytest.fixture(scope="module")
def xception(shipped_models: Path) -> _Files:
    """The built-in Xception."""
    folder = shipped_models / "xception-imagenet"
    card = read_card((folder / "card.json").read_bytes())
    assert isinstance(card, BackboneCard)
    return _Files((folder / card.file).read_bytes(), card, (folder / "normalisation.npz").read_bytes())


@pytest.fixture(scope="module")
def keras_model(xception: _Files) -> keras.Model:
    """Rebuilt with its normalization."""
    return rebuild_keras(xception.data, xception.card, xception.normalisation)


@pytest.fixture(scope="module")
def plain_model(xception: _Files) -> keras.Model:
    """Rebuilt without the normalization."""
    return rebuild_keras(xception.data, xception.card, None)


@pytest.fixture(scope="module")
def random_model() -> keras.Model:
    """A small EfficientNet-Lite0 with random weights; one channel of each normalization has gamma 0."""
    keras.utils.set_random_seed(7)
    model = efficientnet_lite(0, 32)
    random = np.random.default_rng(7)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = random.uniform(0.5, 1.5, (4, layer.gamma.shape[0]))
            gamma[3] = 0
            layer.set_weights([gamma * np.sign(beta - 1), beta, mean, variance])
    return model


@pytest.fixture(scope="module")
def small(random_model: keras.Model) -> _Files:
    """The same network as files."""
    data = backbone_bytes(random_model)
    card = exported_backbone_card(
        random_model,
        data,
        name="small",
        origin=Origin("drawn by the tests", "Apache-2.0"),
        architecture="EfficientNet-Lite0",
        preprocessing=Preprocessing(32, ResizeMode.STRETCH),
    )
    return _Files(data, card, normalisation_bytes(random_model))


def test_rebuilt_xception_matches_its_onnx_file(
    xception: _Files, keras_model: keras.Model, plain_model: keras.Model
) -> None:
    images = _images(299)
    wanted = xception.answers(images)
    assert np.abs(wanted).max() > 0.5
    for model in (keras_model, plain_model):
        np.testing.assert_allclose(_keras(model, images), wanted, atol=2e-5)


def test_with_the_normalization_the_trained_network_is_restored(xception: _Files, keras_model: keras.Model) -> None:
    assert normalisation_bytes(keras_model) == xception.normalisation
    gamma, _, mean, variance = keras_model.get_layer("block14_sepconv2_bn").get_weights()
    assert np.abs(mean).max() > 0.1
    assert (gamma / np.sqrt(variance + _EPSILON)).min() > 2, "or there would be nothing to free a kernel of"


def test_without_the_normalization_kernels_are_unchanged_and_only_biases_are_added(plain_model: keras.Model) -> None:
    depthwise, pointwise = plain_model.get_layer("block5_sepconv1").get_weights()
    for kernel in (depthwise, pointwise):
        np.testing.assert_array_equal(kernel, kernel.astype(np.float16).astype(np.float32))
    gamma, beta, mean, variance = plain_model.get_layer("block5_sepconv1_bn").get_weights()
    assert np.unique(gamma).tolist() == [1]
    assert np.unique(mean).tolist() == [0]
    assert np.unique(variance + _EPSILON).tolist() == [1]
    assert np.std(beta) > 0.01


def test_frozen_base_and_exit_flow_equal_the_whole_network(xception: _Files, keras_model: keras.Model) -> None:
    end = exit_flow(19)
    copy_weights(keras_model, end)
    images = _images(299)
    found = _keras(end, _run(split_frozen_base(xception.data), FROZEN_BASE, images))
    np.testing.assert_allclose(found, xception.answers(images), atol=2e-5)


@pytest.mark.parametrize("name", ["general", "efficientnet-lite0-imagenet", "mobilenet-v2"])
def test_a_rebuilt_network_matches_its_onnx_file(name: str, shipped_models: Path) -> None:
    read = read_card((shipped_models / name / "card.json").read_bytes())
    card = read if isinstance(read, BackboneCard) else read.backbone
    assert isinstance(card, BackboneCard)
    data = (shipped_models / name / card.file).read_bytes()
    images = _images(card.preprocessing.size)
    wanted = _run(data, graph.FEATURES, images)
    np.testing.assert_allclose(_keras(rebuild_keras(data, card, None), images), wanted, atol=1e-4)


def test_mobilenet_is_rebuilt_with_and_without_its_normalization(shipped_models: Path) -> None:
    """Its kernels were rounded to 8 bits after its normalization had been folded into them."""
    folder = shipped_models / "mobilenet-v1"
    card = read_card((folder / "card.json").read_bytes())
    assert isinstance(card, BackboneCard)
    data, images = (folder / card.file).read_bytes(), _images(card.preprocessing.size)
    wanted = _run(data, graph.FEATURES, images)
    for given in (None, (folder / "normalisation.npz").read_bytes()):
        np.testing.assert_allclose(_keras(rebuild_keras(data, card, given), images), wanted, atol=1e-3)


def test_the_bundled_normalization_file_is_small(xception: _Files) -> None:
    assert len(xception.normalisation) < 500_000


def test_kernels_are_unfolded(random_model: keras.Model, small: _Files) -> None:
    found = rebuild_keras(small.data, small.card, small.normalisation)
    for name in ("block3_depthwise", "block3_project", "head"):
        (ours,), (theirs,) = found.get_layer(name).get_weights(), random_model.get_layer(name).get_weights()
        channel = 2 if name.endswith("depthwise") else 3
        on = np.arange(ours.shape[channel]) != 3
        np.testing.assert_allclose(ours.compress(on, channel), theirs.compress(on, channel), rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("given", [True, False])
def test_a_channel_with_zero_gamma_gets_a_zero_kernel_and_the_same_outputs(small: _Files, given: bool) -> None:
    found = rebuild_keras(small.data, small.card, small.normalisation if given else None)
    assert not found.get_layer("head").get_weights()[0][..., 3].any()
    images = _images(32)
    wanted = small.answers(images)
    assert wanted[0, 3] > 0.1, "its bias alone"
    np.testing.assert_allclose(_keras(found, images), wanted, rtol=1e-4, atol=1e-4)


def test_equal_normalizations_give_equal_bytes(random_model: keras.Model, small: _Files) -> None:
    assert normalisation_bytes(random_model) == small.normalisation


def test_other_architectures_are_rejected_with_the_supported_ones() -> None:
    with pytest.raises(ModelError, match="“Tiny”") as caught:
        rebuild_keras(tiny.backbone_bytes(), tiny.backbone_card(), None)
    assert "Xception" in caught.value.hint
    assert "EfficientNet-Lite0" in caught.value.hint


def test_a_card_of_another_architecture_is_rejected(xception: _Files) -> None:
    lying = dataclasses.replace(xception.card, architecture="EfficientNet-Lite0")
    with pytest.raises(ModelError, match="convolutions"):
        rebuild_keras(xception.data, lying, None)


def test_a_network_that_differs_from_the_card_is_rejected(small: _Files) -> None:
    features = golden.decode_features(small.card.golden_features, small.card.feature_width)
    lying = dataclasses.replace(small.card, golden_features=golden.encode_features(features[:, ::-1]))
    with pytest.raises(ModelError, match="cosine"):
        rebuild_keras(small.data, lying, small.normalisation)


Arrays = dict[str, NDArray[np.generic]]


def _lacking(arrays: Arrays) -> None:
    del arrays["head_bn"]


def _one_too_many(arrays: Arrays) -> None:
    arrays["tail_bn"] = arrays["head_bn"]


def _narrow(arrays: Arrays) -> None:
    arrays["head_bn"] = arrays["head_bn"][:, 1:]


def _another_s(arrays: Arrays) -> None:
    arrays["head_bn"] = arrays["head_bn"][:, ::-1].copy()


@pytest.mark.parametrize("change", [_lacking, _one_too_many, _narrow, _another_s])
def test_a_normalization_of_another_network_is_rejected(small: _Files, change: Callable[[Arrays], None]) -> None:
    with pytest.raises(ModelError, match="another network"):
        rebuild_keras(small.data, small.card, _changed(small.normalisation, change))


def _three_rows(arrays: Arrays) -> None:
    arrays["head_bn"] = arrays["head_bn"][:3]


def _not_a_number(arrays: Arrays) -> None:
    arrays["head_bn"][0, 0] = np.nan


def _negative_variance(arrays: Arrays) -> None:
    arrays["head_bn"][3, 0] = -1


def _whole_numbers(arrays: Arrays) -> None:
    arrays["head_bn"] = np.ones((4, 1280), np.int64)


@pytest.mark.parametrize("change", [_three_rows, _not_a_number, _negative_variance, _whole_numbers])
def test_a_normalization_with_invalid_numbers_is_rejected(small: _Files, change: Callable[[Arrays], None]) -> None:
    with pytest.raises(ModelError, match="invalid numbers"):
        rebuild_keras(small.data, small.card, _changed(small.normalisation, change))


def _pickled(arrays: Arrays) -> None:
    arrays["head_bn"] = np.array([None])


def _far_too_large(arrays: Arrays) -> None:
    arrays["head_bn"] = np.zeros((4, 2**21), np.float32)


@pytest.mark.parametrize("change", [_pickled, _far_too_large])
def test_a_malicious_normalization_file_is_rejected(small: _Files, change: Callable[[Arrays], None]) -> None:
    with pytest.raises(ModelError, match="damaged"):
        rebuild_keras(small.data, small.card, _changed(small.normalisation, change))


def test_a_damaged_normalization_file_is_rejected(small: _Files) -> None:
    for data in (b"", b"no archive", small.normalisation[:-100]):
        with pytest.raises(ModelError, match="damaged"):
            rebuild_keras(small.data, small.card, data)


def _changed(normalisation: bytes, change: Callable[[Arrays], None]) -> bytes:
    arrays: Arrays = dict(np.load(io.BytesIO(normalisation)))
    change(arrays)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_a_composed_backbone_is_rebuilt(shipped_models: Path, tmp_path: Path) -> None:
    joined = next(one for one in Library(shipped_models, tmp_path).entries() if one.name == JOINED)
    assert isinstance(joined, InstalledBackbone)
    data, images = load_backbone(joined), _images(joined.card.preprocessing.size)
    model = rebuild_keras(data, joined.card, None)
    assert golden.cosine(_keras(model, images), _run(data, graph.FEATURES, images)) >= 0.99999
    maps = model(images[:1], training=False)
    for name in graph.feature_maps(joined.card):
        np.testing.assert_allclose(maps[name], _run(data, name, images[:1]), atol=1e-3)
