"""The columns and JSON objects of images in all reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final, Self, TypeAlias

from core.base.label_sets import BREAK, NO_CLASS, classes_text, label_text
from core.detection import NO_DETECTION, Box, Detection, DetectionOptions, count_objects
from core.jobs.values import Review, Row
from core.prediction import Crop, Failure, Neighbour, Outcome, Prediction, Score

LEVEL_SEPARATOR: Final = " > "
"""Between the levels of a hierarchy, in texts."""
SEPARATOR: Final = "; "
"""Between several values in one column."""
Value: TypeAlias = str | float | bool | None
"""The value of a column; None if it is empty."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One image in a report: its prediction or failure, the user's review, and what further models say of it."""

    outcome: Outcome
    review: Review | None = None
    others: tuple[Outcome, ...] = ()

    @classmethod
    def of(cls, row: Row) -> Self | None:
        """Convert a row of a job; None if the image is waiting."""
        outcome = row.outcome
        return None if outcome is None else cls(outcome, row.review, row.others)

    @property
    def final_label(self) -> str | None:
        """The user's label if there is one, otherwise the predicted label."""
        label = self.review.label if self.review else None
        return label or (self.outcome.label if isinstance(self.outcome, Prediction) else None)

    @property
    def answer(self) -> str | None:
        """That label on one line; the classes of a prediction are the most likely first."""
        if self.review and self.review.label:
            return label_text(self.review.label)
        if isinstance(self.outcome, Failure):
            return None
        return self.outcome.best.label if self.outcome.labels is None else classes_text(self.outcome.labels)


class ColumnKind(StrEnum):
    """The type of a column."""

    TEXT = "text"
    FRACTION = "share"
    """A number, 0..1."""
    BOOLEAN = "truth"
    DURATION = "duration"
    """Milliseconds."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of every tabular report; its name is the heading in every format."""

    name: str
    kind: ColumnKind
    value_of: Callable[[ReportRow], Value]


@dataclass(frozen=True, slots=True)
class ColumnSet:
    """The content of a report.

    Attributes:
        top_k: the number of classes per image, 1 or more.
        names: the columns of a flat table; None for all.
        detection: what was looked for in the images, which flat tables have columns for.
    """

    top_k: int
    reviewed: bool = False
    names: tuple[str, ...] | None = None
    detection: DetectionOptions = NO_DETECTION
    others: tuple[str, ...] = ()


def columns(column_set: ColumnSet) -> tuple[Column, ...]:
    """The columns of a flat table: the most likely class with all details, then the next classes."""
    later = (column for rank in range(1, column_set.top_k) for column in _rank(rank))
    every = (*outcome_columns(column_set), *later)
    known = {column.name: column for column in every}
    return every if column_set.names is None else tuple(known[name] for name in column_set.names)


def outcome_columns(column_set: ColumnSet) -> tuple[Column, ...]:
    """The columns without those of the next classes."""
    looked_for = column_set.detection
    found = *((OBJECTS,) if looked_for else ()), *(_WHOLE if looked_for.crop else ())
    others = (column for place, name in enumerate(column_set.others) for column in _other_model(name, place))
    return (*_PREDICTION, *found, *others, *(_REVIEW if column_set.reviewed else ()), *_ORIGIN, *_FAILURE)


def values(row: ReportRow, shown: Sequence[Column]) -> list[Value]:
    """The values of an image in these columns."""
    return [column.value_of(row) for column in shown]


def scores(row: ReportRow, top_k: int) -> list[dict[str, Any]]:
    """The most likely classes as in JSON, at least all that a multi-label model found; empty for a failure."""
    return _scores(row.outcome.likely(top_k)) if isinstance(row.outcome, Prediction) else []


