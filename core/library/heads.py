"""Heads: the small part from features to logits, kept as arrays in an .npz file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.prediction import Score

_MAX_BYTES: Final = 256 * 1024 * 1024
_STORED_AS: Final = (np.dtype("<f2"), np.dtype("<f4"))
_HINT: Final = "Install the model again, or use another one."


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
        if self.weights.ndim != 2 or self.bias.shape != (self.weights.shape[1],):
            raise ModelError(
                f"The head's arrays do not fit together: {self.weights.shape} and {self.bias.shape}.", hint=_HINT
            )
        if not (np.isfinite(self.weights).all() and np.isfinite(self.bias).all()):
            raise ModelError("The head holds values that are not numbers.", hint=_HINT)

    @property
    def feature_width(self) -> int:
        """How many features the head reads."""
        return int(self.weights.shape[0])

    @property
    def class_count(self) -> int:
        """How many classes it tells apart."""
        return int(self.weights.shape[1])

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits float32 [n, classes] of features float32 [n, d]."""
        return features @ self.weights + self.bias


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Probabilities float32 [n, classes] that sum to 1; a temperature above 1 makes them less sure."""
    scaled = logits / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def top_scores(probabilities: NDArray[np.float32], classes: Sequence[str], count: int) -> tuple[Score, ...]:
    """The `count` most likely classes of probabilities [classes], best first; ties keep the classes' order."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return tuple(Score(classes[index], float(probabilities[index])) for index in order)


def head_bytes(head: LinearHead) -> bytes:
    """The head as the bytes of an .npz file, weights stored as float16."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, weights=head.weights.astype(np.float16), bias=head.bias.astype(np.float32))
    return buffer.getvalue()


def read_head(data: bytes) -> LinearHead:
    """Read the head that `head_bytes` wrote.

    Raises:
        ModelError: the bytes are not such a file, unpack to too much, or would need pickle to read.
    """
    try:
        weights, bias = _arrays(data)
    except Exception as error:  # the boundary: zip, deflate and numpy raise a dozen unrelated kinds
        raise ModelError("The head's file is damaged or is not a head.", hint=_HINT) from error
    if weights.dtype not in _STORED_AS or bias.dtype not in _STORED_AS:
        raise ModelError(f"The head stores {weights.dtype} and {bias.dtype}, not plain numbers.", hint=_HINT)
    return LinearHead(weights.astype(np.float32), bias.astype(np.float32))


def _arrays(data: bytes) -> tuple[NDArray[Any], NDArray[Any]]:
    """Weights and bias as they are stored, never unpickled and never unpacked to more than `_MAX_BYTES`."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > _MAX_BYTES:
        raise ValueError(f"it unpacks to {unpacked:,} bytes, which no head needs")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return np.asarray(arrays["weights"]), np.asarray(arrays["bias"])
