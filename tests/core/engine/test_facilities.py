"""Photos that represent many others."""

from __future__ import annotations

import numpy as np
import pytest

from core.base.errors import Cancelled
from core.base.progress import CancelToken
from core.engine.facilities import most_useful
from core.engine.near_duplicates import normalize


@pytest.mark.parametrize("seed", range(5))
def test_the_order_is_that_of_greedy_search(seed: int) -> None:
    draw = np.random.default_rng(seed)
    directions = normalize(draw.normal(size=(30, 6)).astype(np.float32))
    cosines, weights = directions @ directions.T, draw.random(30).astype(np.float32)
    known = draw.uniform(-1, 0.5, 30).astype(np.float32)
    expected: list[int] = []
    nearest = known.copy()
    for _ in range(30):
        gains = np.maximum(cosines - nearest, 0) @ weights
        gains[expected] = -1
        expected.append(int(gains.argmax()))
        nearest = np.maximum(nearest, cosines[expected[-1]])
        if gains.max() < 1e-6:  # the rest is equal
            break
    found = most_useful(cosines, known, weights, token=CancelToken())
    assert found[: len(expected) - 1] == expected[:-1]
    assert sorted(found) == list(range(30))


def test_copies_and_outliers_come_late() -> None:
    east, north, odd = [1.0, 0.1, 0.0], [0.0, 1.0, 0.1], [0.0, 0.0, -1.0]
    directions = normalize(np.array([east, east, east, north, north, odd], np.float32))
    order = most_useful(
        directions @ directions.T, np.full(6, -0.2, np.float32), np.ones(6, np.float32), token=CancelToken()
    )
    assert order[0] in (0, 1, 2)
    assert order[1] in (3, 4)
    assert order[2] == 5
    near = np.array([1, 1, 1, -0.2, -0.2, -0.2], np.float32)
    assert most_useful(directions @ directions.T, near, np.ones(6, np.float32), token=CancelToken())[0] in (3, 4)


def test_choosing_can_be_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        most_useful(np.eye(2, dtype=np.float32), np.zeros(2, np.float32), np.ones(2, np.float32), token=token)