def as_object(row: ReportRow, column_set: ColumnSet) -> dict[str, Any]:
    """The image as a JSON object, as the command line prints it."""
    outcome = row.outcome
    content: dict[str, Any] = {"path": str(outcome.path)}
    if isinstance(outcome, Failure):
        content["error"] = {"kind": outcome.kind, "message": outcome.message, "hint": outcome.hint}
    else:
        content |= {"label": outcome.best.label, "confidence": _fraction(outcome.best.probability)}
        content |= {"labels": _labels(outcome)}
        content |= {"scores": scores(row, column_set.top_k)}
        content |= {column.name: column.value_of(row) for column in (_UNKNOWN, UNKNOWN_SCORE, *_ORIGIN)}
        content |= {"set": _set(outcome), "set_coverage": _coverage(outcome), "nearest": _nearest(outcome)}
        content["rolled_up"] = _rolled_up(outcome)
        content["warnings"] = list(outcome.warnings)
        content |= _found(outcome, column_set.top_k)
        if column_set.others:
            content["others"] = [_answer(one, column_set.top_k) for one in row.others if isinstance(one, Prediction)]
    if column_set.reviewed:
        content |= {column.name: column.value_of(row) for column in _REVIEW}
    return content


def _answer(outcome: Prediction, top_k: int) -> dict[str, Any]:
    likely = ReportRow(outcome)
    content: dict[str, Any] = {"model": outcome.model, "label": outcome.best.label, "labels": _labels(outcome)}
    content["confidence"] = _fraction(outcome.best.probability)
    return content | {"scores": scores(likely, top_k), "unknown": outcome.unknown, "provider": outcome.provider}


def _other_model(name: str, place: int) -> Iterator[Column]:
    """The columns of a further model: the first of those in `_PREDICTION`, under its name."""

    def of(row: ReportRow, column: Column) -> Value:
        return column.value_of(ReportRow(row.others[place])) if place < len(row.others) else None

    for column in _PREDICTION[1:6]:
        yield Column(f"{name}_{column.name}", column.kind, partial(of, column=column))


def _rank(rank: int) -> tuple[Column, Column]:
    def score(outcome: Prediction) -> Score | None:
        return outcome.scores[rank] if rank < len(outcome.scores) else None

    return (
        _text(f"label_{rank + 1}", lambda outcome: found.label if (found := score(outcome)) else None),
        _share(f"probability_{rank + 1}", lambda outcome: found.probability if (found := score(outcome)) else None),
    )


def _prediction_column(name: str, kind: ColumnKind, of: Callable[[Prediction], Value]) -> Column:
    """A column that is empty for failures."""
    return Column(name, kind, lambda row: of(row.outcome) if isinstance(row.outcome, Prediction) else None)


def _text(name: str, of: Callable[[Prediction], str | None]) -> Column:
    return _prediction_column(name, ColumnKind.TEXT, of)


def _share(name: str, of: Callable[[Prediction], float | None]) -> Column:
    """A column of fractions with six decimals."""

    def rounded(outcome: Prediction) -> float | None:
        return None if (found := of(outcome)) is None else _fraction(found)

    return _prediction_column(name, ColumnKind.FRACTION, rounded)


def _duration(name: str) -> Column:
    return _prediction_column(name, ColumnKind.DURATION, lambda outcome: round(getattr(outcome.timing, name), 3))


def _failure_column(name: str, of: Callable[[Failure], str]) -> Column:
    return Column(name, ColumnKind.TEXT, lambda row: of(row.outcome) if isinstance(row.outcome, Failure) else None)


def _scores(found: Sequence[Score]) -> list[dict[str, Any]]:
    return [
        {"label": score.label, "probability": _fraction(score.probability)}
        | ({} if score.threshold is None else {"threshold": _fraction(score.threshold)})
        for score in found
    ]


def _found(outcome: Prediction, top_k: int) -> dict[str, Any]:
    """What is in an image, and the crop around its subject, as in JSON; empty if nobody looked for it."""
    if outcome.detections is None:
        return {}
    objects = [_detection(one) for one in outcome.detections]
    return {"objects": objects, "counts": count_objects(outcome.detections), **_crop(outcome.crop, top_k)}


def _crop(crop: Crop | None, top_k: int) -> dict[str, Any]:
    if crop is None:
        return {"crop": None, "whole": None}
    whole = {"label": crop.best.label, "confidence": _fraction(crop.best.probability), "unknown": crop.unknown}
    whole["scores"] = _scores(crop.scores[:top_k])
    return {"crop": {"box": _box(crop.box), "subject": _detection(crop.subject)}, "whole": whole}


def _detection(one: Detection) -> dict[str, Any]:
    return {"label": one.label, "score": one.score, "box": _box(one.box)}


