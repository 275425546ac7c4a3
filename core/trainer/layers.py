"""Layers shared by the networks."""

from __future__ import annotations

from typing import Any, Final

from core.trainer.framework import keras

_MOMENTUM: Final = 0.9
"""Of moving statistics that are learned: half of them is from the last seven steps, so a few dozen steps suffice."""


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
    for layer in network.layers:
        if isinstance(layer, FrozenStatistics):
            layer.is_frozen, layer.momentum = False, _MOMENTUM


def normalised(x: Any, name: str) -> Any:
    """Apply the normalization `<name>_bn`, with epsilon 0.001, to `x`."""
    return FrozenStatistics(epsilon=1e-3, name=f"{name}_bn")(x)
