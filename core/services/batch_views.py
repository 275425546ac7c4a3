"""Views of jobs: computed in a separate thread, sent again when they change, with rows on request."""

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
"""Number of bins of the confidence histogram."""

_MIN_INTERVAL_S: Final = 0.4
_CPU_FRACTION: Final = 8
"""A view of a running job waits this many times its last computing time before the next: the job has priority."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _OpenView:
    """An open view.

    Attributes:
        request: the request that opened it.
        version: incremented whenever rows change places.
        numbers: the numbers of its rows, in order.
        firsts: the places of the first rows of its groups.
        is_stale: whether its job has changed since it was computed.
        due: when it may be computed again, on the clock of `time.monotonic`.
    """

    request: OpenView
    version: int
    numbers: Sequence[int] = field(default_factory=lambda: array("q"))
    firsts: tuple[int, ...] = ()
    is_stale: bool = False
    due: float = 0.0


class ViewService:
    """Serves views of journals, and stores reviews; `send` is called from several threads."""

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
        """Queue a request, and return immediately; may be called from any thread."""
        self._questions.put(question)

    def changed(self, job: str) -> None:
        """Note that a job's journal has changed; may be called from any thread."""
        self._questions.put(job)

    def cancel(self, ticket: int) -> None:
        """Stop storing the reviews of many rows with this ticket; may be called from any thread."""
        self._reviews.cancel(ticket)

    def close(self) -> None:
        """Handle the queued requests, and end."""
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
        """Wait for a request, or until a view is due, and return all queued requests."""
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
                continue  # superseded by a later one
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
        """Close unused journals: Windows cannot remove a folder with open files."""
        wanted = {view.request.job for view in self._views.values()}
        for job in [job for job in self._journals if job not in wanted]:
            self._journals.pop(job).close()

    # ---- views

    def _refresh_stale(self) -> None:
        moment = time.monotonic()
        for view in list(self._views.values()):
            if view.is_stale and view.due <= moment:
                with contextlib.suppress(FoveaError):  # the job itself reports what is wrong with its journal
                    self._query(view, is_new=False)

    def _query(self, view: _OpenView, *, is_new: bool) -> None:
        started, request = time.monotonic(), view.request
        view.is_stale = False
        journal = self._journal(request.job)
        journal.refresh()
        listing = journal.listing(request.view)
        numbers = listing.numbers
        grew = not is_new and numbers[: len(view.numbers)] == view.numbers and request.view.group is Group.NONE
        if not grew:
            self._versions += 1
            view.version = self._versions
        view.numbers = numbers
        view.firsts = tuple(group.first for group in listing.groups)
        summary = None if request.counted_by is Group.NONE else _summary(journal, request)
        self._send(ViewUpdated(request.number, view.version, len(numbers), grew, _position(view), summary))
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
    tracked = view.request.tracked
    if tracked is None:
        return None
    with contextlib.suppress(ValueError):
        return view.numbers.index(tracked)
    return None


def _summary(journal: ResultStore, request: OpenView) -> ViewSummary:
    any_confidence = replace(request.view.filter, confidence_low=0.0, confidence_high=1.0)
    excluded = journal.count(View(filter=request.view.filter)) - journal.count(request.view)
    return ViewSummary(journal.histogram(any_confidence, BINS), tuple(_group_counts(journal, request)), excluded)


def _group_counts(journal: ResultStore, request: OpenView) -> Iterator[tuple[str, int]]:
    """Each class or folder with its count of photos."""
    if request.counted_by is Group.FOLDER:
        for folder, count in journal.folder_counts(request.unfiltered).items():
            yield ("" if folder == Path() else str(folder)), count
        return
    yield from journal.class_counts(request.unfiltered).items()
    failed = _failures(journal, request.unfiltered)
    if failed:
        yield "", failed


def _failures(journal: ResultStore, around: Filter) -> int:
    """The number of unlabelled photos without a prediction that match the filter."""
    if around.failed is False:
        return 0
    return journal.count(View(filter=replace(around, failed=True)))
