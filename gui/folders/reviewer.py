"""What the person says about answers: kept by the batch process, shown at once, counted as corrections, and undone."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from core.batch.values import Review, Row, Verdict
from core.corrections import Correction
from core.prediction import Prediction
from gui.correction_book import CorrectionBook
from gui.folders.client import BatchClient

Said = tuple[tuple[Row, Review | None], ...]
"""Rows as they were before, and what the person says of each now."""


class Reviewer(QObject):
    """Notes reviews of one job at a time.

    Attributes:
        said: the person said, or took back, something; a `Said`.
    """

    said = Signal(object)

    def __init__(self, client: BatchClient, book: CorrectionBook, parent: QObject) -> None:
        super().__init__(parent)
        self._client, self._book = client, book
        self._job = ""
        self._done: list[Said] = []

    def open(self, job: str) -> None:
        """Note what is said about this job from now on."""
        if job != self._job:
            self._job = job
            self._done.clear()

    def accept(self, rows: Sequence[Row]) -> None:
        """The answers of these are right."""
        self.say([(row, Review(Verdict.ACCEPTED, row.label)) for row in rows if row.label is not None])

    def label(self, rows: Sequence[Row], name: str) -> None:
        """Each of these is a `name`, whatever the model said."""
        self.say([(row, _labelled(row, name)) for row in rows])

    def skip(self, rows: Sequence[Row]) -> None:
        """Leave these open."""
        self.say([(row, Review(Verdict.SKIPPED)) for row in rows])

    def take_back(self, rows: Sequence[Row]) -> None:
        """Have nothing said about these."""
        self.say([(row, None) for row in rows if row.review is not None])

    def say(self, reviews: Sequence[tuple[Row, Review | None]]) -> None:
        """Note these together; one undo takes all of them back."""
        if reviews:
            self._done.append(tuple(reviews))
            self._note(tuple(reviews))

    def undo(self) -> Said:
        """Take back what was said last; what is said of those rows again."""
        if not self._done:
            return ()
        before = tuple((row, row.review) for row, _ in self._done.pop())
        self._note(before)
        return before

    def _note(self, said: Said) -> None:
        self._client.set_reviews(self._job, tuple((row.number, review) for row, review in said))
        for model in sorted({row.model for row, _ in said}):
            self._correct(model, [(row, review) for row, review in said if row.model == model])
        self.said.emit(said)

    def _correct(self, model: str, said: Sequence[tuple[Row, Review | None]]) -> None:
        """Corrections count for the next training of the model; whatever else is said of a photo is none."""
        made = [_correction(row, review.label) for row, review in said if _is_correction(row, review) and review]
        known = self._book.all(model)
        gone = [row.path for row, review in said if not _is_correction(row, review) and row.path in known]
        if made or gone:
            self._book.put_all(model, made, withdraw=gone)


def _labelled(row: Row, name: str) -> Review:
    return Review(Verdict.ACCEPTED if name == row.label else Verdict.CORRECTED, name)


def _is_correction(row: Row, review: Review | None) -> bool:
    return review is not None and review.verdict is Verdict.CORRECTED and isinstance(row.outcome, Prediction)


def _correction(row: Row, name: str | None) -> Correction:
    sure = min(max(row.confidence or 0.0, 0.0), 1.0)
    return Correction(row.path, row.label or "", sure, name or "", row.model)
