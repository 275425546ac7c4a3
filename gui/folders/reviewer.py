"""Reviews: stored by the batch process, shown immediately, counted as corrections, and undoable."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from core.base.i18n import tr
from core.jobs.reviewing import accepts_guess, can_be_accepted, correction_of, review_of
from core.jobs.values import Review, Row, Verdict
from core.services.batch_messages import TaskCancelled, TaskDone, TaskFailed
from gui.folders.running_tasks import RunningTasks
from gui.session.correction_store import CorrectionStore
from gui.tasks.jobs_client import BatchClient

RowReviews = tuple[tuple[Row, Review | None], ...]
"""Rows as they were before, each with its new review."""


class Reviewer(QObject):
    """Stores the reviews of one job at a time.

    Attributes:
        reviewed: reviews were added or removed; a `RowReviews`.
        reviewed_many: the reviews of many rows were stored.
    """

    reviewed = Signal(object)
    reviewed_many = Signal()

    def __init__(
        self, client: BatchClient, corrections: CorrectionStore, running_tasks: RunningTasks, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._client, self._corrections, self._running_tasks = client, corrections, running_tasks
        self._job = ""
        self._done: list[RowReviews | tuple[int, str]] = []
        self._many: dict[int, str] = {}
        client.task_ended.connect(self._on_task_ended)

    def open(self, job: str) -> None:
        """Store the reviews of this job from now on."""
        if job != self._job:
            self._job = job
            self._done.clear()

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

    def track(self, ticket: int, model: str) -> None:
        """Track a task that reviews many rows, most of them classified by this model; one undo reverts all of them."""
        self._done.append((ticket, model))
        self._begin(ticket, model)

    def apply(self, reviews: Sequence[tuple[Row, Review | None]]) -> None:
        """Store these reviews together; one undo reverts all of them."""
        if reviews:
            self._done.append(tuple(reviews))
            self._store(tuple(reviews))

    def undo(self) -> RowReviews:
        """Undo the last reviews, and return those restored to rows that are loaded here."""
        match self._done.pop() if self._done else ():
            case (int(undone), str(model)):
                self._begin(self._client.undo_reviews(undone), model)
                return ()
            case done:
                before = tuple((row, None if accepts_guess(row, row.review) else row.review) for row, _ in done)
                if before:
                    self._store(before)
                return before

    def _begin(self, ticket: int, model: str) -> None:
        self._many[ticket] = model
        self._running_tasks.add(ticket, self._job, tr("Labelling photos"))

    def _on_task_ended(self, ended: TaskDone | TaskFailed | TaskCancelled) -> None:
        model = self._many.pop(ended.ticket, None)
        if model is None:
            return
        if isinstance(ended, TaskFailed):
            self._done = [one for one in self._done if one[:1] != (ended.ticket,)]
        self._corrections.read(model)
        self.reviewed_many.emit()

    def _store(self, reviews: RowReviews) -> None:
        self._client.set_reviews(self._job, tuple((row.number, review) for row, review in reviews))
        for model in sorted({row.model for row, _ in reviews}):
            self._correct(model, [(row, review) for row, review in reviews if row.model == model])
        self.reviewed.emit(reviews)

    def _correct(self, model: str, reviews: Sequence[tuple[Row, Review | None]]) -> None:
        """Store reviews that correct or confirm a prediction as corrections, for the next training of the model."""
        by_path = {row.path: correction_of(row, review) for row, review in reviews}
        added = [correction for correction in by_path.values() if correction is not None]
        known = self._corrections.all(model)
        removed = [path for path, correction in by_path.items() if correction is None and path in known]
        if added or removed:
            self._corrections.update(model, added, removed=removed)
