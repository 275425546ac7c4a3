"""The networks that `core.architectures` describes have Keras's weights and multiply-adds, to the last one."""

from __future__ import annotations

import math
from typing import Any

import pytest

from core.architectures.published import PUBLISHED, PublishedNetwork

keras = pytest.importorskip("keras")

_BUILDERS = {"MobileNetV1": "MobileNet"}
"""Keras's names, where they are others."""


def build(one: PublishedNetwork) -> Any:  # noqa: ANN401 - Keras has no types
    """Keras's network without values: only the shapes are wanted, not hundreds of megabytes of random numbers."""
    from keras.src.backend.common.stateless_scope import StatelessScope

    options = {} if one.alpha is None else {"alpha": one.alpha}
    with StatelessScope(initialize_variables=False):
        make = getattr(keras.applications, _BUILDERS.get(one.architecture, one.architecture))
        return make(weights=None, input_shape=(one.size, one.size, 3), **options)


def multiply_adds(layer: Any) -> int:  # noqa: ANN401
    kernels = [weight for weight in layer.weights if "kernel" in weight.name]
    return sum(math.prod(kernel.shape) for kernel in kernels) * math.prod(layer.output.shape[1:-1]) if kernels else 0


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: one.title)
def test_a_described_network_is_kerass(one: PublishedNetwork) -> None:
    model = build(one)
    assert one.counts.weights == model.count_params()
    assert one.counts.multiply_adds == sum(map(multiply_adds, model.layers))
