"""The articles' eleven networks, counted from their graphs, have as many weights as Keras says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.engine.complexity import compute_stats
from core.trainer.framework import keras
from tests.keras_graphs import keras_graph

_APPLICATIONS = keras.applications


@pytest.mark.parametrize(
    ("build", "alpha", "side", "weights", "depth", "field"),
    [
        pytest.param(_APPLICATIONS.Xception, None, 299, 22_910_480, 71, 1083, id="Xception"),
        pytest.param(_APPLICATIONS.ResNet50, None, 224, 25_636_712, 50, 483, id="ResNet50"),
        pytest.param(_APPLICATIONS.InceptionResNetV2, None, 299, 55_873_736, 176, 3039, id="InceptionResNetV2"),
        pytest.param(_APPLICATIONS.InceptionV3, None, 299, 23_851_784, 48, 1311, id="InceptionV3"),
        pytest.param(_APPLICATIONS.VGG16, None, 224, 138_357_544, 16, 212, id="VGG16"),
        pytest.param(_APPLICATIONS.MobileNet, 1.0, 224, 4_253_864, 28, 315, id="MobileNetV1 1 1"),
        pytest.param(_APPLICATIONS.MobileNet, 0.75, 192, 2_601_976, 28, 315, id="MobileNetV1 0.75 0.85"),
        pytest.param(_APPLICATIONS.MobileNet, 0.25, 128, 475_544, 28, 315, id="MobileNetV1 0.25 0.57"),
        pytest.param(_APPLICATIONS.MobileNetV2, 1.4, 224, 6_156_712, 53, 491, id="MobileNetV2 1.4 1"),
        pytest.param(_APPLICATIONS.MobileNetV2, 1.0, 224, 3_538_984, 53, 491, id="MobileNetV2 1 1"),
        pytest.param(_APPLICATIONS.MobileNetV2, 0.35, 96, 1_691_208, 53, 491, id="MobileNetV2 0.35 0.43"),
    ],
)
def test_the_weights_are_those_that_keras_counts(
    build: Callable[..., keras.Model], alpha: float | None, side: int, weights: int, depth: int, field: int
) -> None:
    """The receptive fields of five are also in Araujo et al. (see `compute_stats`): 483, 3039, 1311, 212, 315."""
    width = {} if alpha is None else {"alpha": alpha}
    with keras.StatelessScope():  # no weights are drawn
        network = build(weights=None, input_shape=(side, side, 3), **width)
    found = compute_stats(keras_graph(network))
    assert found.weights == network.count_params() == weights
    assert found.notes == ()
    assert (found.depth, found.receptive_field) == (depth, (field, field))
