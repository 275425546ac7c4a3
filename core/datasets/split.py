"""Deterministic, stratified and grouped splits into training, validation and test images.

Near-duplicates and bursts within a class form a group that is never split; the caller may add groups of its own. Each
group gets a position in [0, 1): a keyed hash of the seed and the content of one of its images, independent of names, of
file order and of other groups. Groups below the test fraction are the test set, those below the sum of both fractions
the validation set, and the others the training set. So each class is split in about the requested fractions (standard
deviation sqrt(n p (1 - p)) for n groups and the fraction p), and an image stays in its subset when images of other
groups are added or removed. There are two exceptions: if a class would have no group in a subset by chance, the group
with the nearest position fills in until one belongs there; and if a count is requested instead of a fraction, each
added image may move others across the boundary between two subsets.

Images with several classes are divided by their rarest one: see `core.datasets.stratification`.
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
from core.base.i18n import tr, tr_n
from core.datasets.dataset import Dataset
from core.datasets.labelled_image import LabelledImage
from core.datasets.stratification import strata
from core.datasets.subsets import Subset
from core.images.perceptual_hash import connected_components, group_near_duplicates, hamming_distance

_BURST: Final = 10
"""The largest Hamming distance between the 64-bit perceptual hashes of two images of a burst."""

_BURST_STEP: Final = 3
"""The largest gap between the file numbers of neighbours in a burst."""

_NUMBERED: Final = re.compile(r"(.*?)(\d+)\D*\Z")
_HELD_OUT: Final = (Subset.TEST, Subset.VALIDATION)
_ORDER: Final = (*_HELD_OUT, Subset.TRAIN)
"""The subsets from the lowest positions to the highest: the validation fraction does not affect the test set."""

FractionOrCount: TypeAlias = float | int
"""A fraction of the images (float in [0, 1)) or a count of images (int)."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Disjoint subsets of a dataset, as sorted indexes into `Dataset.examples`."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class _Group:
    """Examples that stay together.

    Attributes:
        position: its hash position, in [0, 1).
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
    """Split a dataset by class with groups kept together; subsets that the folder defines are kept.

    Every class has a training image; with two or more groups also a test image, and with three or more a validation
    image, if those subsets are requested. A subset that the folder does not define is drawn from the training images.
    Counts are met exactly unless a group is too large for that, and otherwise as closely as possible.

    Args:
        dataset: the images.
        validation: fraction or count of the images; 0 for none.
        test: fraction or count of the images; 0 for none.
        train: count of training images, leaving the others unused; None for all that remain.
        seed: selects the split.
        near_duplicates: a group number for each example; those of one class with the same number stay together. None:
            group by perceptual hash only.

    Raises:
        DatasetError: a fraction or count is impossible, alone or together with the others.
    """
    pool = [index for index, example in enumerate(dataset.examples) if example.subset in (None, Subset.TRAIN)]
    given = {part: [i for i, example in enumerate(dataset.examples) if example.subset is part] for part in _HELD_OUT}
    wanted = {
        part: 0 if given[part] else fraction for part, fraction in zip(_HELD_OUT, (test, validation), strict=True)
    }
    groups_of = _groups_by_rarest if dataset.is_multi_label else _groups_by_class
    classes = groups_of(dataset.examples, pool, seed, near_duplicates)
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
    examples: Sequence[LabelledImage], pool: Sequence[int], seed: int, alike: NDArray[np.int64] | None
) -> list[list[_Group]]:
    """The groups of each class, sorted by position."""
    classes: dict[str, list[int]] = defaultdict(list)
    for index in pool:
        classes[examples[index].label].append(index)
    return [_groups(examples, classes[label], seed, alike) for label in sorted(classes)]


def _groups_by_rarest(
    examples: Sequence[LabelledImage], pool: Sequence[int], seed: int, alike: NDArray[np.int64] | None
) -> list[list[_Group]]:
    """The groups of images with several classes by the class that divides them, sorted by position."""
    groups = _groups(examples, pool, seed, alike)
    sets = [frozenset(name for index in group.members for name in examples[index].classes) for group in groups]
    found: dict[int, list[_Group]] = defaultdict(list)
    for group, stratum in zip(groups, strata(sets), strict=True):
        found[stratum].append(group)
    return [found[stratum] for stratum in sorted(found)]


def _groups(
    examples: Sequence[LabelledImage], own: Sequence[int], seed: int, alike: NDArray[np.int64] | None
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
    """A keyed hash, in [0, 1), of the smallest content hash, so that adding images rarely changes it."""
    key = f"fovea split {seed}".encode()
    digest = hashlib.blake2b(min(contents).encode(), key=key, digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


def _bursts(own: Sequence[LabelledImage]) -> Iterable[tuple[int, int]]:
    """Pairs of similar images in one folder whose file numbers are close."""
    runs: dict[tuple[Path, str], list[tuple[int, int]]] = defaultdict(list)
    for index, example in enumerate(own):
        if match := _NUMBERED.match(example.path.stem):
            runs[example.path.parent, match[1]].append((int(match[2]), index))
    for run in runs.values():
        for (number, a), (next_number, b) in pairwise(sorted(run)):
            if next_number - number <= _BURST_STEP and hamming_distance(own[a].phash, own[b].phash) <= _BURST:
                yield a, b


def _by_fraction(classes: Iterable[list[_Group]], wanted: Mapping[Subset, FractionOrCount]) -> dict[Subset, list[int]]:
    """Split each class where the positions of its groups cross the fractions."""
    fractions = [wanted[part] for part in _HELD_OUT]
    if not all(0 <= fraction < 1 for fraction in fractions) or sum(fractions) >= 1:
        what = tr(
            "Invalid fractions: {validation} for validation, {test} for testing.",
            validation=fractions[1],
            test=fractions[0],
        )
        hint = tr("Use fractions between 0 and 1 whose sum is below 1, such as 0.15 and 0.15.")
        raise DatasetError(what, hint=hint)
    parts: dict[Subset, list[int]] = {part: [] for part in Subset}
    for groups in classes:
        first, second = _boundaries([group.position for group in groups], fractions[0], fractions[1])
        for part, chosen in zip(_ORDER, (groups[:first], groups[first:second], groups[second:]), strict=True):
            parts[part] += _members(chosen)
    return parts


def _boundaries(positions: Sequence[float], test: FractionOrCount, validation: FractionOrCount) -> tuple[int, int]:
    """Where a class's sorted positions are cut: the end of its test set, and of its validation set."""
    first = second = 0
    if test and len(positions) > 1:
        reserved = _reserved(len(positions), 1 + bool(validation))
        first = _clamp(1, bisect_left(positions, test), len(positions) - reserved)
    if validation and len(positions) - first > 1:
        second = _clamp(first + 1, bisect_left(positions, test + validation), len(positions) - 1)
    return first, max(first, second)


