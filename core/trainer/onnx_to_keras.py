"""A Keras network that is the twin of a backbone's ONNX file: the same numbers, ready to be trained further.

The file holds BatchNormalization folded into the convolution before it: of each output channel, kernel * scale and
beta - mean * scale, where scale = gamma / sqrt(variance + epsilon). What was folded in cannot be told from the file, so
it is kept beside it (`normalisation_bytes`); without it the twin's normalisations only add.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from core.base.errors import ModelError
from core.card import BackboneCard
from core.engine import golden, graph
from core.trainer.efficientnet_lite import efficientnet_lite0
from core.trainer.framework import keras
from core.trainer.weights import LayerWeights, set_weights
from core.trainer.xception import xception

MIN_COSINE: Final = 0.9999
"""Least agreement of the twin's golden features with the card's."""

ARCHITECTURES: Final[Mapping[str, Callable[[int], keras.Model]]] = {
    "Xception": xception,
    "EfficientNet-Lite0": efficientnet_lite0,
}
"""What a card calls the networks that can be built here, and what builds them for a size in pixels."""

Normalisation: TypeAlias = Mapping[str, NDArray[np.float32]]
"""By the layer's name: gamma, beta, mean and variance as the rows of [4, channels]."""

_MAX_BYTES: Final = 16 * 1024 * 1024
_ROUNDING: Final = 1e-5
"""Two ways to compute a folded bias differ by 1e-6 of its terms at most; another network's differs by all of them."""
_HINT: Final = "Install the model again, or train another one."


@dataclass(frozen=True, slots=True, eq=False)
class _Convolution:
    """What the ONNX file stores of a convolution: kernel [out, in, h, w] and, where it has one, bias [out]."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32] | None


def rebuild_keras(backbone: bytes, card: BackboneCard, normalisation: bytes | None) -> keras.Model:
    """Build the Keras network of a backbone, and prove that it is the same one.

    Keras's dtype policy must be float32.

    Args:
        backbone: its ONNX file, as `core.trainer.export` writes it.
        card: its card.
        normalisation: what `normalisation_bytes` wrote where the file was made. With it, each BatchNormalization is as
            it was trained, and kernels are freed of it; a channel whose gamma is 0 gets a kernel of zeros. Without
            (None), gamma is 1, mean 0, variance 1 - epsilon, and beta the folded bias: the same function.

    Returns:
        As `xception` and `efficientnet_lite0` do: a model from pixels [n, size, size, 3] of 0..255 to a dict of
        `features` and `feature_map`.

    Raises:
        ModelError: the architecture cannot be built here; a file is unsafe or damaged; they are not of one network; or
            the twin's features of the golden inputs are not those in the card.
    """
    build = ARCHITECTURES.get(card.architecture)
    if build is None:
        raise ModelError(
            f"Fovea cannot train the network {card.architecture!r}.", hint=f"It can train {', '.join(ARCHITECTURES)}."
        )
    graph.check_backbone(backbone, card)
    convolutions = _convolutions(graph.parse(backbone).graph)
    given = None if normalisation is None else _read_normalisation(normalisation)
    model = build(card.preprocessing.size)
    set_weights(model, _layer_weights(model, convolutions, given))
    _verify(model, card)
    return model


def normalisation_bytes(model: keras.Model) -> bytes:
    """The parameters of every BatchNormalization, for `rebuild_keras`; the same parameters give the same bytes.

    Returns:
        An .npz file: by the layer's name, gamma, beta, mean and variance as the rows of float32 [4, channels].
    """
    buffer = io.BytesIO()
    layers = (layer for layer in model.layers if _is_normalisation(layer))
    np.savez(buffer, allow_pickle=False, **{layer.name: np.stack(layer.get_weights()) for layer in layers})
    return buffer.getvalue()


def _read_normalisation(data: bytes) -> Normalisation:
    """Read what `normalisation_bytes` wrote.

    Raises:
        ModelError: the bytes are not such a file.
    """
    try:
        found = _arrays(data)
    except Exception as error:  # the boundary: zip, deflate and numpy raise a dozen unrelated kinds
        raise ModelError("The file with the backbone's normalisation is damaged.", hint=_HINT) from error
    if not all(_is_sound(rows) for rows in found.values()):
        raise ModelError("The file with the backbone's normalisation holds other numbers than it should.", hint=_HINT)
    return found


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """Arrays of an .npz file, never unpickled and never unpacked to more than `_MAX_BYTES`."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > _MAX_BYTES:
        raise ValueError(f"it unpacks to {unpacked:,} bytes, which no network's needs")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {name: np.asarray(arrays[name]) for name in arrays.files}


def _is_sound(rows: NDArray[Any]) -> bool:
    fits = rows.dtype == np.float32 and rows.ndim == 2 and rows.shape[0] == 4
    return fits and bool(np.isfinite(rows).all() and (rows[3] >= 0).all())


