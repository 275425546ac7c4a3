"""Our Xception against the one in Keras."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.base.errors import ModelError
from core.engine import golden, graph
from core.models.variants import open_file, run_file
from core.trainer.efficientnet_lite import efficientnet_lite
from core.trainer.export import backbone_bytes
from core.trainer.framework import keras
from core.trainer.weights import set_weights
from core.trainer.xception import FEATURE_WIDTH, Design, copy_weights, exit_flow, xception

_SIZE = 75


def _weighty(model: keras.Model) -> list[Any]:
    return [layer for layer in model.layers if layer.weights]


def test_it_equals_keras_s_network_layer_by_layer() -> None:
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

    names = [layer.name for layer in _weighty(ours)]
    set_weights(ours, {name: tuple(layer.get_weights()) for name, layer in zip(names, _weighty(theirs), strict=True)})
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


def test_normalization_statistics_stay_fixed_while_training() -> None:
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


def test_the_exit_flow_is_the_end_of_the_whole_network() -> None:
    keras.utils.set_random_seed(2)
    whole, end = xception(_SIZE), exit_flow(None)
    copy_weights(whole, end)
    frozen_base = keras.Model(whole.input, whole.get_layer("block12_add").output)
    pixels = np.random.default_rng(2).integers(0, 256, (2, _SIZE, _SIZE, 3), dtype=np.uint8)
    wanted = whole(pixels)
    found = end(frozen_base(pixels))
    assert np.asarray(wanted["features"]).any()
    for name in ("features", "feature_map"):
        np.testing.assert_array_equal(np.asarray(found[name]), np.asarray(wanted[name]))


def test_the_exit_flow_trains_all_but_its_statistics() -> None:
    end = exit_flow(19)
    assert {name: tensor.shape for name, tensor in end.output.items()} == {
        "features": (None, FEATURE_WIDTH),
        "feature_map": (None, 10, 10, FEATURE_WIDTH),
    }
    learnt = [weight.path.rpartition("/")[2] for weight in end.trainable_weights]
    assert Counter(learnt) == {
        "depthwise_kernel": 4, "pointwise_kernel": 4, "kernel": 1, "gamma": 5, "beta": 5,
    }  # fmt: skip
    kept = [weight.path.rpartition("/")[2] for weight in end.non_trainable_weights]
    assert Counter(kept) == {"moving_mean": 5, "moving_variance": 5}
    before = [np.asarray(array) for array in end.non_trainable_weights]
    end(np.random.default_rng(0).normal(0, 1, (2, 19, 19, 728)), training=True)
    for old, new in zip(before, end.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(old, np.asarray(new))


def test_trained_exit_flow_weights_are_copied_back_and_nothing_else_changes() -> None:
    whole, end = xception(_SIZE), exit_flow(None)
    before = [np.asarray(weight) for weight in whole.get_layer("block12_sepconv3").weights]
    end.get_layer("block14_sepconv2_bn").set_weights([np.full(FEATURE_WIDTH, value) for value in (1, 2, 3, 4)])
    copy_weights(end, whole)
    arrays = whole.get_layer("block14_sepconv2_bn").get_weights()
    assert [np.unique(array).tolist() for array in arrays] == [[1], [2], [3], [4]]
    for old, new in zip(before, whole.get_layer("block12_sepconv3").weights, strict=True):
        np.testing.assert_array_equal(old, np.asarray(new))


def test_weights_of_another_network_are_not_copied() -> None:
    with pytest.raises(ModelError, match="don't match"):
        copy_weights(efficientnet_lite(0, 32), exit_flow(None))


def test_weights_of_deeper_and_otherwise_built_networks() -> None:
    """A middle block is three times 728 * 3 * 3 + 728 * 728 weights, and four of the normalization per channel."""
    block = 3 * (728 * 9 + 728 * 728 + 4 * 728)
    published = xception(_SIZE).count_params()
    assert xception(_SIZE, Design(middle_blocks=16)).count_params() == published + 8 * block
    saved = _depthwise_weights(xception(_SIZE)) // 3
    assert xception(_SIZE, Design(factorised=True)).count_params() == published - saved
    half = xception(_SIZE, Design(width=0.5))
    assert half.output["features"].shape == (None, 1024)
    assert half.get_layer("block5_add").output.shape[-1] == 728 // 2 + 4  # the next multiple of 8


def _depthwise_weights(model: keras.Model) -> int:
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.SeparableConv2D)]
    return sum(int(np.prod(layer.weights[0].shape)) for layer in layers)


@pytest.mark.parametrize("pointwise_first", [False, True])
def test_relatives_of_xception_learn_and_are_exported(pointwise_first: bool) -> None:
    keras.utils.set_random_seed(4)
    design = Design(middle_blocks=2, width=0.05, pointwise_first=pointwise_first, factorised=True)
    model = xception(_SIZE, design)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):  # as made, the network's signal would vanish
            layer.moving_variance.assign(0.05 * np.ones(layer.moving_variance.shape, np.float32))
    kernel = model.get_layer("block5_sepconv1_depthwise_1x3").weights[0]
    before = kernel.numpy().copy()
    images = np.random.default_rng(4).integers(0, 256, (2, _SIZE, _SIZE, 3), np.uint8)
    learner = keras.Model(model.input, model.output["features"])
    learner.compile(keras.optimizers.SGD(0.01), "mse")
    learner.train_on_batch(images.astype(np.float32), np.ones((2, design.scaled(FEATURE_WIDTH)), np.float32))
    assert np.abs(kernel.numpy() - before).max() > 0
    wanted = np.asarray(model(images.astype(np.float32), training=False)["features"])
    (found,) = run_file(open_file(backbone_bytes(model)), (graph.FEATURES,), images)
    assert golden.cosine(found, wanted) >= 0.9999
