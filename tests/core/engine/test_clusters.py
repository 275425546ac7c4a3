"""Groups of photos that look alike."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.base.errors import Cancelled
from core.base.progress import CancelToken
from core.engine.clusters import group_alike


def groups(numbers: NDArray[np.int64]) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(numbers == number).tolist()) for number in set(numbers.tolist())}


def merge_step_by_step(features: NDArray[np.float32], min_cosine: float) -> set[frozenset[int]]:
    """Average linkage as it is defined: merge the two nearest groups until none are near enough."""
    directions = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = directions @ directions.T
    found = [[row] for row in range(len(features))]
    while len(found) > 1:
        pairs = [(a, b) for a in range(len(found)) for b in range(a)]
        means = [cosines[np.ix_(found[a], found[b])].mean() for a, b in pairs]
        if max(means) < min_cosine:
            break
        a, b = pairs[int(np.argmax(means))]
        found[b] += found.pop(a)
    return set(map(frozenset, found))


@pytest.mark.parametrize("min_cosine", [-0.2, 0.0, 0.1, 0.3, 0.6, 1.1])
@pytest.mark.parametrize("seed", range(4))
def test_groups_are_those_of_average_linkage(seed: int, min_cosine: float) -> None:
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(5, 16))
    features = (centres[draw.integers(0, 5, 40)] + draw.normal(0, 0.9, (40, 16))).astype(np.float32)
    found = group_alike(features, min_cosine, token=CancelToken())
    assert groups(found) == merge_step_by_step(features, min_cosine)


def test_equal_photos_are_one_group_and_few_are_none() -> None:
    same = np.ones((6, 4), np.float32)
    assert len(groups(group_alike(same, 0.9, token=CancelToken()))) == 1
    for count in (0, 1):
        assert len(group_alike(same[:count], 0.9, token=CancelToken())) == count


def test_grouping_can_be_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        group_alike(np.ones((3, 4), np.float32), 0.5, token=token)