def _convolutions(content: onnx.GraphProto) -> list[_Convolution]:
    """What all convolutions store, in the graph's order, which is that of the Keras layers they came from.

    Raises:
        ModelError: kernels are computed inside the graph, or are not plain numbers.
    """
    try:
        arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in content.initializer}
        for node in content.node:
            if node.op_type == "Cast" and node.input[0] in arrays:
                arrays[node.output[0]] = arrays[node.input[0]]
        found = [_stored(node, arrays) for node in content.node if node.op_type == "Conv"]
    except (LookupError, ValueError, TypeError) as error:
        raise ModelError("The backbone's kernels cannot be read as plain numbers.", hint=_HINT) from error
    return found


def _stored(node: onnx.NodeProto, arrays: Mapping[str, NDArray[Any]]) -> _Convolution:
    kernel, *rest = (arrays[name].astype(np.float32) for name in node.input[1:])
    bias = rest[0] if rest else None
    if kernel.ndim != 4 or (bias is not None and bias.shape != kernel.shape[:1]):
        raise ValueError("kernel and bias do not fit together")
    if not all(np.isfinite(values).all() for values in (kernel, *rest)):
        raise ValueError("not finite")
    return _Convolution(kernel, bias)


def _layer_weights(
    model: keras.Model, convolutions: Sequence[_Convolution], given: Normalisation | None
) -> LayerWeights:
    """Weights by layer of `model`; each of its convolutions is followed by its normalisation.

    Raises:
        ModelError: the convolutions, or the normalisation, are another network's.
    """
    layers = [layer for layer in model.layers if layer.weights and not _is_normalisation(layer)]
    if sum(len(layer.weights) for layer in layers) != len(convolutions):
        raise ModelError(f"The backbone's file holds {len(convolutions)} convolutions, not its network's.", hint=_HINT)
    if given is not None and given.keys() != {f"{layer.name}_bn" for layer in layers}:
        raise _normalisation_mismatch()
    waiting, weights = iter(convolutions), LayerWeights()
    for layer in layers:
        *before, last = islice(waiting, len(layer.weights))  # a separable convolution is two
        name = f"{layer.name}_bn"
        epsilon = model.get_layer(name).epsilon
        normalisation = _identity(last, epsilon) if given is None else given[name]
        kernels = [*(part.kernel for part in before), _unfold_batch_norm(last, normalisation, epsilon)]
        weights[layer.name] = tuple(_in_keras_order(kernel) for kernel in kernels)
        weights[name] = tuple(normalisation)
    return weights


def _identity(convolution: _Convolution, epsilon: float) -> NDArray[np.float32]:
    """A normalisation [4, channels] that only adds the convolution's bias."""
    channels = len(convolution.kernel)
    bias = np.zeros(channels) if convolution.bias is None else convolution.bias
    rows = np.ones(channels), bias, np.zeros(channels), np.full(channels, 1 - epsilon)
    return np.stack(rows).astype(np.float32)


def _unfold_batch_norm(
    convolution: _Convolution, normalisation: NDArray[np.float32], epsilon: float
) -> NDArray[np.float32]:
    """The kernel [out, in, h, w] before `normalisation` was folded into it.

    Raises:
        ModelError: it was another normalisation: the bias it leaves is not the one stored.
    """
    if normalisation.shape[1] != len(convolution.kernel):
        raise _normalisation_mismatch()
    gamma, beta, mean, variance = normalisation.astype(np.float64)
    scale = gamma / np.sqrt(variance + epsilon)
    bias = 0 if convolution.bias is None else convolution.bias
    if (np.abs(beta - mean * scale - bias) > _ROUNDING * (np.abs(beta) + np.abs(mean * scale))).any():
        raise _normalisation_mismatch()
    with np.errstate(over="ignore"):
        shape = convolution.kernel.shape
        divisor = scale.reshape(-1, 1, 1, 1)
        kernel = np.divide(convolution.kernel, divisor, out=np.zeros(shape), where=divisor != 0).astype(np.float32)
    if not np.isfinite(kernel).all():
        raise _normalisation_mismatch()
    return kernel


def _in_keras_order(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """ONNX's [out, in, h, w] as Keras's [h, w, in, out]; a depthwise kernel, whose `in` is 1, as [h, w, out, 1]."""
    return kernel.transpose((2, 3, 0, 1) if kernel.shape[1] == 1 else (2, 3, 1, 0))


def _is_normalisation(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)


def _normalisation_mismatch() -> ModelError:
    return ModelError("The normalisation kept beside the backbone is that of another network.", hint=_HINT)


def _verify(model: keras.Model, card: BackboneCard) -> None:
    """Refuse a twin that does not answer as the backbone did where its card was written.

    Raises:
        ModelError: its features of the golden inputs are not the card's.
    """
    found = np.asarray(model(golden.golden_inputs(card.preprocessing.size), training=False)[graph.FEATURES])
    agreement = golden.cosine(found, golden.decode_features(card.golden_features, card.feature_width))
    if agreement < MIN_COSINE:
        raise ModelError(
            f"Keras does not give the features the backbone's card promises (cosine {agreement:.4f}).", hint=_HINT
        )
