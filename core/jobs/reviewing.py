"""What a person says about rows: what it means for each of them, and what a model can learn from it.

The window imports this: nothing heavy is needed for it.
"""

from __future__ import annotations

from core.datasets.corrections import Correction
from core.jobs.values import Review, Row, Verdict
from core.prediction import Prediction


def review_of(row: Row, review: Review | None) -> Review | None:
    """What is noted of a row, where the same is said about several.

    An answer that is accepted becomes the person's label; a label that is the answer accepts it. What has no answer, or
    the answer “unknown”, cannot be accepted, and stays as it is: its guess is a label only if it is chosen as one.
    """
    match review:
        case Review(Verdict.ACCEPTED):
            return Review(Verdict.ACCEPTED, row.label) if can_be_accepted(row) else row.review
        case Review(Verdict.CORRECTED, name) if name == row.label and can_be_accepted(row):
            return Review(Verdict.ACCEPTED, name)
    return review


def can_be_accepted(row: Row) -> bool:
    """Whether the model gave an answer that a person can call right."""
    return row.label is not None and not row.unknown


def is_left_open(row: Row, review: Review | None) -> bool:
    """Whether a row stays open although it was to be accepted, because the model answered “unknown”."""
    return review == Review(Verdict.ACCEPTED) and bool(row.unknown) and row.review is None


def left_open_text(count: int) -> str:
    """What a person reads where so many rows were left open; empty where none was."""
    if count == 1:
        return "1 unknown photo was left open: choose a class for it."
    return f"{count:,} unknown photos were left open: choose a class for them." if count else ""


def accepts_guess(row: Row, review: Review | None) -> bool:
    """Whether a review takes the guess of an “unknown” answer as confirmed, as earlier versions of Fovea stored it."""
    match review:
        case Review(Verdict.ACCEPTED, label):
            return bool(row.unknown) and label in (None, row.label)
    return False


def correction_of(row: Row, review: Review | None) -> Correction | None:
    """What a model can learn from what was said about a row: a label that corrects its answer, or confirms it."""
    if review is None or review.label is None or not isinstance(row.outcome, Prediction) or accepts_guess(row, review):
        return None
    return Correction.of(row.outcome, review.label)
