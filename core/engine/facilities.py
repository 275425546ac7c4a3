"""Choosing photos that represent many others: facility location, which is submodular, by lazy greedy search.

A photo is useful if it is near to many uncertain photos that no labelled photo is near to (Wei, Iyer and Bilmes,
"Submodularity in data subset selection and active learning", ICML 2015; lazy evaluation: Minoux, 1978). An outlier is
near to nothing, so it comes late.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from core.base.progress import CancelToken

_BLOCK = 256


def most_useful(
    cosines: NDArray[np.float32], known: NDArray[np.float32], weights: NDArray[np.float32], *, token: CancelToken
) -> list[int]:
    """All photos, each the one that brings the others nearest to itself or one before, in sum over their weights.

    Args:
        cosines: between the photos, [n, n].
        known: of each photo to the nearest labelled one, [n]; -1 where there is none.
        weights: how much each photo matters, 0 or more, [n].
        token: checked continuously.

    Raises:
        Cancelled: the token was cancelled.
    """
    nearest = known.copy()
    waiting = [(-gain, at, 0) for at, gain in enumerate(_gains(cosines, nearest, weights))]
    heapq.heapify(waiting)
    chosen: list[int] = []
    while waiting:
        token.check()
        _, at, when = heapq.heappop(waiting)
        if when < len(chosen):  # gains only fall, so one that stays the largest needs no other to be computed again
            gain = float(np.maximum(cosines[at] - nearest, 0) @ weights)
            heapq.heappush(waiting, (-gain, at, len(chosen)))
        else:
            chosen.append(at)
            nearest = np.maximum(nearest, cosines[at])
    return chosen


def _gains(cosines: NDArray[np.float32], nearest: NDArray[np.float32], weights: NDArray[np.float32]) -> list[float]:
    blocks = (cosines[start : start + _BLOCK] for start in range(0, len(cosines), _BLOCK))
    return [float(gain) for block in blocks for gain in np.maximum(block - nearest, 0) @ weights]
