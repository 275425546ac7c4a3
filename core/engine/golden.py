"""Golden inputs: images drawn by formula, identical on every machine, and the agreement of their features.

A card stores the features its backbone gave for them when it was made. A provider works only if it reproduces them.
"""

from __future__ import annotations

import base64
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.card import GOLDEN_COUNT

_FLOAT16_AGREEMENT: Final = 0.99999
"""Lowest allowed cosine between features and their float16 rounding; engines need 0.9999."""


def golden_inputs(size: int) -> NDArray[np.uint8]:
    """Draw the golden inputs: uint8 RGB [GOLDEN_COUNT, size, size, 3], by integer arithmetic only."""
    y, x = np.mgrid[0:size, 0:size].astype(np.int64)
    return np.stack([_landscape(y, x, size), _target(y, x, size)]).astype(np.uint8)


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The lowest cosine similarity between matching rows of two arrays [n, d]; -1 if any value is not finite."""
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return -1.0
    wide_a, wide_b = _scaled(a), _scaled(b)
    norms = np.linalg.norm(wide_a, axis=1) * np.linalg.norm(wide_b, axis=1)
    return float(np.min(np.sum(wide_a * wide_b, axis=1) / np.maximum(norms, 1e-12)))


def _scaled(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scale rows to a maximum of 1, to avoid overflow."""
    largest = np.abs(rows).max(axis=1, keepdims=True).astype(np.float64)
    return np.asarray(rows / np.where(largest > 0, largest, 1), np.float64)


def encode_features(features: NDArray[np.float32]) -> str:
    """Encode features [n, d] as base64 of little-endian float16, or float32 if float16 is too imprecise."""
    with np.errstate(over="ignore", under="ignore"):
        float16 = features.astype("<f2")
    is_exact = cosine(float16.astype(np.float32), features) > _FLOAT16_AGREEMENT or not features.any()
    stored = float16 if is_exact else features.astype("<f4")
    return base64.b64encode(stored.tobytes()).decode("ascii")


def decode_features(text: str, width: int) -> NDArray[np.float32]:
    """Decode features [GOLDEN_COUNT, width] written by `encode_features`.

    Raises:
        ValueError: the text is not base64 of that many numbers.
    """
    data = base64.b64decode(text, validate=True)
    kind = "<f2" if len(data) == GOLDEN_COUNT * width * 2 else "<f4"
    return np.frombuffer(data, kind).reshape(GOLDEN_COUNT, width).astype(np.float32)


def _triangle(value: NDArray[np.int64], period: int) -> NDArray[np.int64]:
    """A triangle wave from 0 to 255."""
    phase = value % period
    return np.minimum(phase, period - phase) * 510 // period


def _landscape(y: NDArray[np.int64], x: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """A sky and a textured ground, separated by a tilted line."""
    ground = y * 3 + x > size * 2
    sky = np.stack([90 + 60 * y // size, 140 + 50 * y // size, 235 - 30 * x // size], axis=-1)
    texture = (_triangle(x * 3 + y, 23) + _triangle(y * 5 - x, 37) + _triangle(x * y, 101)) // 6
    earth = np.stack([70 + texture, 95 + texture // 2, 40 + texture // 3], axis=-1)
    return np.where(ground[..., None], earth, sky)


def _target(y: NDArray[np.int64], x: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Coloured rings around an off-centre point, on a chequered background."""
    squared = (y - size * 2 // 5) ** 2 + (x - size * 3 // 5) ** 2
    rings = np.stack(
        [_triangle(squared // size, 41), _triangle(squared // size, 67), _triangle(squared, 4001)], axis=-1
    )
    checks = ((y * 12 // size + x * 12 // size) % 2 * 120 + 60)[..., None] * np.array([1, 1, 1])
    return np.where((squared < (size * 9 // 25) ** 2)[..., None], rings, checks)
