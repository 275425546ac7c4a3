"""MobileNetV2 from PyTorch's arrays computes what PyTorch does: padding on both sides, another epsilon."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.trainer.framework import keras
from core.trainer.torch_mobilenet_v2 import layer_weights, torch_mobilenet_v2
from core.trainer.weights import set_weights


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return torch_mobilenet_v2()


@pytest.fixture(scope="module")
def state(model: keras.Model) -> dict[str, NDArray[np.float32]]:
    """Arrays drawn at random in PyTorch's order of axes, with small variances; named by the layers' order."""
    random, arrays = np.random.default_rng(5), {}
    for layer, prefix in zip(_convolutions(model), _prefixes(), strict=True):
        kernel = layer.weights[0].numpy()
        axes = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (3, 2, 0, 1)
        convolution, normalisation = prefix
        arrays[f"{convolution}.weight"] = random.normal(0, 0.1, kernel.shape).astype(np.float32).transpose(axes)
        width = arrays[f"{convolution}.weight"].shape[0]
        for part, low in (("weight", 0.5), ("bias", -1), ("running_mean", -1), ("running_var", 1e-4)):
            high = 1e-3 if part == "running_var" else 1.5
            arrays[f"{normalisation}.{part}"] = random.uniform(low, high, width).astype(np.float32)
    return arrays


def test_it_has_the_weights_of_keras_s(model: keras.Model) -> None:
    theirs = keras.applications.MobileNetV2(weights=None, include_top=False)
    assert model.count_params() == theirs.count_params() == 2_257_984


def test_the_stem_computes_what_pytorch_does(model: keras.Model, state: dict[str, NDArray[np.float32]]) -> None:
    set_weights(model, layer_weights(state))
    images = np.random.default_rng(6).integers(0, 256, (1, 224, 224, 3)).astype(np.float32)
    stem = keras.Model(model.input, model.get_layer("stem_bn").output)
    found = np.asarray(stem(images))[0, 0, 3]
    scaled = (images[0] / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    seen = np.zeros((3, 3, 3))
    seen[1:] = scaled[:2, 5:8]  # output (0, 3) at stride 2 with padding 1: rows -1 to 1, columns 5 to 7
    convolved = np.einsum("hwi,oihw->o", seen, state["features.0.0.weight"])
    gamma, beta, mean, variance = (
        state[f"features.0.1.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    np.testing.assert_allclose(found, (convolved - mean) / np.sqrt(variance + 1e-5) * gamma + beta, rtol=1e-3)


def _convolutions(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if layer.weights and not layer.name.endswith("_bn")]


def _prefixes() -> list[tuple[str, str]]:
    """The names of convolutions and normalizations in torchvision's order."""
    names = [("features.0.0", "features.0.1"), ("features.1.conv.0", "features.1.conv.1")]
    names += [("features.1.conv.3", "features.1.conv.4")]
    for block in range(2, 18):
        names += [(f"features.{block}.conv.{at}", f"features.{block}.conv.{at + 1}") for at in (0, 3, 6)]
    return [*names, ("features.18.0", "features.18.1")]
