"""What a person says about rows: what it means for each of them, and what a model can learn from it.

The window imports this: nothing heavy is needed for it.
"""

from __future__ import annotations

from core.batch.values import Review, Row, Verdict
from core.corrections import Correction
from core.prediction import Prediction


def review_of(row: Row, said: Review | None) -> Review | None:
    """What is noted of a row, where the same is said about several.

    An answer that is accepted becomes the person's label; a label that is the answer accepts it. What has no answer
    cannot be accepted, and stays as it is.
    """
    match said:
        case Review(Verdict.ACCEPTED):
            return row.review if row.label is None else Review(Verdict.ACCEPTED, row.label)
        case Review(Verdict.CORRECTED, name) if name == row.label:
            return Review(Verdict.ACCEPTED, name)
    return said


def correction_of(row: Row, review: Review | None) -> Correction | None:
    """What a model can learn from what was said about a row: a label that corrects its answer, or confirms it."""
    if review is None or review.label is None or not isinstance(row.outcome, Prediction):
        return None
    sure = min(max(row.confidence or 0.0, 0.0), 1.0)
    return Correction(row.path, row.label or "", sure, review.label, row.model)
