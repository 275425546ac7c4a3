"""Conversion between the journal's tables and values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from core.base.recovery import as_path
from core.jobs.details import encode_details, parse_details
from core.jobs.opinions import OPINIONS, parse_all
from core.jobs.schema import DONE, FAILED, GONE, WAITING
from core.jobs.values import Review, Row, State, Verdict
from core.prediction import Failure, Outcome, Prediction, Score, Timing

COLUMNS: Final = f"""
    images.number, folders.path, images.name, images.state, images.label, images.confidence, images.unknown,
    details.scores, details.kind, details.message, details.hint, images.verdict, images.said, images.finished,
    images.mtime_ns, models.name, models.version, details.provider, details.decode_ms, details.preprocess_ms,
    details.inference_ms, {OPINIONS}
"""
TABLES: Final = """
    images JOIN folders ON folders.id = images.folder LEFT JOIN details ON details.number = images.number
    LEFT JOIN models ON models.id = images.model
"""
_TEXT: Final = (str, type(None))
_NUMBER: Final = (float, int, type(None))
STATES: Final = {WAITING: State.WAITING, DONE: State.DONE, FAILED: State.FAILED, GONE: State.GONE}


def row_of(record: tuple[Any, ...], top: Path) -> Row:
    """Convert a record of `COLUMNS` to a row; `top` is the job's folder.

    Raises:
        ValueError, TypeError or LookupError: the record is invalid.
    """
    number, folder, name, state, label, confidence, unknown, scores, kind, message, hint, verdict, reviewed_label = (
        record[:13]
    )
    finished, mtime_ns, model, version, provider, *times, others = record[13:]
    texts = label, kind, message, hint, verdict, reviewed_label, model, provider
    if not all(isinstance(text, _TEXT) for text in texts):
        raise TypeError("not a text")
    if not all(isinstance(number, _NUMBER) for number in (confidence, version, finished, *times)):
        raise TypeError("not a number")
    below = as_path(folder)
    path = top / below / as_path(name)
    outcome: Outcome | None = None
    if state == DONE and label is not None:
        found = parse_details(scores)
        provider, _, precision = (provider or "").partition(" ")
        outcome = Prediction(
            path=path,
            scores=found.scores or (Score(label, confidence or 0.0),),
            unknown=None if unknown is None else bool(unknown),
            model=model or "",
            provider=provider,
            timing=Timing(*(time or 0.0 for time in times)),
            warnings=tuple((message or "").splitlines()),
            precision=precision,
            **found.beside_scores,
        )
    elif state == FAILED:
        outcome = Failure(path, kind, message, hint)
    return Row(
        number=number,
        path=path,
        folder=below,
        state=STATES[state],
        outcome=outcome,
        review=Review(Verdict(verdict), reviewed_label) if verdict else None,
        finished=finished if state in (DONE, FAILED) else None,
        modified=mtime_ns / 1e9,
        model=model or "",
        model_version=version if state == DONE else None,
        others=parse_all(others, path) if state == DONE else (),
    )


def timing_columns(number: int, outcome: Outcome, sha256: str) -> tuple[Any, ...]:
    """The columns of an outcome in `details`.

    What belongs to a prediction's scores is stored in their column (`core.jobs.details`), its warnings in that of the
    message, its precision after its provider.
    """
    if isinstance(outcome, Failure):
        return (number, *[None] * 5, sha256, outcome.kind, outcome.message, outcome.hint)
    timing = outcome.timing
    scores = encode_details(outcome)
    times = (timing.decode_ms, timing.preprocess_ms, timing.inference_ms)
    provider = f"{outcome.provider} {outcome.precision}".strip()
    return (number, scores, provider, *times, sha256, None, "\n".join(outcome.warnings) or None, None)


def outcome_columns(outcome: Outcome) -> tuple[Any, ...]:
    """The columns of an outcome in `images`: state, label, confidence, unknown."""
    if isinstance(outcome, Prediction):
        return DONE, outcome.label, outcome.certainty, outcome.unknown
    return FAILED, None, None, None


def review_columns(review: Review | None, label: str | None) -> tuple[str | None, str | None]:
    """The columns of a review in `images`: verdict and label, for a row with this predicted label."""
    match review:
        case None:
            return None, None
        case Review(Verdict.ACCEPTED, chosen):
            return review.verdict.value, chosen or label
        case Review(Verdict.SKIPPED):
            return review.verdict.value, None
    return review.verdict.value, review.label
