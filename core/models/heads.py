"""Heads: the small part from features to logits, stored as arrays in an .npz file."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.arrays import read_arrays
from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.card import ModelCard
from core.prediction import Score

_MAX_LAYERS: Final = 8
_MAX_BYTES: Final = 256 * 1024 * 1024
"""Maximum uncompressed size of a head's file."""
_MAX_DENSE_BYTES: Final = _MAX_BYTES // 2
"""Maximum size of a dense head: Xception's features through 256 to `core.card.MAX_CLASSES` classes need 105 MB."""
_SUFFIXES: Final = (np.dtype("<f2"), np.dtype("<f4"))
_POINTS: Final = "points"
_HINT: Final = mark("Install the model again, or use another one.")


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """One linear layer: logits = features @ weights + bias.

    Attributes:
        weights: float32 [d, classes].
        bias: float32 [classes].
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __post_init__(self) -> None:
        fit = self.weights.ndim == 2 and self.bias.shape == (self.weights.shape[1],)
        if not fit or self.weights.size == 0:
            what = tr(
                "The shapes of the head's arrays do not match: {weights} and {bias}.",
                weights=self.weights.shape,
                bias=self.bias.shape,
            )
            raise ModelError(what, hint=tr(_HINT))
        if not (np.isfinite(self.weights).all() and np.isfinite(self.bias).all()):
            raise ModelError(tr("The head has values that are not numbers."), hint=tr(_HINT))

    @property
    def feature_width(self) -> int:
        """The number of features."""
        return int(self.weights.shape[0])

    @property
    def class_count(self) -> int:
        """The number of classes."""
        return int(self.weights.shape[1])

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits float32 [n, classes] of features float32 [n, d]."""
        return features @ self.weights + self.bias


@dataclass(frozen=True, slots=True, eq=False)
class DenseHead:
    """Several linear layers with ReLU between them; the last gives the logits.

    Attributes:
        layers: 2 to 8 layers with matching sizes.
    """

    layers: tuple[LinearHead, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.layers) <= _MAX_LAYERS:
            what = tr(
                "The head has {count:,} layers; 2 to {limit} are allowed.", count=len(self.layers), limit=_MAX_LAYERS
            )
            raise ModelError(what, hint=tr(_HINT))
        for before, after in pairwise(self.layers):
            if before.class_count != after.feature_width:
                what = tr(
                    "The head's layers do not match: one has {outputs:,} outputs, the next {inputs:,} inputs.",
                    outputs=before.class_count,
                    inputs=after.feature_width,
                )
                raise ModelError(what, hint=tr(_HINT))
        held = sum(layer.weights.nbytes + layer.bias.nbytes for layer in self.layers)
        if held > _MAX_DENSE_BYTES:
            what = tr("The head has {count:,} bytes; up to {limit:,} are allowed.", count=held, limit=_MAX_DENSE_BYTES)
            raise ModelError(what, hint=tr(_HINT))

    @property
    def feature_width(self) -> int:
        """The number of features."""
        return self.layers[0].feature_width

    @property
    def class_count(self) -> int:
        """The number of classes."""
        return self.layers[-1].class_count

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits float32 [n, classes] of features float32 [n, d]."""
        for layer in self.layers[:-1]:
            features = np.maximum(layer.logits(features), 0)
        return self.layers[-1].logits(features)


@dataclass(frozen=True, slots=True, eq=False)
class PrototypeHead:
    """One learned point per class: logits = -sum((features * scale + shift - point) ** 2).

    Attributes:
        points: float32 [d, classes].
        scale: float32 [d].
        shift: float32 [d].
    """

    points: NDArray[np.float32]
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]

    def __post_init__(self) -> None:
        arrays = self.points, self.scale, self.shift
        fit = self.points.ndim == 2 and self.scale.shape == self.shift.shape == self.points.shape[:1]
        if not fit or self.points.size == 0:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise ModelError(
                tr("The shapes of the head's points do not match: {shapes}.", shapes=shapes), hint=tr(_HINT)
            )
        if not all(np.isfinite(array).all() for array in arrays):
            raise ModelError(tr("The head has values that are not numbers."), hint=tr(_HINT))

    @property
    def feature_width(self) -> int:
        """The number of features."""
        return int(self.points.shape[0])

    @property
    def class_count(self) -> int:
        """The number of classes."""
        return int(self.points.shape[1])

    @property
    def offsets(self) -> NDArray[np.float32]:
        """Minus the squared length of each point, float32 [classes]."""
        return np.asarray(-np.square(self.points.astype(np.float64)).sum(axis=0), np.float32)

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits float32 [n, classes] of features float32 [n, d], by (a - b) ** 2 = a ** 2 + b ** 2 - 2 a b."""
        scaled = features * self.scale + self.shift
        lengths = np.square(scaled).sum(axis=1, keepdims=True)
        return np.asarray(2 * (scaled @ self.points) + self.offsets - lengths, np.float32)

    def as_linear(self) -> LinearHead:
        """The linear head of the same probabilities: all logits lack the same summand, the features' squared length."""
        points = self.points.astype(np.float64)
        bias = 2 * (self.shift @ points) + self.offsets
        return LinearHead((2 * self.scale[:, None] * points).astype(np.float32), bias.astype(np.float32))


