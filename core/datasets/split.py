"""Dividing a dataset into training, validation and test images, the same way every time.

Images of one class that look nearly the same, and bursts, form a group and stay together; so do those that the caller
knows to be alike. Each group gets a number in
[0, 1) from the seed and the content of one of its images, by a keyed hash; nothing else has a say, neither names nor
the order of files nor other groups. The groups below the share for testing are the test, those above it and below the
sum of both shares the validation, the others the training images. So each class is divided in about the shares asked
for (with n groups and a share p, give or take sqrt(n p (1 - p))), and an image stays on its side when images of other
groups come or go. There are two exceptions: of a class of which chance would leave a part empty, the group with the
nearest number stands in there, until another one comes whose number belongs there; and where a count of images is
asked for instead of a share, each image added may move others across the edge between two parts.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.base.errors import DatasetError
from core.datasets.dataset import Dataset, Example, Subset
from core.images.perceptual_hash import connected_components, group_near_duplicates, hamming_distance

_BURST: Final = 10
"""In how many bits of 64 the looks of two pictures of a burst may differ."""

_BURST_STEP: Final = 3
"""How far apart the running numbers of neighbours in a burst may be."""

_NUMBERED: Final = re.compile(r"(.*?)(\d+)\D*\Z")
_HELD_OUT: Final = (Subset.TEST, Subset.VALIDATION)
_ORDER: Final = (*_HELD_OUT, Subset.TRAIN)
"""The parts from the lowest groups to the highest: what is asked for validation does not change the test."""

FractionOrCount: TypeAlias = float | int
"""A share of the images, a float in [0, 1), or a count of images, an int."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Which examples are for what, as sorted indexes into `Dataset.examples`; no example is in two parts."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class _Group:
    """Examples that stay together.

    Attributes:
        position: where the group stands among all, in [0, 1).
        members: indexes of its examples.
    """

    position: float
    members: tuple[int, ...]


def split(
    dataset: Dataset,
    *,
    validation: FractionOrCount = 0.15,
    test: FractionOrCount = 0.15,
    train: int | None = None,
    seed: int = 0,
    near_duplicates: NDArray[np.int64] | None = None,
) -> Split:
    """Divide a dataset by class, groups kept together; parts that the folder itself gives stay what they are.

    Every class has an image to train on; with two groups or more one in the test, with three or more one in the
    validation too, as far as those parts are asked for. A part that the folder does not give is taken from the images
    to train on. Counts are met exactly where no group is too large for that, and otherwise as nearly as possible.

    Args:
        dataset: the images.
        validation: share or count of the images; 0 for none.
        test: share or count of the images; 0 for none.
        train: count of the images to train on, the others being left over; None for all that remain.
        seed: another seed gives another division.
        near_duplicates: a number for each example, the same for those of one class that are to stay together; None: by
            their looks alone.

    Raises:
        DatasetError: a share or count is impossible, alone or together with the others.
    """
    pool = [index for index, example in enumerate(dataset.examples) if example.subset in (None, Subset.TRAIN)]
    given = {part: [i for i, example in enumerate(dataset.examples) if example.subset is part] for part in _HELD_OUT}
    wanted = {
        part: 0 if given[part] else fraction for part, fraction in zip(_HELD_OUT, (test, validation), strict=True)
    }
    classes = _groups_by_class(dataset.examples, pool, seed, near_duplicates)
    if train is None and all(isinstance(fraction, float) or fraction == 0 for fraction in wanted.values()):
        parts = _by_fraction(classes, wanted)
    else:
        parts = _by_count(classes, _counts(wanted, train, len(pool)))
    return Split(
        train=_sorted(parts[Subset.TRAIN]),
        validation=_sorted(parts[Subset.VALIDATION] + given[Subset.VALIDATION]),
        test=_sorted(parts[Subset.TEST] + given[Subset.TEST]),
    )


def _sorted(indexes: Sequence[int]) -> NDArray[np.int64]:
    return np.array(sorted(indexes), np.int64)


def _groups_by_class(
    examples: Sequence[Example], pool: Sequence[int], seed: int, alike: NDArray[np.int64] | None
) -> list[list[_Group]]:
    """For each class its groups, from the lowest place to the highest."""
    classes: dict[int, list[int]] = defaultdict(list)
    for index in pool:
        classes[examples[index].label].append(index)
    return [_groups(examples, classes[label], seed, alike) for label in sorted(classes)]


def _groups(
    examples: Sequence[Example], own: Sequence[int], seed: int, alike: NDArray[np.int64] | None
) -> list[_Group]:
    near = group_near_duplicates(np.array([examples[index].phash for index in own], np.uint64))
    pairs = [*enumerate(near.tolist()), *_bursts([examples[index] for index in own])]
    if alike is not None:
        _, first, number = np.unique(alike[own], return_index=True, return_inverse=True)
        pairs += enumerate(first[number].tolist())
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in zip(own, connected_components(len(own), pairs).tolist(), strict=True):
        members[group].append(index)
    groups = [_Group(_position([examples[i].sha256 for i in group], seed), tuple(group)) for group in members.values()]
    return sorted(groups, key=lambda group: group.position)


