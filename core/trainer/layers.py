"""Layers shared by the networks."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from core.trainer.framework import keras

_MOMENTUM: Final = 0.9
"""Of moving statistics that are learned: half of them is from the last seven steps, so a few dozen steps suffice."""

_IMAGES: Final = 16
_PATCHES: Final = 8
_BIAS: Final = 0.01


class FrozenStatistics(keras.layers.BatchNormalization):  # type: ignore[misc] # Keras has no types
    """BatchNormalization that uses its moving statistics even in training, unless they have yet to be learned.

    Calling it with `training=False` is not enough: a functional model passes its own `training` to every layer.

    Attributes:
        is_frozen: whether it does.
    """

    is_frozen = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: FBT001 - Keras's own
        """Normalize with the moving mean and variance, without updating them."""
        return super().call(inputs, training=bool(training) and not self.is_frozen, mask=mask)


def learn_statistics(network: keras.Model) -> None:
    """Let a network that was never trained learn the statistics of its normalizations, quickly."""
    _set_statistics(network, is_frozen=False, momentum=_MOMENTUM)


def initialize_statistics(network: keras.Model) -> None:
    """Set the statistics of a network with random weights to those of random images, so that features are usable.

    Biases of 0 become small random numbers: without them, the exporter would multiply the scale behind a convolution
    into its kernel, and the network could not be rebuilt from its file.
    """
    draw = np.random.default_rng(0)
    for layer in network.layers:
        if getattr(layer, "use_bias", False):
            *kernels, bias = layer.get_weights()
            layer.set_weights([*kernels, draw.normal(0, _BIAS, bias.shape)])
    side = network.input_shape[1]
    colours = draw.integers(0, 256, (_IMAGES, _PATCHES, _PATCHES, 3))
    rows = np.arange(side) * _PATCHES // side
    _set_statistics(network, is_frozen=False, momentum=0.0)
    network(colours[:, rows][:, :, rows].astype(np.float32), training=True)
    _set_statistics(network, is_frozen=True, momentum=_MOMENTUM)


def _set_statistics(network: keras.Model, *, is_frozen: bool, momentum: float) -> None:
    for layer in network.layers:
        if isinstance(layer, FrozenStatistics):
            layer.is_frozen, layer.momentum = is_frozen, momentum


def relu6(x: Any, name: str) -> Any:
    """Apply the activation `<name>_act`, ReLU up to 6, to `x`."""
    return keras.layers.ReLU(max_value=6.0, name=f"{name}_act")(x)


def normalised(x: Any, name: str) -> Any:
    """Apply the normalization `<name>_bn`, with epsilon 0.001, to `x`."""
    return FrozenStatistics(epsilon=1e-3, name=f"{name}_bn")(x)
