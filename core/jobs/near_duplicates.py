"""Rows that look nearly the same, together."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from core.images.perceptual_hash import group_alike
from core.jobs.values import GroupFacts


def together(numbers: Sequence[int], looks: Iterable[tuple[int, int]]) -> tuple[array[int], tuple[GroupFacts, ...]]:
    """Those of the rows that look nearly like another one, in groups, the largest first; within a group as given.

    Args:
        numbers: the rows, in order.
        looks: number and look of each row that has one, as SQLite keeps it: signed.
    """
    look_of = dict(looks)
    seen = [number for number in numbers if number in look_of]
    members: dict[int, list[int]] = defaultdict(list)
    groups = group_alike(np.array([look_of[number] for number in seen], np.int64).astype(np.uint64))
    for number, group in zip(seen, groups.tolist(), strict=True):
        members[group].append(number)
    several = sorted((group for group in members.values() if len(group) > 1), key=len, reverse=True)
    ordered, facts = array("q"), []
    for place, group in enumerate(several, start=1):
        facts.append(GroupFacts(str(place), len(ordered), len(group)))
        ordered.extend(group)
    return ordered, tuple(facts)
