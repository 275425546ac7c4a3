"""What the window looks at of jobs: worked out in a thread of its own, told anew when it changes, given row by row."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from core.base.errors import FoveaError
from core.jobs.queries import ResultStore
from core.jobs.values import Filter, Group, View
from core.services.batch_messages import (
    Answer,
    CloseView,
    FetchRows,
    OpenView,
    Question,
    RowsFetched,
    TrackRow,
    ViewUpdated,
)
from core.services.batch_review_messages import ReviewMarked, SetReviews, UndoReviews
from core.services.batch_reviews import ReviewService
from core.services.batch_values import ViewSummary

BINS: Final = 20
"""Bars of the histogram of confidence."""

_MIN_INTERVAL_S: Final = 0.4
_CPU_FRACTION: Final = 8
"""Views of a job under way are worked out anew after this many times as long as that took last: the job goes first."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _OpenView:
    """A view that is looked at.

    Attributes:
        request: as it was asked for.
        version: raised whenever rows are elsewhere than before.
        numbers: of its rows, in their order.
        firsts: places where its groups begin.
        is_stale: whether its job has changed since.
        due: when it may be worked out again, on the clock of `time.monotonic`.
    """

    request: OpenView
    version: int
    numbers: Sequence[int] = field(default_factory=lambda: array("q"))
    firsts: tuple[int, ...] = ()
    is_stale: bool = False
    due: float = 0.0


