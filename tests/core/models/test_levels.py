"""Probabilities summed upward in a hierarchy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.card_rules import Hierarchy
from core.models.levels import sure_levels

HIERARCHY = Hierarchy(
    (("animal", "bird", "owl"), ("animal", "bird", "hawk"), ("animal", "cat"), ("plant", "oak"), ("bird",)), 0.8
)
"""The class `bird` beside the group of that name is another one."""


def levels(*probabilities: float) -> list[tuple[str, float]]:
    (found,) = sure_levels(HIERARCHY, np.array([probabilities], np.float32))
    return [("/".join(level.path), pytest.approx(level.probability, abs=1e-6)) for level in found]


def test_the_answer_is_rolled_up_to_the_level_that_is_sure() -> None:
    assert levels(0.9, 0.05, 0.02, 0.02, 0.01) == [("animal", 0.97), ("animal/bird", 0.95), ("animal/bird/owl", 0.9)]
    assert levels(0.5, 0.4, 0.05, 0.03, 0.02) == [("animal", 0.95), ("animal/bird", 0.9)]
    assert levels(0.4, 0.1, 0.4, 0.05, 0.05) == [("animal", 0.9)]
    assert levels(0.3, 0.1, 0.1, 0.4, 0.1) == []
    assert levels(0.0, 0.0, 0.1, 0.0, 0.9) == [("bird", 0.9)]


@given(st.lists(st.floats(0, 1, width=32), min_size=5, max_size=5).filter(lambda one: sum(one) > 0.01))
def test_each_level_is_in_the_one_before(weights: list[float]) -> None:
    row = np.array([weights], np.float32) / sum(weights)
    (found,) = sure_levels(HIERARCHY, row)
    for outer, inner in pairwise(found):
        assert inner.path[: len(outer.path)] == outer.path
        assert inner.probability <= outer.probability + 1e-6
    for level in found:
        own = [float(row[0, at]) for at, path in enumerate(HIERARCHY.paths) if path[: len(level.path)] == level.path]
        assert level.probability == pytest.approx(min(sum(own), 1), abs=1e-5)
        assert level.probability >= 0.8


def test_many_classes_take_little_memory() -> None:
    """20,000 classes in 200 groups: a matrix of both would take 3 GB."""
    paths = tuple((f"group {number // 100}", str(number)) for number in range(20_000))
    row = np.zeros((2, 20_000), np.float32)
    row[0, 100:200], row[1, 7] = 0.01, 1
    first, second = sure_levels(Hierarchy(paths), row)
    assert [level.path for level in first] == [("group 1",)]
    assert [level.path for level in second] == [("group 0",), ("group 0", "7")]
