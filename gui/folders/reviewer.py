"""Reviews: stored by the batch process, shown immediately, counted as corrections, and undoable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from core.api import jobs as api
from core.base.i18n import tr, tr_n
from core.datasets.labels import Label
from core.jobs.reviewing import accepts_guess, can_be_accepted, correction_of, review_of
from core.jobs.values import JobSummary, Review, Row, Verdict
from core.models.values import InstalledModel
from core.services.job_values import SelectedRows
from gui.folders.outputs_controller import OutputsController
from gui.folders.review_outbox import ReviewOutbox
from gui.session.correction_store import CorrectionStore
from gui.session.undo import Change, Step
from gui.tasks.task import Task

RowReviews = tuple[tuple[Row, Review | None], ...]
"""Rows as they were before, each with its new review."""


class Reviewer(QObject):
    """Stores the reviews of one job at a time.

    Attributes:
        outbox: stores the reviews in the batch process.
        undo_stack: the reviews of the job, to undo and redo.
        reviewed: reviews were added or removed; a `RowReviews`.
        reviewed_many: the reviews of many rows were stored.
    """

    reviewed = Signal(object)
    reviewed_many = Signal()

    def __init__(
        self, outbox: ReviewOutbox, outputs: OutputsController, corrections: CorrectionStore, parent: QObject
    ) -> None:
        super().__init__(parent)
        self.outbox, self._outputs, self._corrections = outbox, outputs, corrections
        self._job = ""
        self.undo_stack = QUndoStack(self)
        self._numbers, self._failed = count(1), set[int]()

    def open(self, job: str) -> None:
        """Store the reviews of this job from now on."""
        if job != self._job:
            self._job = job
            self.undo_stack.clear()

    def classes_of(self, job: JobSummary, installed: Mapping[str, InstalledModel]) -> tuple[str, ...]:
        """The classes to choose from for a job's model; empty if the model is gone."""
        model = installed.get(job.model)
        return () if model is None else self._corrections.classes_of(job.model, model.card.classes)

    def take_over_labels(self, job: str) -> None:
        """Take over labels that were given to a job's photos elsewhere in the meantime."""
        self.outbox.share_labels(job).succeeded.connect(self._on_shared)

    def _on_shared(self, has_changed: bool) -> None:  # noqa: FBT001 - the result of a call
        if has_changed:
            self.reviewed_many.emit()

    def accept(self, row: Row) -> None:
        """Confirm the prediction of a row, if it has one to confirm."""
        if can_be_accepted(row):
            self._review_row(row, Review(Verdict.ACCEPTED))

    def label(self, row: Row, name: str) -> None:
        """Label a row with a class."""
        self._review_row(row, Review(Verdict.CORRECTED, name))

    def skip(self, row: Row) -> None:
        """Skip a row."""
        self._review_row(row, Review(Verdict.SKIPPED))

    def _review_row(self, row: Row, review: Review) -> None:
        self.apply([(row, review_of(row, review))])

    def review(self, rows: Sequence[Row], wanted: Review | None) -> None:
        """Apply a review to rows that do not have it yet; None removes their reviews."""
        reviews = [(row, review_of(row, wanted)) for row in rows]
        self.apply([(row, review) for row, review in reviews if review != row.review])

    def review_selected(self, selected: SelectedRows, model: str, review: Review | None) -> None:
        """Apply a review to many rows in the batch process; one undo reverts all of them.

        Args:
            selected: the rows, too many to load here.
            model: the name of the model that made most of their predictions.
            review: the review; None removes reviews.
        """
        self.undo_stack.push(Step(tr("reviews"), partial(self._apply_selected, self._job, selected, model, review)))

    def apply(self, reviews: Sequence[tuple[Row, Review | None]]) -> None:
        """Store these reviews together; one undo reverts all of them."""
        if reviews:
            text = tr_n("review", "{count:,} reviews", len(reviews))
            self.undo_stack.push(Step(text, partial(self._apply, self._job, tuple(reviews))))

    def _apply(self, job: str, reviews: RowReviews) -> Change:
        self.outbox.store(job, {row.number: review for row, review in reviews})
        unlabel = self._label(reviews)
        self.reviewed.emit(reviews)
        return partial(self._revert, job, reviews, unlabel)

    def _revert(self, job: str, reviews: RowReviews, unlabel: Change) -> None:
        before = tuple((row, None if accepts_guess(row, row.review) else row.review) for row, _ in reviews)
        self.outbox.store(job, {row.number: review for row, review in before})
        unlabel()
        self.reviewed.emit(before)

    def _apply_selected(self, job: str, selected: SelectedRows, model: str, review: Review | None) -> Change:
        number = next(self._numbers)
        self._review_many(job, number, model, api.review_selected, selected, review)
        return partial(self._revert_selected, job, number, model)

    def _revert_selected(self, job: str, number: int, model: str) -> None:
        if number not in self._failed:  # else nothing was stored
            self._review_many(job, number, model, api.undo_reviews)

    def _review_many(self, job: str, number: int, model: str, verb: Callable[..., Any], *arguments: object) -> None:
        self.outbox.add(partial(self._start_many, job, number, model, verb, *arguments))

    def _start_many(self, job: str, number: int, model: str, verb: Callable[..., Any], *arguments: object) -> Task:
        task = self._outputs.run(job, tr("Labelling photos"), verb, number, *arguments)
        task.failed.connect(lambda _: self._failed.add(number))
        task.ended.connect(lambda: self._on_many_ended(model))
        return task

    def _on_many_ended(self, model: str) -> None:
        self._corrections.read(model)
        self.reviewed_many.emit()

    def _label(self, reviews: Sequence[tuple[Row, Review | None]]) -> Change:
        """Label the photos of reviewed rows, or remove their labels; return what undoes it."""
        by_model: dict[str, dict[Path, Label | None]] = defaultdict(dict)
        for row, review in reviews:
            label = correction_of(row, review)
            if row.model and (label is not None or row.review is not None):
                by_model[row.model][row.path] = label
        return self._corrections.update(by_model)
