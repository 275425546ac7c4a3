"""Which of the photos in the window are shown, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from heapq import merge
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar, cast

from core.base.label_sets import classes_of
from core.base.text import natural_sort_key
from core.datasets.labels import Label
from core.prediction import Failure, Outcome, Prediction

_Made = TypeVar("_Made")
Steps: TypeAlias = Generator[None, None, _Made]
"""Work in steps of a few milliseconds each, with its result."""
AT_ONCE: Final = 1000
"""Photos in a step."""


def is_long(count: int) -> bool:
    """Whether there are so many photos that what concerns all of them is done in steps."""
    return count > AT_ONCE


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


def count_views(outcomes: Sequence[Outcome | None], labels: Sequence[Label | None]) -> Steps[Counts]:
    """Count photos, given their outcomes and labels; there may be 100,000, so each is looked at once."""
    counted = Counter[Kind | str]()
    for some in _parts(len(outcomes)):
        views = map(_views_of, outcomes[some.start : some.stop], labels[some.start : some.stop])
        counted.update(chain.from_iterable(views))
        yield
    kinds = {kind: counted.pop(kind, 0) for kind in (Kind.UNKNOWN, Kind.UNREADABLE, Kind.LABELLED)}
    classes = [(name, count) for name, count in counted.items() if isinstance(name, str)]
    return Counts(kinds, dict(sorted(classes, key=lambda one: (-one[1], natural_sort_key(one[0])))))


def _views_of(outcome: Outcome | None, label: Label | None) -> tuple[Kind | str, ...]:
    """The kinds and classes that a photo counts for."""
    if label is not None:
        return (Kind.LABELLED, *classes_of(label.label))
    if isinstance(outcome, Prediction):
        return (Kind.UNKNOWN,) if outcome.unknown else outcome.labels or (outcome.scores[0].label,)
    return () if outcome is None else (Kind.UNREADABLE,)


def sort_keys(
    sort: Sort, names: Sequence[bytes], outcomes: Sequence[Outcome | None], labels: Sequence[Label | None]
) -> Steps[Sequence[bytes] | Sequence[float]]:
    """What photos are sorted by, given the sort keys of their names, their outcomes and labels; empty if by nothing.

    Those without a prediction come last. A class comes as its place among all, so that there is one number to compare,
    and nothing is made for each photo that would set off Python's garbage collector.
    """
    match sort:
        case Sort.CONFIDENCE:
            return (yield from in_steps(_confidence, outcomes))
        case Sort.CLASS:
            classes = yield from in_steps(class_of, outcomes, labels)
            ordered = sorted({name for name in classes if name is not None}, key=natural_sort_key)
            places: dict[str | None, int] = {name: 2 * place for place, name in enumerate((*ordered, None))}
            yield
            return (yield from in_steps(lambda name, one: places[name] - _probability(one), classes, outcomes))
        case Sort.NAME:
            return names
        case Sort.ADDED:
            return ()


def sort_rows(keys: Sequence[bytes] | Sequence[float]) -> Steps[list[int]]:
    """The rows in the order of their keys; rows with equal keys stay in their order."""
    key = cast("Callable[[int], float]", keys.__getitem__)
    parts: list[list[int]] = []
    for some in _parts(len(keys)):
        parts.append(sorted(some, key=key))
        yield
    merged, rows = merge(*parts, key=key), list[int]()
    while some_rows := list(islice(merged, AT_ONCE)):
        rows += some_rows
        yield
    return rows


def in_steps(make: Callable[..., _Made], *sources: Sequence[Any]) -> Steps[list[_Made]]:
    """What `make` gives for each of the values that belong together."""
    made: list[_Made] = []
    for some in _parts(len(sources[0])):
        made += map(make, *(source[some.start : some.stop] for source in sources))
        yield
    return made


def _parts(count: int) -> Iterator[range]:
    return (range(start, min(start + AT_ONCE, count)) for start in range(0, count, AT_ONCE))


def _confidence(outcome: Outcome | None) -> float:
    return outcome.scores[0].probability if isinstance(outcome, Prediction) else 2.0


def _probability(outcome: Outcome | None) -> float:
    return outcome.scores[0].probability if isinstance(outcome, Prediction) else 0.0
