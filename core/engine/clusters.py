"""Groups of photos that look alike, by their features: agglomerative clustering with average linkage (UPGMA).

The nearest-neighbour chain finds the merges in O(n^2) (Murtagh, "A survey of recent advances in hierarchical clustering
algorithms", The Computer Journal, 1983). Two groups are merged while the mean cosine of their photos reaches a
threshold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken
from core.engine.near_duplicates import normalize

_MERGED = -np.inf


def group_alike(features: NDArray[np.float32], min_cosine: float, *, token: CancelToken) -> NDArray[np.int64]:
    """Group photos that look alike.

    Args:
        features: of the photos, centred, [n, d]; the memory needed is 4 n^2 bytes.
        min_cosine: the least mean cosine between the photos of two groups that are merged.
        token: checked continuously.

    Returns:
        A number for each photo [n], the same within a group.

    Raises:
        Cancelled: the token was cancelled.
    """
    directions = normalize(features)
    cosines = np.asarray(directions @ directions.T, np.float32)
    np.fill_diagonal(cosines, _MERGED)
    groups = np.arange(len(features))
    for kept, merged in _merges(cosines, min_cosine, token):
        groups[groups == merged] = kept
    return groups


def _merges(cosines: NDArray[np.float32], min_cosine: float, token: CancelToken) -> list[tuple[int, int]]:
    """The merges (kept, merged) with at least this mean cosine, in an order in which they can be applied.

    Args:
        cosines: between the photos, symmetric [n, n]; overwritten.
        min_cosine: as for `group_alike`.
        token: checked continuously.
    """
    sizes = np.ones(len(cosines))
    merges: list[tuple[int, int]] = []
    left = list(range(len(cosines)))[::-1]
    chain: list[int] = []
    is_open = np.ones(len(cosines), np.bool_)
    while left or chain:
        token.check()
        if not chain:
            chain += [one for one in (left.pop(),) if is_open[one]]
            continue
        tip = chain[-1]
        near = _nearest(cosines[tip], chain[-2] if len(chain) > 1 else None)
        if cosines[tip, near] < min_cosine:  # no later merge brings it closer: means never exceed the largest cosine
            is_open[chain.pop()] = False
            cosines[tip] = cosines[:, tip] = _MERGED
        elif len(chain) > 1 and near == chain[-2]:
            del chain[-2:]
            _merge(cosines, sizes, near, tip)
            is_open[tip] = False
            merges.append((near, tip))
            left.append(near)
        else:
            chain.append(near)
    return merges


def _nearest(cosines: NDArray[np.float32], before: int | None) -> int:
    """The nearest group; of several, the one before in the chain, so that the chain ends."""
    near = int(cosines.argmax())
    return before if before is not None and cosines[before] >= cosines[near] else near


def _merge(cosines: NDArray[np.float32], sizes: NDArray[np.float64], kept: int, merged: int) -> None:
    """Replace the cosines of a group by those of both, and remove the other."""
    weight = sizes[kept] / (sizes[kept] + sizes[merged])
    mean = np.asarray(weight * cosines[kept] + (1 - weight) * cosines[merged], np.float32)
    sizes[kept] += sizes[merged]
    mean[kept] = _MERGED
    cosines[kept] = cosines[:, kept] = mean
    cosines[merged] = cosines[:, merged] = _MERGED
