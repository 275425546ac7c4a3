"""Our Xception against the one in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("core.training.framework", reason="the extra `train` is not installed")

from core.training.framework import keras
from core.training.weights import set_weights_in_order
from core.training.xception import FEATURE_WIDTH, xception

_SIZE = 75


def _weighty(model: keras.Model) -> list[Any]:
    return [layer for layer in model.layers if layer.weights]


def test_it_is_keras_s_network_layer_for_layer() -> None:
    keras.utils.set_random_seed(5)
    theirs = keras.applications.Xception(
        weights=None, include_top=False, pooling="avg", input_shape=(_SIZE, _SIZE, 3), name="theirs"
    )
    ours = xception(_SIZE)
    random = np.random.default_rng(5)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.BatchNormalization):  # as made, they would do nothing
            layer.set_weights([random.uniform(0.8, 1.2, array.shape) for array in layer.get_weights()])
    for our_layer, their_layer in zip(_weighty(ours), _weighty(theirs), strict=True):
        assert isinstance(our_layer, type(their_layer))

    set_weights_in_order(ours, [tuple(layer.get_weights()) for layer in _weighty(theirs)])
    pixels = random.integers(0, 256, (3, _SIZE, _SIZE, 3), dtype=np.uint8)
    scaled = keras.applications.xception.preprocess_input(pixels.astype(np.float32))
    wanted = np.asarray(theirs(scaled, training=False))
    found = np.asarray(ours(pixels)["features"])
    assert np.abs(wanted).max() > 0.1
    assert np.abs(found - wanted).max() <= 1e-5


def test_its_size_and_outputs() -> None:
    model = xception()
    assert model.count_params() == 20_861_480
    shapes = {name: tensor.shape for name, tensor in model.output.items()}
    assert shapes == {"features": (None, FEATURE_WIDTH), "feature_map": (None, 10, 10, FEATURE_WIDTH)}
    names = [layer.name for layer in model.layers]
    assert {"block2_shortcut", "block13_shortcut_bn", "block14_sepconv2_act"} <= set(names)
    assert not any(name.startswith(("conv2d", "batch_normalization", "add")) for name in names)


def test_normalisation_stays_as_trained_even_while_training() -> None:
    model = xception(_SIZE)
    pixels = np.random.default_rng(0).integers(0, 256, (2, _SIZE, _SIZE, 3), dtype=np.uint8)
    before = [np.asarray(array) for array in model.non_trainable_weights]
    assert len(before) == 2 * 40
    model(pixels, training=True)
    for old, new in zip(before, model.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(old, np.asarray(new))


def test_features_are_the_mean_of_the_feature_map() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, _SIZE, _SIZE, 3), dtype=np.uint8)
    answer = xception(_SIZE)(pixels)
    mean = np.asarray(answer["feature_map"]).mean(axis=(1, 2))
    np.testing.assert_allclose(np.asarray(answer["features"]), mean, rtol=1e-5, atol=1e-6)
