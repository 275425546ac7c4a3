"""Layers our networks share."""

from __future__ import annotations

from typing import Any

from core.trainer.framework import keras


class FrozenStatistics(keras.layers.BatchNormalization):  # type: ignore[misc] # Keras has no types
    """BatchNormalization that always uses the statistics it was trained with.

    Asked to by `training=False` alone it would not: a functional model passes its own `training` to every layer.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: ARG002, FBT001 - Keras's own
        """Normalise with the moving mean and variance, which stay as they are."""
        return super().call(inputs, training=False, mask=mask)


def normalised(x: Any, name: str) -> Any:
    """`x` after the normalisation called `<name>_bn`, epsilon 0.001."""
    return FrozenStatistics(epsilon=1e-3, name=f"{name}_bn")(x)
