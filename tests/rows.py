"""Rows of jobs as journals have them."""

from __future__ import annotations

from pathlib import Path

from core.jobs.values import Review, Row, State
from core.prediction import Failure, Prediction, Score, Timing


def classified(
    path: Path, *scores: tuple[str, float], unknown: bool | None = None, review: Review | None = None, number: int = 1
) -> Row:
    """A row with a prediction, most likely class first."""
    made = tuple(Score(*score) for score in scores)
    outcome = Prediction(path, made, unknown, "colours", "cpu", Timing(1.0, 2.0, 3.0))
    return Row(number, path, Path(), State.DONE, outcome, review, model=outcome.model)


def failed(path: Path, number: int = 1) -> Row:
    """A row of a photo that could not be read."""
    outcome = Failure(path, "damaged", "It is damaged.", "Take another.")
    return Row(number, path, Path(), State.FAILED, outcome, model="colours")
