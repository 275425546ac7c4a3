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
from core.base.progress import CancelToken, StageClock
from core.datasets import corrections
from core.datasets.corrections import Correction
from core.jobs.queries import Answers, Said
from core.jobs.reviewing import correction_of, is_left_open, left_open_text, review_of
from core.jobs.values import Review, Row
from core.services.batch_messages import (
    Answer,
    TaskDone,
    TaskFailed,
    TaskProgress,
    TaskStopped,
)
from core.services.batch_review_messages import ReviewMarked, ReviewsSet, SetReviews, TakeBack
from core.worker import portable, unexpected

_AT_ONCE: Final = 500
"""Rows noted in one transaction, which a job under way waits for meanwhile."""
_KEPT: Final = 20
"""How many of the latest can be taken back."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Noted:
    """What was said about many rows: of which job, and what had been said about them before."""

    job: str
    before: Said = field(default_factory=dict)


class Reviews:
    """Notes reviews, and for the models what can be learnt from those of many rows; of few rows the window notes it."""

    def __init__(self, send: Callable[[Answer], None], changed: Callable[[str], None]) -> None:
        """`send` tells the window, and `changed` whoever looks at a job; both are called from any thread."""
        self._send, self._changed = send, changed
        self._noted: dict[int, _Noted] = {}
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
        self._begin(request.ticket, lambda token: self._review_marked(request, numbers, token))

    def take_back(self, request: TakeBack) -> None:
        """Have said about many rows again what was said before; returns at once."""
        self._begin(request.ticket, lambda _: self._take_back(request))

    def call_off(self, ticket: int) -> None:
        """Note no more of many rows; what is noted by then is, and can be taken back."""
        token = self._tokens.get(ticket)
        if token is not None:
            token.cancel()

    def refuse(self, ticket: int) -> None:
        """Rows were marked in a view that has changed meanwhile."""
        what = "The photos stand elsewhere by now, so nothing was noted."
        self._send(TaskFailed(ticket, UsageError(what, hint="Mark them once more.")))

    def close(self) -> None:
        """Note what was said, and end."""
        self._thread.shutdown(wait=True)

    def _begin(self, ticket: int, deed: Callable[[CancelToken], str]) -> None:
        self._tokens[ticket] = CancelToken()
        self._last = self._thread.submit(self._work, ticket, deed)

    # ---- in the thread, but for a few rows

    def _set(self, request: SetReviews) -> None:
        error: FoveaError | None = None
        try:
            with Answers(request.job) as answers:
                answers.restore(dict(request.reviews))
        except FoveaError as failure:
            error = portable(failure)
        self._send(ReviewsSet(request.ticket, error))
        self._changed(request.job)

    def _work(self, ticket: int, deed: Callable[[CancelToken], str]) -> None:
        answer: Answer
        try:
            answer = TaskDone(ticket, deed(self._tokens[ticket]))
        except Cancelled:
            answer = TaskStopped(ticket)
        except FoveaError as error:
            answer = TaskFailed(ticket, portable(error))
        except Exception as error:  # noqa: BLE001 - the boundary: the window waits for an answer, whatever happened
            _log.warning("The batch process met with something unforeseen.", exc_info=True)
            answer = TaskFailed(ticket, unexpected(error))
        del self._tokens[ticket]
        self._send(answer)

    def _review_marked(self, request: ReviewMarked, numbers: Sequence[int], token: CancelToken) -> str:
        while len(self._noted) >= _KEPT:
            del self._noted[next(iter(self._noted))]
        noted = self._noted[request.ticket] = _Noted(request.job)

        left_open = 0

        def meant(row: Row) -> Review | None:
            nonlocal left_open
            left_open += is_left_open(row, request.review)
            return review_of(row, request.review)

        count = self._note(request.ticket, noted, numbers, meant, token)
        return f"{_photos(count)} labelled. Ctrl+Z takes that back. {left_open_text(left_open)}".strip()

    def _take_back(self, request: TakeBack) -> str:
        noted = self._noted.pop(request.undone, None)
        if noted is None:
            raise UsageError("It cannot be taken back any more.", hint="Mark the photos, and take back what you said.")
        before = noted.before
        self._note(request.ticket, _Noted(noted.job), list(before), lambda row: before[row.number], CancelToken())
        return ""  # the rows say so

    def _note(
        self,
        ticket: int,
        noted: _Noted,
        numbers: Sequence[int],
        meant: Callable[[Row], Review | None],
        token: CancelToken,
    ) -> int:
        """Note what is meant of rows, some at a time, and what had been said; how many are otherwise now."""
        clock = StageClock("Labelling", len(numbers), lambda progress: self._send(TaskProgress(ticket, progress)))
        learnt: dict[str, dict[Path, Correction | None]] = defaultdict(dict)
        try:
            with Answers(noted.job) as answers:
                for some in _parts(numbers):
                    token.check()
                    rows = [(row, meant(row)) for row in answers.rows_of(some)]
                    others = [(row, review) for row, review in rows if review != row.review]
                    noted.before |= answers.restore({row.number: review for row, review in others})
                    for row, review in others:
                        learnt[row.model][row.path] = correction_of(row, review)
                    clock.advance(len(some))
        finally:
            self._changed(noted.job)
            for model, told in learnt.items():
                _tell_model(model, told)
        return sum(map(len, learnt.values()))


def _tell_model(model: str, told: Mapping[Path, Correction | None]) -> None:
    """Have a model learn these the next time; None: nothing is said of that image any more."""
    made = [correction for correction in told.values() if correction is not None]
    gone = [path for path, correction in told.items() if correction is None]
    if model:
        corrections.change(model, add=made, withdraw=gone)


def _parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _AT_ONCE):
        yield numbers[start : start + _AT_ONCE]


def _photos(count: int) -> str:
    return "1 photo is" if count == 1 else f"{count:,} photos are"
