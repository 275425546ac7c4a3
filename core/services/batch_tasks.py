"""What is made of results in the batch process: exports, keywords, sorted folders; each task in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from core.base.errors import Cancelled, FoveaError, StorageError
from core.base.progress import CancelToken, Progress, Report
from core.jobs.job_list import job_facts
from core.jobs.queries import Answers
from core.outputs.sorting.values import SortRequest
from core.services.batch_exports import export, means
from core.services.batch_keywords import plan_keywords
from core.services.batch_messages import (
    Answer,
    AskMeans,
    CallOff,
    CarryOut,
    ContinueSorting,
    Export,
    FetchSteps,
    PlanSteps,
    StepsFetched,
    StepsPlanned,
    Task,
    TaskDone,
    TaskFailed,
    TaskProgress,
    TaskStopped,
    UndoSorting,
)
from core.services.batch_sorting import continue_sorting, plan_sorting, undo_sorting
from core.services.batch_values import Step
from core.worker import portable, unexpected

_PATIENCE_S: Final = 10.0
_PLANS_KEPT: Final = 2

_Work: TypeAlias = Export | PlanSteps | CarryOut | ContinueSorting | UndoSorting

_log = logging.getLogger(__name__)


class Plan(Protocol):
    """Steps that were worked out and not taken yet."""

    @property
    def summary(self) -> str:
        """What they come to, in words."""

    def __len__(self) -> int:
        """How many there are."""

    def steps(self, first: int, count: int) -> tuple[Step, ...]:
        """Some of them, in words."""

    def carry_out(self, ticket: int, report: Report, token: CancelToken) -> TaskDone:
        """Take them."""


@dataclass(slots=True, eq=False)
class _Running:
    """A task under way: what calls it off, and the thread that works on it."""

    token: CancelToken = field(default_factory=CancelToken)
    thread: threading.Thread | None = None


class Tasks:
    """Works on tasks.

    Attributes:
        _plans: plans by the ticket of their task; the last few.
    """

    def __init__(self, send: Callable[[Answer], None], changed: Callable[[str], None]) -> None:
        """`send` tells the window, and `changed` whoever looks at a job or lists it; both from any thread."""
        self._send, self._changed = send, changed
        self._running: dict[int, _Running] = {}
        self._plans: dict[int, tuple[str, Plan]] = {}

    def begin(self, task: Task) -> None:
        """Begin a task; returns at once."""
        match task:
            case CallOff(ticket):
                if ticket in self._running:
                    self._running[ticket].token.cancel()
            case FetchSteps(ticket, first, count):
                if ticket in self._plans:
                    self._send(StepsFetched(ticket, first, self._plans[ticket][1].steps(first, count)))
            case AskMeans():
                threading.Thread(target=lambda: self._send(means()), name="means", daemon=True).start()
            case _:
                running = self._running[task.ticket] = _Running()
                running.thread = threading.Thread(target=self._work, args=(task, running), name="task", daemon=True)
                running.thread.start()

    def close(self) -> None:
        """Call off whatever runs."""
        left = list(self._running.values())
        for running in left:
            running.token.cancel()
        for running in left:
            if running.thread is not None:
                running.thread.join(_PATIENCE_S)

    def _work(self, task: _Work, running: _Running) -> None:  # a thread of its own
        try:
            answer = self._answer(task, running.token)
        except Cancelled:
            answer = TaskStopped(task.ticket)
        except FoveaError as error:
            answer = TaskFailed(task.ticket, portable(error))
        except Exception as error:  # noqa: BLE001 - the boundary: the window waits for an answer, whatever happened
            _log.warning("The batch process met with something unforeseen.", exc_info=True)
            answer = TaskFailed(task.ticket, unexpected(error))
        del self._running[task.ticket]
        self._send(answer)

    def _answer(self, task: _Work, token: CancelToken) -> Answer:
        report = self._reporter(task.ticket)
        match task:
            case Export():
                return export(task, report, token)
            case PlanSteps():
                return self._plan(task, report, token)
            case CarryOut(ticket):
                return self._carry_out(ticket, report, token)
            case ContinueSorting() | UndoSorting():
                return self._mend(task, report, token)

    def _plan(self, task: PlanSteps, report: Report, token: CancelToken) -> StepsPlanned:
        with Answers(task.job) as answers:
            plan: Plan
            if isinstance(task.wish, SortRequest):
                plan = plan_sorting(answers, task, task.wish, report, token)
            else:
                plan = plan_keywords(answers, task, task.wish, report, token)
        while len(self._plans) >= _PLANS_KEPT:
            del self._plans[next(iter(self._plans))]
        self._plans[task.ticket] = (task.job, plan)
        return StepsPlanned(task.ticket, len(plan), plan.summary)

    def _carry_out(self, ticket: int, report: Report, token: CancelToken) -> TaskDone:
        job, plan = self._plans.pop(ticket, ("", None))
        if plan is None:
            raise StorageError("The plan is gone, and nothing was done.", hint="Have every step shown again.")
        try:
            return plan.carry_out(ticket, report, token)
        finally:
            self._changed(job)

    def _mend(self, task: ContinueSorting | UndoSorting, report: Report, token: CancelToken) -> TaskDone:
        try:
            folder = job_facts(task.job).folder
            if isinstance(task, UndoSorting):
                return undo_sorting(task, folder, report, token)
            return continue_sorting(task, folder, report, token)
        finally:
            self._changed(task.job)

    def _reporter(self, ticket: int) -> Report:
        def tell(progress: Progress) -> None:
            self._send(TaskProgress(ticket, progress))

        return tell
