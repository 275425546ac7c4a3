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
class ReportRow:
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
    def final_label(self) -> str | None:
        """The person's label where there is one, else the model's."""
        label = self.review.label if self.review else None
        return label or (self.outcome.best.label if isinstance(self.outcome, Prediction) else None)


class ColumnKind(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    FRACTION = "share"
    """A number 0..1."""
    BOOLEAN = "truth"
    DURATION = "duration"
    """Milliseconds."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of every tabular report.

    Attributes:
        name: its heading, the same in every form.
        kind: what its values are.
        value_of: the value of an image.
    """

    name: str
    kind: ColumnKind
    value_of: Callable[[ReportRow], Value]


@dataclass(frozen=True, slots=True)
class ColumnSet:
    """What a report tells of each image.

    Attributes:
        top_k: how many classes, 1 or more.
        reviewed: whether what a person said is told too.
        names: the columns of a flat table; None: all that there are.
    """

    top_k: int
    reviewed: bool = False
    names: tuple[str, ...] | None = None


def columns(column_set: ColumnSet) -> tuple[Column, ...]:
    """The columns of a flat table: the likeliest class, all about it, and then the next classes."""
    later = (column for rank in range(1, column_set.top_k) for column in _rank(rank))
    every = (*outcome_columns(column_set), *later)
    known = {column.name: column for column in every}
    return every if column_set.names is None else tuple(known[name] for name in column_set.names)


def outcome_columns(column_set: ColumnSet) -> tuple[Column, ...]:
    """The columns but for those of the next classes."""
    return (*_ANSWER, *(_REVIEW if column_set.reviewed else ()), *_ORIGIN, *_FAILURE)


def values(row: ReportRow, shown: Sequence[Column]) -> list[Value]:
    """What stands in these columns of an image."""
    return [column.value_of(row) for column in shown]


def scores(row: ReportRow, top_k: int) -> list[dict[str, Any]]:
    """The likeliest classes as JSON has them; none where it failed."""
    found = row.outcome.scores[:top_k] if isinstance(row.outcome, Prediction) else ()
    return [{"label": score.label, "probability": _fraction(score.probability)} for score in found]


def as_object(row: ReportRow, column_set: ColumnSet) -> dict[str, Any]:
    """The image as a JSON object; DESIGN says which."""
    outcome = row.outcome
    content: dict[str, Any] = {"path": str(outcome.path)}
    if isinstance(outcome, Failure):
        content["error"] = {"kind": outcome.kind, "message": outcome.message, "hint": outcome.hint}
    else:
        content |= {"label": outcome.best.label, "confidence": _fraction(outcome.best.probability)}
        content |= {"scores": scores(row, column_set.top_k)}
        content |= {column.name: column.value_of(row) for column in (_UNKNOWN, *_ORIGIN)}
        content["warnings"] = list(outcome.warnings)
    if column_set.reviewed:
        content |= {column.name: column.value_of(row) for column in _REVIEW}
    return content


def _rank(rank: int) -> tuple[Column, Column]:
    def score(outcome: Prediction) -> Score | None:
        return outcome.scores[rank] if rank < len(outcome.scores) else None

    return (
        _prediction_column(
            f"label_{rank + 1}", ColumnKind.TEXT, lambda outcome: found.label if (found := score(outcome)) else None
        ),
        _prediction_column(
            f"probability_{rank + 1}",
            ColumnKind.FRACTION,
            lambda outcome: _fraction(found.probability) if (found := score(outcome)) else None,
        ),
    )


def _prediction_column(name: str, kind: ColumnKind, of: Callable[[Prediction], Value]) -> Column:
    """A column that is empty where the model said nothing."""
    return Column(name, kind, lambda row: of(row.outcome) if isinstance(row.outcome, Prediction) else None)


def _failure_column(name: str, of: Callable[[Failure], str]) -> Column:
    return Column(name, ColumnKind.TEXT, lambda row: of(row.outcome) if isinstance(row.outcome, Failure) else None)


def _fraction(probability: float) -> float:
    return round(probability, 6)


def _verdict(row: ReportRow) -> str | None:
    return row.review.verdict.value if row.review else None


_UNKNOWN: Final = _prediction_column("unknown", ColumnKind.BOOLEAN, lambda outcome: outcome.unknown)
_ANSWER: Final = (
    Column("path", ColumnKind.TEXT, lambda row: str(row.outcome.path)),
    _prediction_column("label", ColumnKind.TEXT, lambda outcome: outcome.best.label),
    _prediction_column("confidence", ColumnKind.FRACTION, lambda outcome: _fraction(outcome.best.probability)),
    _UNKNOWN,
)
_REVIEW: Final = (
    Column("answer", ColumnKind.TEXT, lambda row: row.final_label),
    Column("review", ColumnKind.TEXT, _verdict),
)
_ORIGIN: Final = (
    _prediction_column("model", ColumnKind.TEXT, lambda outcome: outcome.model),
    _prediction_column("provider", ColumnKind.TEXT, lambda outcome: outcome.provider),
    _prediction_column("decode_ms", ColumnKind.DURATION, lambda outcome: round(outcome.timing.decode_ms, 3)),
    _prediction_column("preprocess_ms", ColumnKind.DURATION, lambda outcome: round(outcome.timing.preprocess_ms, 3)),
    _prediction_column("inference_ms", ColumnKind.DURATION, lambda outcome: round(outcome.timing.inference_ms, 3)),
)
_FAILURE: Final = (
    _failure_column("error", lambda failure: failure.message),
    _failure_column("hint", lambda failure: failure.hint),
    _prediction_column("warnings", ColumnKind.TEXT, lambda outcome: " ".join(outcome.warnings) or None),
)
