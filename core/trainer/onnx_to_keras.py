"""Rebuilding a backbone's ONNX file as a Keras network with the same weights, for further training.

In the file, BatchNormalization is folded into the convolution before it: for each output channel, kernel * scale and
beta - mean * scale, where scale = gamma / sqrt(variance + epsilon). The folded parameters cannot be recovered from the
file, so they are stored next to it (`normalisation_bytes`); without them, the rebuilt normalizations only add a bias.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from core.base.arrays import read_arrays
from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.card import BackboneCard
from core.engine import golden, graph
from core.models.composite import ROWS
from core.models.weight_storage import store_as_float32
from core.trainer import architectures, kernels
from core.trainer.composite import compose
from core.trainer.framework import keras
from core.trainer.weights import LayerWeights, set_weights

MIN_COSINE: Final = 0.9999
"""The lowest acceptable cosine similarity between the rebuilt network's golden features and the card's."""

Normalisation: TypeAlias = Mapping[str, NDArray[np.float32]]
"""By layer name: gamma, beta, mean and variance as the rows of [4, channels]."""

_MAX_BYTES: Final = 16 * 1024 * 1024
_ROUNDING: Final = 1e-5
"""Two computations of a folded bias differ by at most 1e-6 of its terms; another network's differs by much more."""
_HINT: Final = mark("Install the model again, or train another one.")


@dataclass(frozen=True, slots=True, eq=False)
class _Convolution:
    """A convolution in the ONNX file: its kernel [out, in, h, w] and its bias [out], if any."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32] | None


def rebuild_keras(backbone: bytes, card: BackboneCard, normalisation: bytes | None) -> keras.Model:
    """Rebuild the Keras network of a backbone, and verify it.

    Keras's dtype policy must be float32.

    Args:
        backbone: its ONNX file, as `core.trainer.export` writes it.
        card: its card.
        normalisation: the output of `normalisation_bytes` for the exported network. With it, each BatchNormalization is
            restored and unfolded from its kernel; a channel whose gamma is 0 gets a kernel of zeros. Without it (None),
            gamma is 1, mean 0, variance 1 - epsilon, and beta the folded bias: the same function.

    Returns:
        As `core.trainer.architectures.build`: a model from pixels [n, size, size, 3] of 0..255 to a dict of `features`
        and `feature_map`; for a composed backbone, see `core.trainer.composite`.

    Raises:
        ModelError: the architecture is not supported; a file is unsafe or damaged; they belong to different networks;
            or the features of the golden inputs differ from those in the card.
    """
    graph.check_backbone(backbone, card)
    network = graph.parse(backbone)
    store_as_float32(network)
    content = network.graph
    given = None if normalisation is None else _read_normalisation(normalisation)
    remaining, parts = _in_layer_order(_convolutions(content), card), []
    for number, name in enumerate(card.architectures, 1):
        size = _input_size(content, number) or card.preprocessing.size
        parts.append(architectures.build(name, size, card.design))
        count = kernels.count(parts[-1]) if number < len(card.architectures) else len(remaining)
        set_weights(parts[-1], _layer_weights(parts[-1], remaining[:count], given))
        remaining = remaining[count:]
    model = compose(parts, card) if len(parts) > 1 else parts[0]
    _verify(model, card)
    return model


def _input_size(content: onnx.GraphProto, number: int) -> int | None:
    """The input size of a part of a composed backbone, to which images are resized; None if they are not."""
    filters = (tensor.dims for tensor in content.initializer if tensor.name == ROWS.format(number=number))
    return next((int(dims[0]) for dims in filters), None)


def normalisation_bytes(model: keras.Model) -> bytes:
    """Serialize the parameters of every BatchNormalization for `rebuild_keras`; the output is deterministic.

    Returns:
        An .npz file: by layer name, gamma, beta, mean and variance as the rows of float32 [4, channels].
    """
    buffer = io.BytesIO()
    layers = (layer for layer in model.layers if kernels.is_normalisation(layer))
    np.savez(buffer, allow_pickle=False, **{layer.name: kernels.parameters(layer) for layer in layers})
    return buffer.getvalue()


def _read_normalisation(data: bytes) -> Normalisation:
    """Parse the output of `normalisation_bytes`.

    Raises:
        ModelError: the bytes are not such a file.
    """
    try:
        found = read_arrays(data, _MAX_BYTES)
    except Exception as error:  # the boundary: zip, deflate and numpy raise a dozen unrelated kinds
        raise ModelError(tr("The backbone's normalization file is damaged."), hint=tr(_HINT)) from error
    if not all(_is_valid(rows) for rows in found.values()):
        raise ModelError(tr("The backbone's normalization file contains invalid numbers."), hint=tr(_HINT))
    return found


def _is_valid(rows: NDArray[Any]) -> bool:
    fits = rows.dtype == np.float32 and rows.ndim == 2 and rows.shape[0] == 4
    return fits and bool(np.isfinite(rows).all() and (rows[3] >= 0).all())


def stored_kernels(backbone: bytes) -> list[NDArray[np.float32]]:
    """The kernels [out, in, h, w] of all convolutions of an ONNX file, in its order.

    Raises:
        ModelError: kernels are computed inside the graph, or are not plain numbers.
    """
    network = graph.parse(backbone)
    store_as_float32(network)
    return [convolution.kernel for convolution in _convolutions(network.graph)]


def _convolutions(content: onnx.GraphProto) -> list[_Convolution]:
    """All convolutions in the graph's order, which is that of the Keras layers they came from.

    Raises:
        ModelError: kernels are computed inside the graph, or are not plain numbers.
    """
    try:
        arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in content.initializer}
        found = [_stored(node, arrays) for node in content.node if node.op_type == "Conv"]
    except (LookupError, ValueError, TypeError) as error:
        raise ModelError(tr("Couldn't read the backbone's kernels."), hint=tr(_HINT)) from error
    return found


def _stored(node: onnx.NodeProto, arrays: Mapping[str, NDArray[Any]]) -> _Convolution:
    kernel, *rest = (arrays[name].astype(np.float32) for name in node.input[1:])
    bias = rest[0] if rest else None
    if kernel.ndim != 4 or (bias is not None and bias.shape != kernel.shape[:1]):
        raise ValueError("shapes of kernel and bias do not match")
    if not all(np.isfinite(values).all() for values in (kernel, *rest)):
        raise ValueError("not finite")
    return _Convolution(kernel, bias)


def _in_layer_order(convolutions: Sequence[_Convolution], card: BackboneCard) -> list[_Convolution]:
    """The convolutions in the order of the layers in Keras.

    Raises:
        ModelError: the card's order is not one of these.
    """
    if not card.kernel_order:
        return list(convolutions)
    if sorted(card.kernel_order) != list(range(len(convolutions))):
        raise _other_network(len(convolutions))
    return [convolutions[place] for place in card.kernel_order]


def _layer_weights(
    model: keras.Model, convolutions: Sequence[_Convolution], given: Normalisation | None
) -> LayerWeights:
    """Weights by layer of `model`.

    Raises:
        ModelError: the convolutions, or the normalization, belong to another network.
    """
    following = kernels.normalisations(model)
    if kernels.count(model) != len(convolutions):
        raise _other_network(len(convolutions))
    if given is not None and given.keys() != {layer.name for layer in following.values()}:
        raise _normalisation_mismatch()
    remaining, weights = iter(convolutions), LayerWeights()
    for layer in kernels.layers_of(model):
        *before, last = islice(remaining, kernels.count_of(layer))
        after = following.get(layer.name)
        if after is not None:
            parameters = _identity(last, after.epsilon) if given is None else given[after.name]
            last = _unfold_batch_norm(last, parameters, after.epsilon, has_bias=layer.use_bias)
            weights[after.name] = tuple(parameters if after.scale else parameters[1:])
        arrays = [_in_keras_order(part.kernel) for part in (*before, last)]
        weights[layer.name] = (*arrays, *([_bias(last)] if layer.use_bias else []))
    return weights


def _bias(convolution: _Convolution) -> NDArray[np.float32]:
    return np.zeros(len(convolution.kernel), np.float32) if convolution.bias is None else convolution.bias


def _identity(convolution: _Convolution, epsilon: float) -> NDArray[np.float32]:
    """A normalization [4, channels] that only adds the convolution's bias."""
    bias = _bias(convolution)
    rows = np.ones_like(bias), bias, np.zeros_like(bias), np.full(len(bias), 1 - epsilon)
    return np.stack(rows).astype(np.float32)


