"""The features of a model's training images: how near an image is to them, and which are the nearest.

An image far from all training images is probably of none of the classes (Sun, Ming, Zhu and Li, "Out-of-distribution
detection with deep nearest neighbors", ICML 2022). Distance is the cosine of features from which the mean of the
training images was subtracted; in 8 bits a feature vector takes as many bytes as it has numbers, and the cosine changes
by less than 0.001.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.base.arrays import read_arrays
from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.datasets.stratification import strata

FILE: Final = "feature-bank.npz"
"""Next to the card, which has its hash."""
MAX_IMAGES: Final = 2000
"""The most images that are kept; of more, as many of each class as possible."""
_MAX_BYTES: Final = 256 * 1024 * 1024
_LEVELS: Final = 127
_HINT: Final = mark("Install the model again, or use another one.")
_TYPES: Final = {"centre": np.float32, "codes": np.int8, "labels": np.int32}
_HASHES: Final = "sha256"


@dataclass(frozen=True, eq=False)
class FeatureBank:
    """Directions of the features of training images.

    Attributes:
        centre: the mean of the features, float32 [d].
        codes: the centred features of each image in 8 bits, each with a scale of its own, int8 [n, d].
        labels: their classes, int32 [n]; if an image may have several, 1 for each that it has, else 0 [n, classes].
        hashes: SHA-256 of the images in hexadecimal; empty in models from elsewhere.
    """

    centre: NDArray[np.float32]
    codes: NDArray[np.int8]
    labels: NDArray[np.int32]
    hashes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.codes)
        fits = self.codes.ndim == 2 and self.centre.shape == self.codes.shape[1:]
        fits &= self.labels.ndim in (1, 2) and len(self.labels) == count
        if not fits or not count or len(self.hashes) not in (0, count) or not np.isfinite(self.centre).all():
            raise ModelError(tr("The model's training features are damaged."), hint=tr(_HINT))

    @classmethod
    def of(cls, features: NDArray[np.float32], labels: NDArray[np.int64], hashes: Sequence[str]) -> FeatureBank:
        """The bank of training images, or of `MAX_IMAGES` of them.

        Args:
            features: [n, d].
            labels: their classes [n], or [n, classes].
            hashes: SHA-256 of each.
        """
        centre = features.mean(axis=0, dtype=np.float64).astype(np.float32)
        rows = representatives(labels if labels.ndim == 1 else _rarest(labels), MAX_IMAGES)
        centred = features[rows] - centre
        largest = np.maximum(np.abs(centred).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        codes = np.rint(centred / largest * _LEVELS).astype(np.int8)
        return cls(centre, codes, labels[rows].astype(np.int32), tuple(hashes[row] for row in rows.tolist()))

    def classes_of(self, at: int) -> list[int]:
        """The classes of an image."""
        found = self.labels[at]
        return [int(found)] if found.ndim == 0 else np.flatnonzero(found).tolist()

    @property
    def scales(self) -> NDArray[np.float32]:
        """What the codes of each image are multiplied by to have length 1, float32 [n]; 0 if they are all 0."""
        squares = np.sum(self.codes.astype(np.int64) ** 2, axis=1)
        return np.where(squares > 0, 1 / np.sqrt(np.maximum(squares, 1)), 0).astype(np.float32)

    @cached_property
    def _directions(self) -> NDArray[np.float32]:
        return self.codes * self.scales[:, None]

    def cosines(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosine, -1 to 1, of features [m, d] to those of each image: float32 [m, n]."""
        centred = features - self.centre
        lengths = np.linalg.norm(centred, axis=1, keepdims=True)
        return np.asarray(centred @ self._directions.T / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)


def nearest(cosines: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The columns of the largest cosines of each row [m, n], the largest first: int64 [m, min(count, n)]."""
    count = min(count, cosines.shape[1])
    some = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(cosines, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)


def representatives(labels: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """At most `limit` images, ascending: as many of each class [n] as possible, drawn at random but always the same."""
    if len(labels) <= limit:
        return np.arange(len(labels))
    drawn = np.random.default_rng(0).permutation(len(labels))
    rank = np.empty(len(labels), np.int64)  # of an image within its class, in the order drawn
    for label in np.unique(labels):
        own = drawn[labels[drawn] == label]
        rank[own] = np.arange(len(own))
    return np.sort(drawn[np.argsort(rank[drawn], kind="stable")[:limit]])


def _rarest(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number [n] for the rarest class of each image [n, classes]."""
    return np.array(strata([frozenset(np.flatnonzero(row).tolist()) for row in labels]), np.int64)


def bank_bytes(bank: FeatureBank) -> bytes:
    """Encode a bank as an .npz file."""
    buffer = io.BytesIO()
    hashes = np.array([list(bytes.fromhex(one)) for one in bank.hashes], np.uint8).reshape(-1, 32)
    arrays = {name: getattr(bank, name) for name in _TYPES} | {_HASHES: hashes}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_bank(data: bytes) -> FeatureBank:
    """Read a bank written by `bank_bytes`.

    Raises:
        ModelError: the file is damaged, or too large when uncompressed.
    """
    try:
        arrays = read_arrays(data, _MAX_BYTES)
        hashes = tuple(bytes(one).hex() for one in arrays[_HASHES].astype(np.uint8, casting="no"))
        stored = {name: arrays[name].astype(kind, casting="no") for name, kind in _TYPES.items()}
        return FeatureBank(**stored, hashes=hashes)
    except Exception as error:  # the boundary: zip, deflate and NumPy raise a dozen unrelated kinds
        raise ModelError(tr("The model's training features are damaged."), hint=tr(_HINT)) from error
