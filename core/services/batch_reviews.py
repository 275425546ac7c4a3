"""What the person says about rows, noted in turn: about few rows at once, about very many in a thread of its own."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.base.errors import Cancelled, FoveaError, UsageError
from core.base.progress import CancelToken, ProgressReporter
from core.datasets import corrections
from core.datasets.corrections import Correction
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
"""Rows noted in one transaction, which a job under way waits for meanwhile."""
_MAX_UNDO: Final = 20
"""How many of the latest can be taken back."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _ReviewBatch:
    """What was said about many rows: of which job, and what had been said about them before."""

    job: str
    before: ReviewsByNumber = field(default_factory=dict)


class ReviewService:
    """Notes reviews, and for the models what can be learnt from those of many rows; of few rows the window notes it."""

    def __init__(self, send: Callable[[Answer], None], changed: Callable[[str], None]) -> None:
        """`send` tells the window, and `changed` whoever looks at a job; both are called from any thread."""
        self._send, self._changed = send, changed
        self._noted: dict[int, _ReviewBatch] = {}
        self._tokens: dict[int, CancelToken] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reviews")
        self._last: Future[None] | None = None

    def set(self, request: SetReviews) -> None:
        """Note what was said about some rows: before it returns, so that the next look finds it noted.

        Only while very many are being noted it waits its turn behind them.
        """
        if self._last is None or self._last.done():
            self._set(request)
        else:
            self._last = self._thread.submit(self._set, request)

    def review_marked(self, request: ReviewMarked, numbers: Sequence[int]) -> None:
        """Note the same about many rows, by their numbers; returns at once."""
        self._start(request.ticket, lambda token: self._review_marked(request, numbers, token))

    def undo(self, request: UndoReviews) -> None:
        """Have said about many rows again what was said before; returns at once."""
        self._start(request.ticket, lambda _: self._undo(request))

    def cancel(self, ticket: int) -> None:
        """Note no more of many rows; what is noted by then is, and can be taken back."""
        token = self._tokens.get(ticket)
        if token is not None:
            token.cancel()

    def reject(self, ticket: int) -> None:
        """Rows were marked in a view that has changed meanwhile."""
        what = "The photos stand elsewhere by now, so nothing was noted."
        self._send(TaskFailed(ticket, UsageError(what, hint="Mark them once more.")))

    def close(self) -> None:
        """Note what was said, and end."""
        self._thread.shutdown(wait=True)

    def _start(self, ticket: int, work: Callable[[CancelToken], str]) -> None:
        self._tokens[ticket] = CancelToken()
        self._last = self._thread.submit(self._work, ticket, work)

    # ---- in the thread, but for a few rows

    def _set(self, request: SetReviews) -> None:
        error: FoveaError | None = None
        try:
            with ResultStore(request.job) as answers:
                answers.set_reviews(dict(request.reviews))
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
        except Exception as error:  # noqa: BLE001 - the boundary: the window waits for an answer, whatever happened
            _log.warning("The batch process met with something unforeseen.", exc_info=True)
            answer = TaskFailed(ticket, unexpected(error))
        del self._tokens[ticket]
        self._send(answer)

    def _review_marked(self, request: ReviewMarked, numbers: Sequence[int], token: CancelToken) -> str:
        while len(self._noted) >= _MAX_UNDO:
            del self._noted[next(iter(self._noted))]
        noted = self._noted[request.ticket] = _ReviewBatch(request.job)

        left_open = 0

        def intended(row: Row) -> Review | None:
            nonlocal left_open
            left_open += is_left_open(row, request.review)
            return review_of(row, request.review)

        count = self._apply(request.ticket, noted, numbers, intended, token)
        return f"{_photos(count)} labelled. Ctrl+Z takes that back. {left_open_text(left_open)}".strip()

    def _undo(self, request: UndoReviews) -> str:
        noted = self._noted.pop(request.undone, None)
        if noted is None:
            raise UsageError("It cannot be taken back any more.", hint="Mark the photos, and take back what you said.")
        before = noted.before
        self._apply(
            request.ticket, _ReviewBatch(noted.job), list(before), lambda row: before[row.number], CancelToken()
        )
        return ""  # the rows say so

    def _apply(
        self,
        ticket: int,
        noted: _ReviewBatch,
        numbers: Sequence[int],
        intended: Callable[[Row], Review | None],
        token: CancelToken,
    ) -> int:
        """Note what is meant of rows, some at a time, and what had been said; how many are otherwise now."""
        clock = ProgressReporter("Labelling", len(numbers), lambda progress: self._send(TaskProgress(ticket, progress)))
        learnable: dict[str, dict[Path, Correction | None]] = defaultdict(dict)
        try:
            with ResultStore(noted.job) as answers:
                for some in _chunks(numbers):
                    token.check()
                    rows = [(row, intended(row)) for row in answers.rows_of(some)]
                    others = [(row, review) for row, review in rows if review != row.review]
                    noted.before |= answers.set_reviews({row.number: review for row, review in others})
                    for row, review in others:
                        learnable[row.model][row.path] = correction_of(row, review)
                    clock.advance(len(some))
        finally:
            self._changed(noted.job)
            for model, changed in learnable.items():
                _update_corrections(model, changed)
        return sum(map(len, learnable.values()))


def _update_corrections(model: str, reviews: Mapping[Path, Correction | None]) -> None:
    """Have a model learn these the next time; None: nothing is said of that image any more."""
    added = [correction for correction in reviews.values() if correction is not None]
    removed = [path for path, correction in reviews.items() if correction is None]
    if model:
        corrections.change(model, add=added, remove=removed)


def _chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _BATCH_SIZE):
        yield numbers[start : start + _BATCH_SIZE]


def _photos(count: int) -> str:
    return "1 photo is" if count == 1 else f"{count:,} photos are"