def _unfold_batch_norm(
    convolution: _Convolution, normalisation: NDArray[np.float32], epsilon: float, *, has_bias: bool
) -> _Convolution:
    """The kernel [out, in, h, w] and, if it has one, the bias before `normalisation` was folded into them.

    Raises:
        ModelError: it was another normalization: the stored bias does not match.
    """
    if normalisation.shape[1] != len(convolution.kernel):
        raise _normalisation_mismatch()
    gamma, beta, mean, variance = normalisation.astype(np.float64)
    scale, folded = gamma / np.sqrt(variance + epsilon), _bias(convolution).astype(np.float64)
    rest = folded - (beta - mean * scale)
    if not has_bias and (np.abs(rest) > _ROUNDING * (np.abs(beta) + np.abs(mean * scale))).any():
        raise _normalisation_mismatch()
    kernel, bias = _divided(convolution.kernel, scale.reshape(-1, 1, 1, 1)), _divided(rest, scale)
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise _normalisation_mismatch()
    return _Convolution(kernel, bias)


def _divided(values: NDArray[Any], scale: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values divided by the scale of their channel; 0 where it is 0."""
    with np.errstate(over="ignore"):
        return np.divide(values, scale, out=np.zeros(values.shape), where=scale != 0).astype(np.float32)


def _in_keras_order(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """ONNX's [out, in, h, w] as Keras's [h, w, in, out]; a depthwise kernel, whose `in` is 1, as [h, w, out, 1]."""
    return kernel.transpose((2, 3, 0, 1) if kernel.shape[1] == 1 else (2, 3, 1, 0))


def _other_network(count: int) -> ModelError:
    what = tr("The backbone's file belongs to another network ({count} convolutions).", count=count)
    return ModelError(what, hint=tr(_HINT))


def _normalisation_mismatch() -> ModelError:
    return ModelError(tr("The backbone's normalization file belongs to another network."), hint=tr(_HINT))


def _verify(model: keras.Model, card: BackboneCard) -> None:
    """Check that the rebuilt network gives the golden features in the card.

    Raises:
        ModelError: its features differ.
    """
    found = np.asarray(model(golden.golden_inputs(card.preprocessing.size), training=False)[graph.FEATURES])
    agreement = golden.cosine(found, golden.decode_features(card.golden_features, card.feature_width))
    if agreement < MIN_COSINE:
        what = tr(
            "In Keras, the backbone computes other features than in its card (cosine {cosine:.4f}).", cosine=agreement
        )
        raise ModelError(what, hint=tr(_HINT))
