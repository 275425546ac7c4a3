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
from core.jobs.queries import Answers
from core.jobs.values import Filter, Group, View
from core.services.batch_messages import (
    Answer,
    FetchRows,
    Follow,
    Look,
    LookAway,
    Question,
    RowsFetched,
    ViewTold,
)
from core.services.batch_review_messages import ReviewMarked, SetReviews, TakeBack
from core.services.batch_reviews import Reviews
from core.services.batch_values import ViewFacts

BINS: Final = 20
"""Bars of the histogram of confidence."""

_LEAST_PAUSE_S: Final = 0.4
_SHARE: Final = 8
"""Views of a job under way are worked out anew after this many times as long as that took last: the job goes first."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Looking:
    """A view that is looked at.

    Attributes:
        look: as it was asked for.
        version: raised whenever rows are elsewhere than before.
        numbers: of its rows, in their order.
        firsts: places where its groups begin.
        is_old: whether its job has changed since.
        due: when it may be worked out again, on the clock of `time.monotonic`.
    """

    look: Look
    version: int
    numbers: Sequence[int] = field(default_factory=lambda: array("q"))
    firsts: tuple[int, ...] = ()
    is_old: bool = False
    due: float = 0.0


class Viewer:
    """Answers questions about journals, and has noted what the person says; `send` is called from threads."""

    def __init__(self, send: Callable[[Answer], None]) -> None:
        self._send = send
        self._questions: queue.SimpleQueue[Question | str | None] = queue.SimpleQueue()
        self._lookings: dict[int, _Looking] = {}
        self._journals: dict[str, Answers] = {}
        self._reviews = Reviews(send, self.changed)
        self._versions = 0
        self._thread = threading.Thread(target=self._work, name="viewer", daemon=True)
        self._thread.start()

    def ask(self, question: Question) -> None:
        """Have a question answered; returns at once, and may be called from any thread."""
        self._questions.put(question)

    def changed(self, job: str) -> None:
        """A job's journal has changed; likewise."""
        self._questions.put(job)

    def call_off(self, ticket: int) -> None:
        """Note no more of what is said about many rows under this ticket; likewise."""
        self._reviews.call_off(ticket)

    def close(self) -> None:
        """Answer what was asked, and end."""
        self._questions.put(None)
        self._thread.join()

    def _work(self) -> None:  # a thread of its own
        while True:
            waiting = self._take()
            if not _goes_on(waiting):
                waiting = [one for one in waiting if one is not None]
                self._answer_all(waiting)
                break
            self._answer_all(waiting)
            self._work_out_old()
        self._reviews.close()
        for journal in self._journals.values():
            journal.close()

    def _take(self) -> list[Question | str | None]:
        """Everything that was asked meanwhile; waits for the first, or until a view is due."""
        due = min((one.due for one in self._lookings.values() if one.is_old), default=None)
        taken: list[Question | str | None] = []
        with contextlib.suppress(queue.Empty):
            taken.append(self._questions.get(timeout=None if due is None else max(0.0, due - time.monotonic())))
            while True:
                taken.append(self._questions.get_nowait())
        return taken

    def _answer_all(self, waiting: Sequence[Question | str | None]) -> None:
        last = {one.number: one for one in waiting if isinstance(one, Look)}
        for question in waiting:
            if isinstance(question, Look) and question is not last[question.number]:
                continue  # another one followed it
            if isinstance(question, str):
                self._age(question)
            elif question is not None:
                self._answer(question)

    def _age(self, job: str) -> None:
        for looking in self._lookings.values():
            if looking.look.job == job and not looking.look.is_still:
                looking.is_old = True

    def _answer(self, question: Question) -> None:
        try:
            match question:
                case Look():
                    self._versions += 1
                    looking = self._lookings[question.number] = _Looking(question, self._versions)
                    self._work_out(looking, is_new=True)
                case Follow(number, row):
                    self._follow(number, row)
                case LookAway(number):
                    self._lookings.pop(number, None)
                    self._close_journals()
                case FetchRows():
                    self._fetch(question)
                case SetReviews() | ReviewMarked() | TakeBack():
                    self._review(question)
        except FoveaError as error:
            _log.warning("%s", error)

    def _follow(self, number: int, row: int | None) -> None:
        looking = self._lookings.get(number)
        if looking is not None:
            looking.look = replace(looking.look, followed=row)

    def _journal(self, job: str) -> Answers:
        if job not in self._journals:
            self._journals[job] = Answers(job)
        return self._journals[job]

    def _close_journals(self) -> None:
        """Give back what nobody looks at: its folder can be removed then, on every system."""
        wanted = {looking.look.job for looking in self._lookings.values()}
        for job in [job for job in self._journals if job not in wanted]:
            self._journals.pop(job).close()

    # ---- views

    def _work_out_old(self) -> None:
        moment = time.monotonic()
        for looking in list(self._lookings.values()):
            if looking.is_old and looking.due <= moment:
                with contextlib.suppress(FoveaError):  # whoever runs the job tells what is wrong with its journal
                    self._work_out(looking, is_new=False)

    def _work_out(self, looking: _Looking, *, is_new: bool) -> None:
        started, look = time.monotonic(), looking.look
        looking.is_old = False
        journal = self._journal(look.job)
        journal.refresh()
        numbers = journal.numbers(look.view, 0, journal.count(look.view))
        grew = not is_new and numbers[: len(looking.numbers)] == looking.numbers and look.view.group is Group.NONE
        if not grew:
            self._versions += 1
            looking.version = self._versions
        looking.numbers = numbers
        looking.firsts = tuple(group.first for group in journal.groups(look.view))
        facts = None if look.tallied is Group.NONE else _facts(journal, look)
        self._send(ViewTold(look.number, looking.version, len(numbers), grew, _place(looking), facts))
        looking.due = time.monotonic() + max(_LEAST_PAUSE_S, _SHARE * (time.monotonic() - started))

    def _fetch(self, request: FetchRows) -> None:
        looking = self._lookings.get(request.number)
        if looking is None or looking.version != request.version:
            return
        wanted = looking.numbers[request.first : request.first + request.count]
        rows = tuple(self._journal(looking.look.job).rows_of(wanted))
        groups: tuple[int, ...] = ()
        if looking.firsts:
            places = range(request.first, request.first + len(rows))
            groups = tuple(bisect_right(looking.firsts, place) - 1 for place in places)
        self._send(RowsFetched(request.number, request.version, request.first, rows, groups))

    # ---- reviews

    def _review(self, request: SetReviews | ReviewMarked | TakeBack) -> None:
        match request:
            case SetReviews():
                self._reviews.set(request)
            case TakeBack():
                self._reviews.take_back(request)
            case ReviewMarked(ticket, number, job, version):
                looking = self._lookings.get(number)
                if looking is None or (looking.look.job, looking.version) != (job, version):
                    self._reviews.refuse(ticket)
                    return
                numbers = array("q")
                for first, count in request.spans:
                    numbers.extend(looking.numbers[first : first + count])
                self._reviews.review_marked(request, numbers)


