"""Setting the weights of Keras networks, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.trainer.framework import keras

Arrays = tuple[NDArray[np.float32], ...]
LayerWeights = dict[str, Arrays]

_HINT: Final = mark("Use the original file from Keras, complete and unchanged.")


def set_weights(model: keras.Model, weights: Mapping[str, Arrays]) -> None:
    """Set the weights of each layer of `model`.

    Raises:
        ModelError: a layer is missing or superfluous, or has other shapes.
    """
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    if layers.keys() != weights.keys():
        mismatched = sorted(layers.keys() ^ weights.keys())
        what = tr("The weights don't match the layers: {names}.", names=", ".join(mismatched[:3]))
        raise ModelError(what, hint=tr(_HINT))
    for name, layer in layers.items():
        if [tuple(weight.shape) for weight in layer.weights] != [array.shape for array in weights[name]]:
            raise ModelError(tr("The weights of layer “{name}” have the wrong shape.", name=name), hint=tr(_HINT))
        layer.set_weights(weights[name])
