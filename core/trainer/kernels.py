"""The convolution kernels of a Keras network, in the order of its layers, and the normalizations that follow them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.i18n import tr
from core.trainer.framework import keras

Kernel = NDArray[np.float32]
"""As in ONNX: [out, in, h, w]; a depthwise one [out, 1, h, w]."""
_COMPARED: Final = 256
"""The numbers of a kernel by which it is recognised."""


def is_normalisation(layer: Any) -> bool:
    """Whether a layer is a BatchNormalization."""
    return isinstance(layer, keras.layers.BatchNormalization)


def layers_of(model: keras.Model) -> list[Any]:
    """The layers with kernels, in the order of the network's layers."""
    return [layer for layer in model.layers if layer.weights and not is_normalisation(layer)]


def count_of(layer: Any) -> int:
    """The number of kernels of a layer; a separable convolution has two."""
    return 2 if isinstance(layer, keras.layers.SeparableConv2D) else 1


def count(model: keras.Model) -> int:
    """The number of kernels of a network."""
    return sum(map(count_of, layers_of(model)))


def normalisations(model: keras.Model) -> Mapping[str, Any]:
    """The BatchNormalization that directly follows a layer, by the layer's name."""
    following = {id(layer.input): layer for layer in model.layers if is_normalisation(layer)}
    return {layer.name: following[id(layer.output)] for layer in layers_of(model) if id(layer.output) in following}


def parameters(normalisation: Any) -> NDArray[np.float32]:
    """Gamma, beta, mean and variance of a BatchNormalization as the rows of [4, channels]; gamma 1 if it has none."""
    weights = iter(normalisation.get_weights())
    gamma = next(weights) if normalisation.scale else np.ones(normalisation.moving_mean.shape, np.float32)
    return np.stack([gamma, *weights])


def in_onnx_order(kernel: NDArray[np.float32]) -> Kernel:
    """A kernel of Keras, [h, w, in, out], as in ONNX; a depthwise one is [h, w, out, 1]."""
    return kernel.transpose((2, 3, 0, 1) if kernel.shape[3] == 1 else (3, 2, 0, 1))


def order_in_file(model: keras.Model, stored: Sequence[Kernel]) -> tuple[int, ...]:
    """For each kernel of a network, its place among those in the exported file; empty if the order is the same.

    They are recognised by their numbers, because names are not kept, and parallel branches come in any order.

    Raises:
        ModelError: the file has other kernels.
    """
    places = dict(enumerate(stored))
    order = []
    for kernel in _folded(model):
        alike = [place for place, other in places.items() if other.shape == kernel.shape]
        if not alike:
            raise ModelError(
                tr("The exported network has other layers than Keras's."), hint=tr("Report this as a bug.")
            )
        nearest = min(alike, key=lambda place: _difference(places[place], kernel))
        order.append(nearest)
        del places[nearest]
    return () if order == sorted(order) else tuple(order)


def _folded(model: keras.Model) -> Iterator[Kernel]:
    """The kernels with the scale of their normalizations."""
    following = normalisations(model)
    for layer in layers_of(model):
        *before, last = (in_onnx_order(array) for array in layer.get_weights()[: count_of(layer)])
        yield from before
        yield _scaled(last, following[layer.name]) if layer.name in following else last


def _scaled(kernel: Kernel, normalisation: Any) -> Kernel:
    gamma, _, _, variance = parameters(normalisation)
    scale = gamma / np.sqrt(variance + normalisation.epsilon)
    return np.asarray(kernel * scale.reshape(-1, 1, 1, 1), np.float32)


def _difference(one: Kernel, other: Kernel) -> float:
    a, b = (kernel.reshape(-1)[:_COMPARED].astype(np.float32) for kernel in (one, other))
    return float(np.abs(a - b).max())