def _goes_on(waiting: Sequence[Question | str | None]) -> bool:
    return None not in waiting


def _place(looking: _Looking) -> int | None:
    followed = looking.look.followed
    if followed is None:
        return None
    with contextlib.suppress(ValueError):
        return looking.numbers.index(followed)
    return None


def _facts(journal: Answers, look: Look) -> ViewFacts:
    anyhow = replace(look.view.filter, confidence_low=0.0, confidence_high=1.0)
    left_out = journal.count(View(filter=look.view.filter)) - journal.count(look.view)
    return ViewFacts(journal.counts(), journal.histogram(anyhow, BINS), tuple(_tallies(journal, look)), left_out)


def _tallies(journal: Answers, look: Look) -> Iterator[tuple[str, int]]:
    """Each class or folder with how many photos it has."""
    if look.tallied is Group.FOLDER:
        for folder, count in journal.folder_counts(look.around).items():
            yield ("" if folder == Path() else str(folder)), count
        return
    yield from journal.class_counts(look.around).items()
    failed = _failures(journal, look.around)
    if failed:
        yield "", failed


def _failures(journal: Answers, around: Filter) -> int:
    """Those without an answer, nor a person's label, that the filter leaves."""
    if around.failed is False:
        return 0
    return journal.count(View(filter=replace(around, failed=True)))
