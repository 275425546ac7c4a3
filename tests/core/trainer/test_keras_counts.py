"""The articles' eleven networks, counted from their graphs, have as many weights as Keras says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("core.trainer.framework", reason="the extra `train` is not installed")

from core.architectures.published import PUBLISHED, PublishedNetwork
from core.engine.complexity import compute_stats
from core.trainer.framework import keras
from tests.keras_graphs import keras_graph

_BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "MobileNetV1": keras.applications.MobileNet,
    **{name: getattr(keras.applications, name) for name in ("Xception", "InceptionV3", "InceptionResNetV2")},
    **{name: getattr(keras.applications, name) for name in ("ResNet50", "VGG16", "MobileNetV2")},
}
_DEPTH_AND_FIELD = {
    "Xception": (71, 1083),
    "ResNet50": (50, 483),
    "InceptionResNetV2": (176, 3039),
    "InceptionV3": (48, 1311),
    "VGG16": (16, 212),
    "MobileNetV1": (28, 315),
    "MobileNetV2": (53, 491),
}
"""The receptive fields of ResNet50, both Inceptions, VGG16 and MobileNetV1 are also in Araujo et al., 2019."""


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: one.title)
def test_the_counts_are_those_of_keras_and_of_the_described_network(one: PublishedNetwork) -> None:
    width = {} if one.alpha is None else {"alpha": one.alpha}
    with keras.StatelessScope():  # no weights are drawn
        network = _BUILDERS[one.architecture](weights=None, input_shape=(one.size, one.size, 3), **width)
    found = compute_stats(keras_graph(network))
    assert found.weights == network.count_params() == one.counts.weights
    assert found.multiply_adds == one.counts.multiply_adds
    depth, field = _DEPTH_AND_FIELD[one.architecture]
    assert (found.depth, found.receptive_field) == (depth, (field, field))
    assert found.notes == ()