def _box(box: Box) -> list[float]:
    return [box.left, box.top, box.right, box.bottom]


def _fraction(probability: float) -> float:
    return round(probability, 6)


def _set(outcome: Prediction) -> list[str] | None:
    """The classes that the image may have; None if the model does not say."""
    return list(outcome.evidence.set) if outcome.evidence and outcome.evidence.set is not None else None


def _labels(outcome: Prediction) -> list[str] | None:
    """The classes that the image has by a multi-label model; None if the model gives every image exactly one."""
    return None if outcome.labels is None else list(outcome.labels)


def _coverage(outcome: Prediction) -> float | None:
    return outcome.evidence.coverage if outcome.evidence else None


def _rolled_up(outcome: Prediction) -> dict[str, Any] | None:
    """The narrowest group of classes that is sure enough as in JSON; None if there is none."""
    found = outcome.rolled_up
    if found is None:
        return None
    return {"label": found.label, "path": list(found.path), "probability": _fraction(found.probability)}


def _neighbours(outcome: Prediction) -> tuple[Neighbour, ...]:
    return outcome.evidence.nearest if outcome.evidence else ()


def _nearest(outcome: Prediction) -> list[dict[str, Any]]:
    return [
        {"label": label_text(one.label), "similarity": one.similarity} | ({"path": str(one.path)} if one.path else {})
        for one in _neighbours(outcome)
    ]


def _near_text(one: Neighbour) -> str:
    return f"{label_text(one.label)} {one.similarity:.2f}"


def _joined(parts: Iterable[str] | None) -> str | None:
    return SEPARATOR.join(parts or ()) or None


def _answered(label: str | None) -> str | None:
    """A label as a text; empty if it stands for no class."""
    return None if label in (None, NO_CLASS) else SEPARATOR.join(label.split(BREAK))


_UNKNOWN: Final = _prediction_column("unknown", ColumnKind.BOOLEAN, lambda outcome: outcome.unknown)
UNKNOWN_SCORE: Final = _share(
    "unknown_score", lambda outcome: outcome.evidence.unknown_score if outcome.evidence else None
)
SET: Final = _text("set", lambda outcome: _joined(_set(outcome)))
NEAREST: Final = _text("nearest", lambda outcome: _joined(map(_near_text, _neighbours(outcome))))
OBJECTS: Final = _text("objects", lambda outcome: outcome.counts or None)
_WHOLE: Final = (
    _text("subject", lambda outcome: outcome.crop.subject.label if outcome.crop else None),
    _text("whole_label", lambda outcome: outcome.crop.best.label if outcome.crop else None),
    _share("whole_confidence", lambda outcome: outcome.crop.best.probability if outcome.crop else None),
)
ROLLED_UP: Final = _text(
    "rolled_up", lambda outcome: LEVEL_SEPARATOR.join(outcome.rolled_up.path) if outcome.rolled_up else None
)
_PREDICTION: Final = (
    Column("path", ColumnKind.TEXT, lambda row: str(row.outcome.path)),
    _text("label", lambda outcome: outcome.best.label),
    _share("confidence", lambda outcome: outcome.best.probability),
    _text("labels", lambda outcome: _joined(_labels(outcome))),
    _UNKNOWN,
    UNKNOWN_SCORE,
    SET,
    _prediction_column("set_coverage", ColumnKind.FRACTION, _coverage),
    NEAREST,
    ROLLED_UP,
    _share("rolled_up_probability", lambda outcome: outcome.rolled_up.probability if outcome.rolled_up else None),
)
_REVIEW: Final = (
    Column("answer", ColumnKind.TEXT, lambda row: _answered(row.final_label)),
    Column("review", ColumnKind.TEXT, lambda row: row.review.verdict.value if row.review else None),
)
_ORIGIN: Final = (
    _text("model", lambda outcome: outcome.model),
    _text("provider", lambda outcome: outcome.provider),
    _text("precision", lambda outcome: outcome.precision),
    *map(_duration, ("decode_ms", "preprocess_ms", "inference_ms")),
)
_FAILURE: Final = (
    _failure_column("error", lambda failure: failure.message),
    _failure_column("hint", lambda failure: failure.hint),
    _text("warnings", lambda outcome: " ".join(outcome.warnings) or None),
)
