"""Composed backbones in Keras: the counterpart of `core.models.composite`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.card import BackboneCard
from core.engine import graph
from core.models.composite import resampling
from core.trainer.framework import keras


def compose(parts: Sequence[keras.Model], card: BackboneCard) -> keras.Model:
    """Compose backbones into one.

    Args:
        parts: the backbones, each from pixels to a dict of `features` and `feature_map`.
        card: of the result.

    Returns:
        A model from pixels [n, size, size, 3] of 0..255 to a dict of `features` and the feature maps.
    """
    size = card.preprocessing.size
    image = keras.Input((size, size, 3), dtype="float32", name="image")
    named = [keras.Model(one.input, one.output, name=f"part{number}") for number, one in enumerate(parts, 1)]
    outputs = [part(_resized(image, size, part.input_shape[1])) for part in named]
    roots = [keras.ops.sqrt(one[graph.FEATURES]) for one in outputs]
    maps = {name: one[graph.FEATURE_MAP] for name, one in zip(graph.feature_maps(card), outputs, strict=True)}
    return keras.Model(image, {graph.FEATURES: keras.ops.concatenate(roots, axis=1), **maps})


def _resized(image: Any, size: int, wanted: int) -> Any:
    """The image resized by the same products as in the ONNX graph."""
    if size == wanted:
        return image
    weights: NDArray[np.float32] = resampling(size, wanted)
    planes = keras.ops.transpose(image, (0, 3, 1, 2))
    small = keras.ops.matmul(keras.ops.matmul(weights, planes), np.ascontiguousarray(weights.T))
    return keras.ops.transpose(small, (0, 2, 3, 1))