def _clamp(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def _reserved(count: int, parts: int) -> int:
    """How many groups of a class the remaining subsets need: one each, or one for training if there are few."""
    return parts if count > parts else 1


def _counts(wanted: Mapping[Subset, FractionOrCount], train: int | None, total: int) -> dict[Subset, int]:
    """The requested count of each subset, in the order in which they are drawn; training only if it was requested."""
    counts = {
        part: round(fraction * total) if isinstance(fraction, float) else fraction for part, fraction in wanted.items()
    }
    if train is not None:
        counts[Subset.TRAIN] = train
    if min(counts.values()) < 0 or sum(counts.values()) > total:
        requested = ", ".join(_count_text(part, count) for part, count in counts.items())
        what = tr_n(
            "Couldn't split {count:,} image into {requested}.",
            "Couldn't split {count:,} images into {requested}.",
            total,
            requested=requested,
        )
        raise DatasetError(what, hint=tr("Use smaller numbers, or add images."))
    return counts


def _count_text(part: Subset, number: int) -> str:
    match part:
        case Subset.TRAIN:
            return tr("{number:,} for training", number=number)
        case Subset.VALIDATION:
            return tr("{number:,} for validation", number=number)
        case Subset.TEST:
            return tr("{number:,} for testing", number=number)


def _by_count(classes: Sequence[list[_Group]], counts: Mapping[Subset, int]) -> dict[Subset, list[int]]:
    """Draw one subset after the other from the lowest groups of all classes; the rest is for training if unlimited."""
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
    """Draw groups with `count` images in total: one from each class that can spare one, then in proportion.

    Args:
        classes: the groups to draw from, sorted by position in each class.
        count: number of images.
        later: how many subsets remain to be drawn.
        part: the subset drawn.
    """
    queue = sorted(entry for groups in classes for entry in _queue(groups, later))
    taken: set[_Group] = set()
    for is_second, _, _, group in queue:
        if len(group.members) <= count:
            taken.add(group)
            count -= len(group.members)
        elif not is_second:
            what = _too_small_text(part, len(classes))
            raise DatasetError(what, hint=tr("Use a larger number, or a fraction such as 0.15."))
    if count and len(taken) == len(queue):
        raise DatasetError(_too_large_text(part, count), hint=tr("Use a smaller number, or add images."))
    return taken


def _too_small_text(part: Subset, classes: int) -> str:
    match part:
        case Subset.TRAIN:
            return tr_n(
                "Too few training images for one of each of the {count:,} class.",
                "Too few training images for one of each of the {count:,} classes.",
                classes,
            )
        case Subset.VALIDATION:
            return tr_n(
                "Too few validation images for one of each of the {count:,} class.",
                "Too few validation images for one of each of the {count:,} classes.",
                classes,
            )
        case Subset.TEST:
            return tr_n(
                "Too few test images for one of each of the {count:,} class.",
                "Too few test images for one of each of the {count:,} classes.",
                classes,
            )


def _too_large_text(part: Subset, excess: int) -> str:
    match part:
        case Subset.TRAIN:
            return tr_n(
                "The training set asks for {count:,} image more than the other sets can spare.",
                "The training set asks for {count:,} images more than the other sets can spare.",
                excess,
            )
        case Subset.VALIDATION:
            return tr_n(
                "The validation set asks for {count:,} image more than the other sets can spare.",
                "The validation set asks for {count:,} images more than the other sets can spare.",
                excess,
            )
        case Subset.TEST:
            return tr_n(
                "The test set asks for {count:,} image more than the other sets can spare.",
                "The test set asks for {count:,} images more than the other sets can spare.",
                excess,
            )


def _queue(groups: Sequence[_Group], later: int) -> Iterable[tuple[bool, float, float, _Group]]:
    """The groups a class can spare, each with: whether it is not the first, fraction drawn by then, position."""
    spare = groups[: len(groups) - _reserved(len(groups), later)] if later else groups
    total, so_far = sum(len(group.members) for group in groups), 0
    for rank, group in enumerate(spare):
        so_far += len(group.members)
        yield rank > 0, so_far / total, group.position, group


def _members(groups: Iterable[_Group]) -> list[int]:
    return [index for group in groups for index in group.members]
