"""EfficientNet-Lite0 against published figures, and the conversion of PyTorch's arrays to Keras."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.trainer.efficientnet_lite import FEATURE_WIDTH, classifier, efficientnet_lite0, layer_weights
from core.trainer.weights import set_weights

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


def test_its_size_and_outputs(state: dict[str, NDArray[np.float32]]) -> None:
    model = efficientnet_lite0()
    backbone = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert backbone + classifier(state).weights.size + 1000 == 4_652_008  # the published 4.65 M
    shapes = {name: tensor.shape for name, tensor in model.output.items()}
    assert shapes == {"features": (None, FEATURE_WIDTH), "feature_map": (None, 7, 7, FEATURE_WIDTH)}


def test_every_layer_finds_its_arrays(state: dict[str, NDArray[np.float32]]) -> None:
    model = efficientnet_lite0(32)
    set_weights(model, layer_weights(state))
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


def test_a_pixel_value_of_127_is_scaled_to_zero() -> None:
    scaling = efficientnet_lite0(32).get_layer("scaling")
    values = np.array([[[[127, 255, 0]]]], np.float32)
    assert np.asarray(scaling(values)).tolist() == [[[[0, 1, -127 / 128]]]]
