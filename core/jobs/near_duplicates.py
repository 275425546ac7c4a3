"""Grouping rows whose images are near-duplicates."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from core.images.perceptual_hash import group_near_duplicates
from core.jobs.values import GroupSummary


def near_duplicates(
    numbers: Sequence[int], hashes: Iterable[tuple[int, int]]
) -> tuple[array[int], tuple[GroupSummary, ...]]:
    """Group the rows that have near-duplicates, the largest group first; within a group, rows keep their order.

    Args:
        numbers: the rows, in order.
        hashes: (number, perceptual hash) of each row that has one; the 64-bit hash is signed, as in SQLite.
    """
    hash_of = dict(hashes)
    seen = [number for number in numbers if number in hash_of]
    members: dict[int, list[int]] = defaultdict(list)
    groups = group_near_duplicates(np.array([hash_of[number] for number in seen], np.int64).astype(np.uint64))
    for number, group in zip(seen, groups.tolist(), strict=True):
        members[group].append(number)
    several = sorted((group for group in members.values() if len(group) > 1), key=len, reverse=True)
    ordered, summaries = array("q"), []
    for position, group in enumerate(several, start=1):
        summaries.append(GroupSummary(str(position), len(ordered), len(group)))
        ordered.extend(group)
    return ordered, tuple(summaries)
