"""Which of the photos in the window are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from core.base.text import natural_sort_key
from core.datasets.labels import Label
from core.prediction import Failure, Outcome, Prediction


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
                return class_of(outcome, label) == self.name
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
    """The user's label of a photo, or else its predicted class; None if there is none."""
    if label is not None:
        return label.label
    return outcome.best.label if isinstance(outcome, Prediction) and not outcome.unknown else None


def sort_key(sort: Sort) -> Callable[[Path, Outcome | None, Label | None], tuple[object, ...]]:
    """What photos are sorted by; those without a prediction come last."""
    match sort:
        case Sort.CONFIDENCE:
            return lambda _, outcome, __: (outcome.best.probability if isinstance(outcome, Prediction) else 2.0,)
        case Sort.CLASS:
            return lambda _, outcome, label: _class_key(class_of(outcome, label), outcome)
        case Sort.NAME:
            return lambda path, _, __: (natural_sort_key(path.name),)
        case Sort.ADDED:
            return lambda *_: ()


def _class_key(name: str | None, outcome: Outcome | None) -> tuple[object, ...]:
    confidence = outcome.best.probability if isinstance(outcome, Prediction) else 0.0
    return name is None, natural_sort_key(name or ""), -confidence


def count_classes(photos: Iterable[tuple[Outcome | None, Label | None]]) -> dict[str, int]:
    """How many photos each class has, the most frequent first."""
    counts: dict[str, int] = {}
    for outcome, label in photos:
        name = class_of(outcome, label)
        if name is not None:
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda one: (-one[1], natural_sort_key(one[0]))))
