"""Storing reviews in order: those of a few rows immediately, those of many rows in a separate thread."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.base.errors import Cancelled, FoveaError, UsageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken, ProgressReporter
from core.datasets.label_file import open_labels
from core.datasets.labels import Label, Scope
from core.jobs.queries import ResultStore, ReviewsByNumber
from core.jobs.reviewing import correction_of, is_left_open, left_open_text, review_of
from core.jobs.values import Review, Row
from core.services.batch_messages import (
    Answer,
    TaskCancelled,
    TaskDone,
    TaskFailed,
    TaskProgress,
)
from core.services.batch_review_messages import ReviewMarked, ReviewsSet, SetReviews, UndoReviews
from core.worker import portable, unexpected

_BATCH_SIZE: Final = 500
"""Rows stored in one transaction, during which a running job waits."""
_MAX_UNDO: Final = 20
"""The number of reviews of many rows that can be undone."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _ReviewBatch:
    """A review of many rows: the job, and the earlier reviews of the rows."""

    job: str
    before: ReviewsByNumber = field(default_factory=dict)


class ReviewService:
    """Stores reviews and, for reviews of many rows, corrections; for a few rows the window stores the corrections."""

    def __init__(self, send: Callable[[Answer], None], changed: Callable[[str], None]) -> None:
        """`send` sends a message to the window, and `changed` reports a changed job; both from any thread."""
        self._send, self._changed = send, changed
        self._batches: dict[int, _ReviewBatch] = {}
        self._tokens: dict[int, CancelToken] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reviews")
        self._last: Future[None] | None = None

    def set(self, request: SetReviews) -> None:
        """Store reviews of a few rows before returning, so that the next query sees them.

        While reviews of many rows are being stored, these wait for their turn instead.
        """
        if self._last is None or self._last.done():
            self._set(request)
        else:
            self._last = self._thread.submit(self._set, request)

    def review_marked(self, request: ReviewMarked, numbers: Sequence[int]) -> None:
        """Start applying a review to rows by their numbers, and return immediately."""
        self._start(request.ticket, lambda token: self._review_marked(request, numbers, token))

    def undo(self, request: UndoReviews) -> None:
        """Start restoring the earlier reviews of many rows, and return immediately."""
        self._start(request.ticket, lambda _: self._undo(request))

    def cancel(self, ticket: int) -> None:
        """Stop storing reviews of many rows; those stored by then can be undone."""
        token = self._tokens.get(ticket)
        if token is not None:
            token.cancel()

    def reject(self, ticket: int) -> None:
        """Report that the view has changed since rows were selected in it."""
        what = tr("The list has changed, so nothing was saved.")
        self._send(TaskFailed(ticket, UsageError(what, hint=tr("Select the photos again."))))

    def close(self) -> None:
        """Store the pending reviews, and end."""
        self._thread.shutdown(wait=True)

    def _start(self, ticket: int, work: Callable[[CancelToken], str]) -> None:
        self._tokens[ticket] = CancelToken()
        self._last = self._thread.submit(self._work, ticket, work)

    # ---- in the thread, except for a few rows

    def _set(self, request: SetReviews) -> None:
        error: FoveaError | None = None
        try:
            with ResultStore(request.job) as results:
                results.set_reviews(dict(request.reviews))
        except FoveaError as failure:
            error = portable(failure)
        self._send(ReviewsSet(request.ticket, error))
        self._changed(request.job)

    def _work(self, ticket: int, work: Callable[[CancelToken], str]) -> None:
        answer: Answer
        try:
            answer = TaskDone(ticket, work(self._tokens[ticket]))
        except Cancelled:
            answer = TaskCancelled(ticket)
        except FoveaError as error:
            answer = TaskFailed(ticket, portable(error))
        except Exception as error:  # noqa: BLE001 - the window waits for a reply, whatever happens
            _log.warning("The batch process failed unexpectedly.", exc_info=True)
            answer = TaskFailed(ticket, unexpected(error))
        del self._tokens[ticket]
        self._send(answer)

    def _review_marked(self, request: ReviewMarked, numbers: Sequence[int], token: CancelToken) -> str:
        while len(self._batches) >= _MAX_UNDO:
            del self._batches[next(iter(self._batches))]
        batch = self._batches[request.ticket] = _ReviewBatch(request.job)

        left_open = 0

        def intended(row: Row) -> Review | None:
            nonlocal left_open
            left_open += is_left_open(row, request.review)
            return review_of(row, request.review)

        count = self._apply(request.ticket, batch, numbers, intended, token)
        labelled = tr_n(
            "Labelled {count:,} photo. Press Ctrl+Z to undo.", "Labelled {count:,} photos. Press Ctrl+Z to undo.", count
        )
        return f"{labelled} {left_open_text(left_open)}".strip()

    def _undo(self, request: UndoReviews) -> str:
        batch = self._batches.pop(request.undone, None)
        if batch is None:
            raise UsageError(
                tr("These labels can no longer be undone."), hint=tr("Select the photos, then remove their labels.")
            )
        before = batch.before
        self._apply(
            request.ticket, _ReviewBatch(batch.job), list(before), lambda row: before[row.number], CancelToken()
        )
        return ""  # the rows show it

    def _apply(
        self,
        ticket: int,
        batch: _ReviewBatch,
        numbers: Sequence[int],
        intended: Callable[[Row], Review | None],
        token: CancelToken,
    ) -> int:
        """Store the intended reviews in batches, keep the earlier ones, and return how many rows changed."""
        clock = ProgressReporter(
            tr("Labelling photos"), len(numbers), lambda progress: self._send(TaskProgress(ticket, progress))
        )
        by_model: dict[str, dict[Path, Label | None]] = defaultdict(dict)
        try:
            with ResultStore(batch.job) as results:
                for some in _chunks(numbers):
                    token.check()
                    rows = [(row, intended(row)) for row in results.rows_of(some)]
                    others = [(row, review) for row, review in rows if review != row.review]
                    batch.before |= results.set_reviews({row.number: review for row, review in others})
                    for row, review in others:
                        by_model[row.model][row.path] = correction_of(row, review)
                    clock.advance(len(some))
        finally:
            self._changed(batch.job)
            for model, changed in by_model.items():
                _update_corrections(model, changed)
        return sum(map(len, by_model.values()))


def _update_corrections(model: str, reviews: Mapping[Path, Label | None]) -> None:
    """Add and remove corrections of a model; None removes the correction of an image."""
    if model:
        with open_labels() as store:
            store.change(reviews, Scope(model))


def _chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _BATCH_SIZE):
        yield numbers[start : start + _BATCH_SIZE]
