"""Layers shared by the networks."""

from __future__ import annotations

from typing import Any

from core.trainer.framework import keras


class FrozenStatistics(keras.layers.BatchNormalization):  # type: ignore[misc] # Keras has no types
    """BatchNormalization that always uses its moving statistics.

    Calling it with `training=False` is not enough: a functional model passes its own `training` to every layer.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ARG002, FBT001 - Keras's own
        """Normalize with the moving mean and variance, without updating them."""
        return super().call(inputs, training=False, mask=mask)


def normalised(x: Any, name: str) -> Any:
    """Apply the normalization `<name>_bn`, with epsilon 0.001, to `x`."""
    return FrozenStatistics(epsilon=1e-3, name=f"{name}_bn")(x)
