"""Levels of a hierarchy of classes: probabilities are summed upward."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.card_rules import Hierarchy
from core.prediction import Level


def sure_levels(hierarchy: Hierarchy, probabilities: NDArray[np.float32]) -> list[tuple[Level, ...]]:
    """The levels of each image whose probability reaches the minimum of the hierarchy, the broadest first.

    As the minimum is above one half, each level contains the next one.

    Args:
        hierarchy: of the classes.
        probabilities: [n, classes].
    """
    levels, classes, starts = _levels(hierarchy)
    sums = np.minimum(np.add.reduceat(probabilities.astype(np.float64)[:, classes], starts, axis=1), 1)
    return [
        tuple(Level(levels[at], float(row[at])) for at in np.flatnonzero(row >= hierarchy.minimum).tolist())
        for row in sums
    ]


@lru_cache(maxsize=8)
def _levels(hierarchy: Hierarchy) -> tuple[tuple[tuple[str, ...], ...], NDArray[np.int64], NDArray[np.int64]]:
    """All levels, broader ones first; the classes of one after the other, and where those of each level start."""
    members: dict[tuple[str, ...], list[int]] = {}
    for number, path in enumerate(hierarchy.paths):
        for depth in range(1, len(path) + 1):
            members.setdefault(path[:depth], []).append(number)
    levels = tuple(sorted(members, key=len))
    counts = np.array([len(members[level]) for level in levels])
    return levels, np.concatenate([members[level] for level in levels]), np.cumsum(counts) - counts