class ViewService:
    """Answers questions about journals, and has noted what the person says; `send` is called from threads."""

    def __init__(self, send: Callable[[Answer], None]) -> None:
        self._send = send
        self._questions: queue.SimpleQueue[Question | str | None] = queue.SimpleQueue()
        self._views: dict[int, _OpenView] = {}
        self._journals: dict[str, ResultStore] = {}
        self._reviews = ReviewService(send, self.changed)
        self._versions = 0
        self._thread = threading.Thread(target=self._work, name="viewer", daemon=True)
        self._thread.start()

    def handle(self, question: Question) -> None:
        """Have a question answered; returns at once, and may be called from any thread."""
        self._questions.put(question)

    def changed(self, job: str) -> None:
        """A job's journal has changed; likewise."""
        self._questions.put(job)

    def cancel(self, ticket: int) -> None:
        """Note no more of what is said about many rows under this ticket; likewise."""
        self._reviews.cancel(ticket)

    def close(self) -> None:
        """Answer what was asked, and end."""
        self._questions.put(None)
        self._thread.join()

    def _work(self) -> None:  # a thread of its own
        while True:
            waiting = self._next_requests()
            if not _is_open(waiting):
                waiting = [one for one in waiting if one is not None]
                self._handle_all(waiting)
                break
            self._handle_all(waiting)
            self._refresh_stale()
        self._reviews.close()
        for journal in self._journals.values():
            journal.close()

    def _next_requests(self) -> list[Question | str | None]:
        """Everything that was asked meanwhile; waits for the first, or until a view is due."""
        due = min((one.due for one in self._views.values() if one.is_stale), default=None)
        taken: list[Question | str | None] = []
        with contextlib.suppress(queue.Empty):
            taken.append(self._questions.get(timeout=None if due is None else max(0.0, due - time.monotonic())))
            while True:
                taken.append(self._questions.get_nowait())
        return taken

    def _handle_all(self, waiting: Sequence[Question | str | None]) -> None:
        last = {one.number: one for one in waiting if isinstance(one, OpenView)}
        for question in waiting:
            if isinstance(question, OpenView) and question is not last[question.number]:
                continue  # another one followed it
            if isinstance(question, str):
                self._mark_stale(question)
            elif question is not None:
                self._handle(question)

    def _mark_stale(self, job: str) -> None:
        for view in self._views.values():
            if view.request.job == job and not view.request.is_frozen:
                view.is_stale = True

    def _handle(self, question: Question) -> None:
        try:
            match question:
                case OpenView():
                    self._versions += 1
                    view = self._views[question.number] = _OpenView(question, self._versions)
                    self._query(view, is_new=True)
                case TrackRow(number, row):
                    self._track(number, row)
                case CloseView(number):
                    self._views.pop(number, None)
                    self._close_journals()
                case FetchRows():
                    self._fetch(question)
                case SetReviews() | ReviewMarked() | UndoReviews():
                    self._review(question)
        except FoveaError as error:
            _log.warning("%s", error)

    def _track(self, number: int, row: int | None) -> None:
        view = self._views.get(number)
        if view is not None:
            view.request = replace(view.request, tracked=row)

    def _journal(self, job: str) -> ResultStore:
        if job not in self._journals:
            self._journals[job] = ResultStore(job)
        return self._journals[job]

    def _close_journals(self) -> None:
        """Give back what nobody looks at: its folder can be removed then, on every system."""
        wanted = {view.request.job for view in self._views.values()}
        for job in [job for job in self._journals if job not in wanted]:
            self._journals.pop(job).close()

    # ---- views

    def _refresh_stale(self) -> None:
        moment = time.monotonic()
        for view in list(self._views.values()):
            if view.is_stale and view.due <= moment:
                with contextlib.suppress(FoveaError):  # whoever runs the job tells what is wrong with its journal
                    self._query(view, is_new=False)

    def _query(self, view: _OpenView, *, is_new: bool) -> None:
        started, look = time.monotonic(), view.request
        view.is_stale = False
        journal = self._journal(look.job)
        journal.refresh()
        numbers = journal.numbers(look.view, 0, journal.count(look.view))
        grew = not is_new and numbers[: len(view.numbers)] == view.numbers and look.view.group is Group.NONE
        if not grew:
            self._versions += 1
            view.version = self._versions
        view.numbers = numbers
        view.firsts = tuple(group.first for group in journal.groups(look.view))
        facts = None if look.counted_by is Group.NONE else _summary(journal, look)
        self._send(ViewUpdated(look.number, view.version, len(numbers), grew, _position(view), facts))
        view.due = time.monotonic() + max(_MIN_INTERVAL_S, _CPU_FRACTION * (time.monotonic() - started))

    def _fetch(self, request: FetchRows) -> None:
        view = self._views.get(request.number)
        if view is None or view.version != request.version:
            return
        wanted = view.numbers[request.first : request.first + request.count]
        rows = tuple(self._journal(view.request.job).rows_of(wanted))
        groups: tuple[int, ...] = ()
        if view.firsts:
            places = range(request.first, request.first + len(rows))
            groups = tuple(bisect_right(view.firsts, place) - 1 for place in places)
        self._send(RowsFetched(request.number, request.version, request.first, rows, groups))

    # ---- reviews

    def _review(self, request: SetReviews | ReviewMarked | UndoReviews) -> None:
        match request:
            case SetReviews():
                self._reviews.set(request)
            case UndoReviews():
                self._reviews.undo(request)
            case ReviewMarked(ticket, number, job, version):
                view = self._views.get(number)
                if view is None or (view.request.job, view.version) != (job, version):
                    self._reviews.reject(ticket)
                    return
                numbers = array("q")
                for first, count in request.spans:
                    numbers.extend(view.numbers[first : first + count])
                self._reviews.review_marked(request, numbers)


def _is_open(waiting: Sequence[Question | str | None]) -> bool:
    return None not in waiting


def _position(view: _OpenView) -> int | None:
    followed = view.request.tracked
    if followed is None:
        return None
    with contextlib.suppress(ValueError):
        return view.numbers.index(followed)
    return None


def _summary(journal: ResultStore, look: OpenView) -> ViewSummary:
    anyhow = replace(look.view.filter, confidence_low=0.0, confidence_high=1.0)
    left_out = journal.count(View(filter=look.view.filter)) - journal.count(look.view)
    return ViewSummary(journal.counts(), journal.histogram(anyhow, BINS), tuple(_group_counts(journal, look)), left_out)


def _group_counts(journal: ResultStore, look: OpenView) -> Iterator[tuple[str, int]]:
    """Each class or folder with how many photos it has."""
    if look.counted_by is Group.FOLDER:
        for folder, count in journal.folder_counts(look.unfiltered).items():
            yield ("" if folder == Path() else str(folder)), count
        return
    yield from journal.class_counts(look.unfiltered).items()
    failed = _failures(journal, look.unfiltered)
    if failed:
        yield "", failed


def _failures(journal: ResultStore, around: Filter) -> int:
    """Those without an answer, nor a person's label, that the filter leaves."""
    if around.failed is False:
        return 0
    return journal.count(View(filter=replace(around, failed=True)))
