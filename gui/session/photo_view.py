"""Which of the photos in the window are shown, and in which order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar, cast

from core.base.label_sets import classes_of
from core.base.text import natural_sort_key
from core.datasets.labels import Label
from core.prediction import Failure, Outcome, Prediction

_Made = TypeVar("_Made")
Steps: TypeAlias = Generator[None, None, _Made]
"""Work in steps of a few milliseconds each, with its result."""
AT_ONCE: Final = 5000
"""Photos in a step."""
_MERGED: Final = 4
"""Sorted parts of a list that become one in a step."""


class Sort(Enum):
    """The order of photos."""

    ADDED = auto()
    CONFIDENCE = auto()
    CLASS = auto()
    NAME = auto()


class Kind(Enum):
    """Which photos are shown."""

    ALL = auto()
    CLASS = auto()
    UNKNOWN = auto()
    UNREADABLE = auto()
    LABELLED = auto()
    PENDING = auto()


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A view of the photos.

    Attributes:
        kind: which photos are shown.
        name: the class, for `Kind.CLASS`.
        paths: the photos whose labels no model has learned, for `Kind.PENDING`.
        sort: their order.
    """

    kind: Kind = Kind.ALL
    name: str = ""
    paths: frozenset[Path] = frozenset()
    sort: Sort = Sort.ADDED

    def has(self, path: Path, outcome: Outcome | None, label: Label | None) -> bool:
        """Whether a photo is shown."""
        match self.kind:
            case Kind.CLASS:
                return self.name in classes_of(class_of(outcome, label))
            case Kind.UNKNOWN:
                return label is None and isinstance(outcome, Prediction) and bool(outcome.unknown)
            case Kind.UNREADABLE:
                return isinstance(outcome, Failure)
            case Kind.LABELLED:
                return label is not None
            case Kind.PENDING:
                return path in self.paths
        return True


def class_of(outcome: Outcome | None, label: Label | None) -> str | None:
    """The user's label of a photo, or else what was predicted (`core.base.label_sets`); None if there is none."""
    if label is not None:
        return label.label
    return outcome.label if isinstance(outcome, Prediction) and not outcome.unknown else None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many photos a list has of each kind that can be shown.

    Attributes:
        kinds: of `Kind.UNKNOWN`, `Kind.UNREADABLE` and `Kind.LABELLED`.
        classes: of each class, the most frequent first.
    """

    kinds: Mapping[Kind, int]
    classes: Mapping[str, int]


def count_views(photos: Iterable[tuple[Outcome | None, Label | None]]) -> Counts:
    """Count photos, given their outcomes and labels; there may be 100,000, so each is looked at once."""
    kinds, classes = dict.fromkeys((Kind.UNKNOWN, Kind.UNREADABLE, Kind.LABELLED), 0), defaultdict[str, int](int)
    unknown = failed = labelled = 0
    for outcome, label in photos:
        if label is not None:
            labelled += 1
            for name in classes_of(label.label):
                classes[name] += 1
        elif isinstance(outcome, Prediction):
            if outcome.unknown:
                unknown += 1
            else:
                for name in outcome.labels or (outcome.scores[0].label,):
                    classes[name] += 1
        elif outcome is not None:
            failed += 1
    kinds |= {Kind.UNKNOWN: unknown, Kind.UNREADABLE: failed, Kind.LABELLED: labelled}
    return Counts(kinds, dict(sorted(classes.items(), key=lambda one: (-one[1], natural_sort_key(one[0])))))


def sort_keys(
    sort: Sort, names: Iterable[bytes], outcomes: Sequence[Outcome | None], labels: Sequence[Label | None]
) -> Steps[Sequence[bytes] | Sequence[float]]:
    """What photos are sorted by, given the sort keys of their names, their outcomes and labels; empty if by nothing.

    Those without a prediction come last. A class comes as its place among all, so that there is one number to compare,
    and nothing is made for each photo that would set off Python's garbage collector.
    """
    match sort:
        case Sort.CONFIDENCE:
            return (yield from _in_steps(_confidence, outcomes))
        case Sort.CLASS:
            classes = yield from _in_steps(class_of, outcomes, labels)
            ordered = sorted({name for name in classes if name is not None}, key=natural_sort_key)
            places: dict[str | None, int] = {name: 2 * place for place, name in enumerate((*ordered, None))}
            yield
            return (yield from _in_steps(lambda name, one: places[name] - _probability(one), classes, outcomes))
        case Sort.NAME:
            return list(names)
        case Sort.ADDED:
            return ()


def sort_rows(keys: Sequence[bytes] | Sequence[float]) -> Steps[list[int]]:
    """The rows in the order of their keys; rows with equal keys stay in their order."""
    key = cast("Callable[[int], float]", keys.__getitem__)
    rows, width = list(range(len(keys))), AT_ONCE
    while True:
        for start in range(0, len(rows), width):
            rows[start : start + width] = sorted(rows[start : start + width], key=key)  # merges what is sorted already
            yield
        if width >= len(rows):
            return rows
        width *= _MERGED


def _in_steps(make: Callable[..., _Made], *sources: Sequence[Any]) -> Steps[list[_Made]]:
    """What `make` gives for each of the values that belong together."""
    made: list[_Made] = []
    for start in range(0, len(sources[0]), AT_ONCE):
        made += map(make, *(source[start : start + AT_ONCE] for source in sources))
        yield
    return made


def _confidence(outcome: Outcome | None) -> float:
    return outcome.scores[0].probability if isinstance(outcome, Prediction) else 2.0


def _probability(outcome: Outcome | None) -> float:
    return outcome.scores[0].probability if isinstance(outcome, Prediction) else 0.0
