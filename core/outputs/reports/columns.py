"""What every report says of an image: the one definition of its columns and of its JSON object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self, TypeAlias

from core.jobs.values import Review, Row
from core.prediction import Failure, Outcome, Prediction, Score

Value: TypeAlias = str | float | bool | None
"""What stands in a column; None where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One image in a report.

    Attributes:
        outcome: what a model said about it, or why it could not.
        review: what a person said about it.
    """

    outcome: Outcome
    review: Review | None = None

    @classmethod
    def of(cls, row: Row) -> Self | None:
        """A row of a job; None while the image waits."""
        outcome = row.outcome
        return None if outcome is None else cls(outcome, row.review)

    @property
    def answer(self) -> str | None:
        """The person's label where there is one, else the model's."""
        said = self.review.label if self.review else None
        return said or (self.outcome.best.label if isinstance(self.outcome, Prediction) else None)


class Kind(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    SHARE = "share"
    """A number 0..1."""
    TRUTH = "truth"
    DURATION = "duration"
    """Milliseconds."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of every tabular report.

    Attributes:
        name: its heading, the same in every form.
        kind: what its values are.
        of: the value of an image.
    """

    name: str
    kind: Kind
    of: Callable[[Reported], Value]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a report tells of each image.

    Attributes:
        top_k: how many classes, 1 or more.
        reviewed: whether what a person said is told too.
        names: the columns of a flat table; None: all that there are.
    """

    top_k: int
    reviewed: bool = False
    names: tuple[str, ...] | None = None


def columns(shape: Shape) -> tuple[Column, ...]:
    """The columns of a flat table: the likeliest class, all about it, and then the next classes."""
    later = (column for rank in range(1, shape.top_k) for column in _rank(rank))
    every = (*facts(shape), *later)
    known = {column.name: column for column in every}
    return every if shape.names is None else tuple(known[name] for name in shape.names)


def facts(shape: Shape) -> tuple[Column, ...]:
    """The columns but for those of the next classes."""
    return (*_ANSWER, *(_REVIEW if shape.reviewed else ()), *_ORIGIN, *_FAILURE)


def values(row: Reported, shown: Sequence[Column]) -> list[Value]:
    """What stands in these columns of an image."""
    return [column.of(row) for column in shown]


def scores(row: Reported, top_k: int) -> list[dict[str, Any]]:
    """The likeliest classes as JSON has them; none where it failed."""
    found = row.outcome.scores[:top_k] if isinstance(row.outcome, Prediction) else ()
    return [{"label": score.label, "probability": _share(score.probability)} for score in found]


def as_object(row: Reported, shape: Shape) -> dict[str, Any]:
    """The image as a JSON object; DESIGN says which."""
    outcome = row.outcome
    content: dict[str, Any] = {"path": str(outcome.path)}
    if isinstance(outcome, Failure):
        content["error"] = {"kind": outcome.kind, "message": outcome.message, "hint": outcome.hint}
    else:
        content |= {"label": outcome.best.label, "confidence": _share(outcome.best.probability)}
        content |= {"scores": scores(row, shape.top_k)}
        content |= {column.name: column.of(row) for column in (_UNKNOWN, *_ORIGIN)}
        content["warnings"] = list(outcome.warnings)
    if shape.reviewed:
        content |= {column.name: column.of(row) for column in _REVIEW}
    return content


def _rank(rank: int) -> tuple[Column, Column]:
    def score(outcome: Prediction) -> Score | None:
        return outcome.scores[rank] if rank < len(outcome.scores) else None

    return (
        _said(f"label_{rank + 1}", Kind.TEXT, lambda outcome: found.label if (found := score(outcome)) else None),
        _said(
            f"probability_{rank + 1}",
            Kind.SHARE,
            lambda outcome: _share(found.probability) if (found := score(outcome)) else None,
        ),
    )


def _said(name: str, kind: Kind, of: Callable[[Prediction], Value]) -> Column:
    """A column that is empty where the model said nothing."""
    return Column(name, kind, lambda row: of(row.outcome) if isinstance(row.outcome, Prediction) else None)


def _failed(name: str, of: Callable[[Failure], str]) -> Column:
    return Column(name, Kind.TEXT, lambda row: of(row.outcome) if isinstance(row.outcome, Failure) else None)


def _share(probability: float) -> float:
    return round(probability, 6)


def _verdict(row: Reported) -> str | None:
    return row.review.verdict.value if row.review else None


_UNKNOWN: Final = _said("unknown", Kind.TRUTH, lambda outcome: outcome.unknown)
_ANSWER: Final = (
    Column("path", Kind.TEXT, lambda row: str(row.outcome.path)),
    _said("label", Kind.TEXT, lambda outcome: outcome.best.label),
    _said("confidence", Kind.SHARE, lambda outcome: _share(outcome.best.probability)),
    _UNKNOWN,
)
_REVIEW: Final = (
    Column("answer", Kind.TEXT, lambda row: row.answer),
    Column("review", Kind.TEXT, _verdict),
)
_ORIGIN: Final = (
    _said("model", Kind.TEXT, lambda outcome: outcome.model),
    _said("provider", Kind.TEXT, lambda outcome: outcome.provider),
    _said("decode_ms", Kind.DURATION, lambda outcome: round(outcome.timing.decode_ms, 3)),
    _said("preprocess_ms", Kind.DURATION, lambda outcome: round(outcome.timing.preprocess_ms, 3)),
    _said("inference_ms", Kind.DURATION, lambda outcome: round(outcome.timing.inference_ms, 3)),
)
_FAILURE: Final = (
    _failed("error", lambda failure: failure.message),
    _failed("hint", lambda failure: failure.hint),
    _said("warnings", Kind.TEXT, lambda outcome: " ".join(outcome.warnings) or None),
)