def _position(contents: Iterable[str], seed: int) -> float:
    """A number in [0, 1) by a keyed hash of the first content in order: most images that join change nothing."""
    key = f"fovea split {seed}".encode()
    digest = hashlib.blake2b(min(contents).encode(), key=key, digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


def _bursts(own: Sequence[Example]) -> Iterable[tuple[int, int]]:
    """Pairs of neighbours by running number, in one folder, that look similar."""
    runs: dict[tuple[Path, str], list[tuple[int, int]]] = defaultdict(list)
    for index, example in enumerate(own):
        if match := _NUMBERED.match(example.path.stem):
            runs[example.path.parent, match[1]].append((int(match[2]), index))
    for run in runs.values():
        for (number, a), (next_number, b) in pairwise(sorted(run)):
            if next_number - number <= _BURST_STEP and hamming_distance(own[a].phash, own[b].phash) <= _BURST:
                yield a, b


def _by_fraction(classes: Iterable[list[_Group]], wanted: Mapping[Subset, FractionOrCount]) -> dict[Subset, list[int]]:
    """Cut each class where the places of its groups pass the shares."""
    fractions = [wanted[part] for part in _HELD_OUT]
    if not all(0 <= fraction < 1 for fraction in fractions) or sum(fractions) >= 1:
        what = (
            f"Shares of {fractions[1]} for validation and {fractions[0]} for testing leave nothing to train on, or "
            "less."
        )
        raise DatasetError(what, hint="Give shares from 0 up to 1, with a sum below 1, such as 0.15 and 0.15.")
    parts: dict[Subset, list[int]] = {part: [] for part in Subset}
    for groups in classes:
        first, second = _boundaries([group.position for group in groups], fractions[0], fractions[1])
        for part, chosen in zip(_ORDER, (groups[:first], groups[first:second], groups[second:]), strict=True):
            parts[part] += _members(chosen)
    return parts


def _boundaries(places: Sequence[float], test: FractionOrCount, validation: FractionOrCount) -> tuple[int, int]:
    """Where a class's sorted places are cut: before the first cut lies the test, before the second the validation."""
    first = second = 0
    if test and len(places) > 1:
        first = _clamp(1, bisect_left(places, test), len(places) - _reserved(len(places), 1 + bool(validation)))
    if validation and len(places) - first > 1:
        second = _clamp(first + 1, bisect_left(places, test + validation), len(places) - 1)
    return first, max(first, second)


def _clamp(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def _reserved(count: int, parts: int) -> int:
    """How many of a class's groups the parts yet to be served need: one each, or one for training if there are few."""
    return parts if count > parts else 1


def _counts(wanted: Mapping[Subset, FractionOrCount], train: int | None, total: int) -> dict[Subset, int]:
    """How many images each part shall have, in the order in which they are served; training only where it is said."""
    counts = {
        part: round(fraction * total) if isinstance(fraction, float) else fraction for part, fraction in wanted.items()
    }
    if train is not None:
        counts[Subset.TRAIN] = train
    if min(counts.values()) < 0 or sum(counts.values()) > total:
        asked = ", ".join(f"{count:,} for {part.value}" for part, count in counts.items())
        raise DatasetError(f"Of {total:,} images, {asked} cannot be taken.", hint="Ask for fewer, or add images.")
    return counts


def _by_count(classes: Sequence[list[_Group]], counts: Mapping[Subset, int]) -> dict[Subset, list[int]]:
    """Serve one part after the other from the lowest groups of all classes; what remains is trained on, if allowed."""
    parts: dict[Subset, list[int]] = {part: [] for part in Subset}
    asked = [part for part in _ORDER if counts.get(part)]
    for part in asked:
        later = sum(other in _HELD_OUT for other in asked[asked.index(part) + 1 :]) + (part is not Subset.TRAIN)
        taken = _take(classes, counts[part], later, part)
        parts[part] = _members(taken)
        classes = [[group for group in groups if group not in taken] for groups in classes]
    if Subset.TRAIN not in counts:
        parts[Subset.TRAIN] = [index for groups in classes for index in _members(groups)]
    return parts


def _take(classes: Sequence[list[_Group]], count: int, later: int, part: Subset) -> set[_Group]:
    """Groups of `count` images together: one of each class that can spare one, then from each in its proportion.

    Args:
        classes: the groups to choose from, each class from the lowest place to the highest.
        count: how many images.
        later: how many parts are yet to be served.
        part: what they are for.
    """
    queue = sorted(entry for groups in classes for entry in _queue(groups, later))
    taken: set[_Group] = set()
    for is_second, _, _, group in queue:
        if len(group.members) <= count:
            taken.add(group)
            count -= len(group.members)
        elif not is_second:
            what = f"So few images for {part.value} cannot hold one of each of {len(classes):,} classes."
            raise DatasetError(what, hint="Ask for more images, or for a share such as 0.15.")
    if count and len(taken) == len(queue):
        what = f"{count:,} images more are asked for {part.value} than can be taken without emptying another part."
        raise DatasetError(what, hint="Ask for fewer, or add images.")
    return taken


def _queue(groups: Sequence[_Group], later: int) -> Iterable[tuple[bool, float, float, _Group]]:
    """The groups a class can spare: whether another comes before, how much of the class is taken by then, the place."""
    spare = groups[: len(groups) - _reserved(len(groups), later)] if later else groups
    total, so_far = sum(len(group.members) for group in groups), 0
    for rank, group in enumerate(spare):
        so_far += len(group.members)
        yield rank > 0, so_far / total, group.position, group


def _members(groups: Iterable[_Group]) -> list[int]:
    return [index for group in groups for index in group.members]
