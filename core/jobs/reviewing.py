"""Rules for reviews: what a review means for a row, and which correction results from it.

The window imports this module, so it must not import anything heavy.
"""

from __future__ import annotations

from core.base.i18n import tr_n
from core.datasets.labels import Label, Source
from core.jobs.values import Review, Row, Verdict
from core.prediction import Prediction


def review_of(row: Row, review: Review | None) -> Review | None:
    """The review to store for a row when one review is applied to several rows.

    Accepting a prediction makes it the user's label; labelling a row with its prediction, or with a group that it is
    rolled up to, accepts it. A row without a
    prediction, or with an unknown one, cannot be accepted and keeps its review: its top class becomes a label only if
    the user chooses it.
    """
    match review:
        case Review(Verdict.ACCEPTED | Verdict.CORRECTED, name) if name in groups_of(row):
            return Review(Verdict.ACCEPTED, name)
        case Review(Verdict.ACCEPTED):
            return Review(Verdict.ACCEPTED, row.label) if can_be_accepted(row) else row.review
        case Review(Verdict.CORRECTED, name) if name == row.label and can_be_accepted(row):
            return Review(Verdict.ACCEPTED, name)
    return review


def groups_of(row: Row) -> tuple[str, ...]:
    """The groups of classes that the prediction is sure of, the narrowest first; empty if the row is unknown."""
    found = row.prediction
    if found is None or found.unknown or found.evidence is None:
        return ()
    classes = {score.label for score in found.scores}
    return tuple(level.label for level in reversed(found.evidence.levels) if level.label not in classes)


def can_be_accepted(row: Row) -> bool:
    """Whether the row has a prediction, other than unknown, that the user can accept."""
    return row.prediction is not None and not row.is_guess


def is_left_open(row: Row, review: Review | None) -> bool:
    """Whether accepting leaves a row unreviewed because its prediction is unknown."""
    return review == Review(Verdict.ACCEPTED) and row.is_guess and row.review is None


def left_open_text(count: int) -> str:
    """A message about rows left unreviewed because their predictions are unknown; empty if there are none."""
    if not count:
        return ""
    return tr_n(
        "{count:,} unknown photo was not confirmed. Choose its class.",
        "{count:,} unknown photos were not confirmed. Choose their classes.",
        count,
    )


def accepts_guess(row: Row, review: Review | None) -> bool:
    """Whether a review accepts the top class of an unknown prediction, as earlier versions of Fovea stored it."""
    match review:
        case Review(Verdict.ACCEPTED, label):
            return row.is_guess and label in (None, row.label)
    return False


def correction_of(row: Row, review: Review | None) -> Label | None:
    """The correction, or confirmation, of a prediction by a review; None if there is nothing to learn from it."""
    if review is None or review.label is None or not isinstance(row.outcome, Prediction) or accepts_guess(row, review):
        return None
    if review.label in groups_of(row):  # which is no class to train
        return None
    return Label.of(row.outcome, review.label, Source.REVIEW)