Head: TypeAlias = LinearHead | DenseHead | PrototypeHead


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Probabilities float32 [n, classes] that sum to 1; a temperature above 1 makes them less confident."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def sigmoid(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Probabilities float32 [n, classes], each by itself; a temperature above 1 makes them less confident."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits / temperature, -80, 80))), dtype=np.float32)


def class_probabilities(card: ModelCard, logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities float32 [n, classes] by a model's logits; those of a multi-label model do not sum to 1."""
    return (sigmoid if card.is_multi_label else softmax)(logits, card.temperature)


def top_scores(
    probabilities: NDArray[np.float32], classes: Sequence[str], count: int, thresholds: Sequence[float] = ()
) -> tuple[Score, ...]:
    """The `count` most likely classes of probabilities [classes], best first; ties keep the classes' order."""
    order = np.argsort(-probabilities, kind="stable")[:count].tolist()
    return tuple(Score(classes[at], float(probabilities[at]), thresholds[at] if thresholds else None) for at in order)


def named_layers(head: Head) -> list[tuple[str, LinearHead]]:
    """The layers with the suffixes of their arrays' names: "" if linear, otherwise _0, _1 and so on.

    For a prototype head, the linear head of the same probabilities.
    """
    if not isinstance(head, DenseHead):
        return [("", head.as_linear() if isinstance(head, PrototypeHead) else head)]
    return [(f"_{number}", layer) for number, layer in enumerate(head.layers)]


def head_arrays(head: Head) -> dict[str, NDArray[np.float32]]:
    """The arrays by name.

    `weights` and `bias` if linear; `points`, `scale` and `shift` of a prototype head; otherwise `weights_0`, `bias_0`,
    `weights_1` and so on.
    """
    if isinstance(head, PrototypeHead):
        return {"points": head.points, "scale": head.scale, "shift": head.shift}
    arrays = {}
    for suffix, layer in named_layers(head):
        arrays[f"weights{suffix}"], arrays[f"bias{suffix}"] = layer.weights, layer.bias
    return arrays


def assemble(names: Collection[str], read: Callable[[str], NDArray[np.float32]]) -> Head:
    """Make a head from arrays with the names of `head_arrays`; other names are ignored.

    Args:
        names: the names, which give the kind of head.
        read: returns the array of a name; must raise for missing names.

    Raises:
        ModelError: the arrays do not match, are too large, or have values that are not numbers.
    """
    if _POINTS in names:
        return PrototypeHead(read(_POINTS), read("scale"), read("shift"))
    suffixes = _suffixes(names)
    layers = tuple(LinearHead(read(f"weights{suffix}"), read(f"bias{suffix}")) for suffix in suffixes)
    return layers[0] if suffixes == ("",) else DenseHead(layers)


def head_bytes(head: Head, *, exact: bool = False) -> bytes:
    """The head as an .npz file, with weights or points as float16, or float32 if `exact`."""
    stored = np.float32 if exact else np.float16
    arrays = {
        name: array.astype(stored if is_kernel(name) else np.float32) for name, array in head_arrays(head).items()
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def is_kernel(name: str) -> bool:
    """Whether an array of this name is stored as float16: weights and points, but no bias, scale or shift."""
    return name.startswith(("weights", _POINTS))


def read_head(data: bytes) -> Head:
    """Read a head written by `head_bytes`.

    Raises:
        ModelError: the file is invalid, too large when uncompressed, or would need pickle.
    """
    damaged = ModelError(tr("The head's file is damaged or is not a head."), hint=tr(_HINT))
    try:
        arrays = read_arrays(data, _MAX_BYTES)
    except Exception as error:  # the boundary: zip, deflate and numpy raise a dozen unrelated kinds
        raise damaged from error
    layers = {f"{kind}{suffix}" for suffix in _suffixes(arrays) for kind in ("weights", "bias")}
    if arrays.keys() not in (layers, {_POINTS, "scale", "shift"}):
        raise damaged
    for name, array in arrays.items():
        if array.dtype not in _SUFFIXES:
            what = tr("The head stores {name} with the unsupported type {type}.", name=name, type=array.dtype)
            raise ModelError(what, hint=tr(_HINT))
    return assemble(arrays, lambda name: arrays[name].astype(np.float32))


def _suffixes(names: Collection[str]) -> tuple[str, ...]:
    """The suffixes of `named_layers` according to the names, at most as many as a dense head may have."""
    count = sum(f"weights_{number}" in names for number in range(_MAX_LAYERS))
    return tuple(f"_{number}" for number in range(count)) or ("",)
