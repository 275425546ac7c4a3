"""The tasks of the batch process: exports, keywords and sorting, each in its own thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from core.base.errors import Cancelled, FoveaError, StorageError
from core.base.i18n import tr
from core.base.progress import CancelToken, Progress, ProgressCallback
from core.jobs.job_list import job_summary
from core.jobs.queries import ResultStore
from core.outputs.sorting.values import SortRequest
from core.services.batch_exports import capabilities, export
from core.services.batch_keywords import plan_keywords
from core.services.batch_messages import (
    Answer,
    CancelTask,
    ContinueSorting,
    ExecutePlan,
    Export,
    FetchSteps,
    GetCapabilities,
    PlanSteps,
    StepsFetched,
    StepsPlanned,
    Task,
    TaskCancelled,
    TaskDone,
    TaskFailed,
    TaskProgress,
    UndoSorting,
)
from core.services.batch_sorting import continue_sorting, plan_sorting, undo_sorting
from core.services.batch_values import PlannedStep
from core.worker import portable, unexpected

_TIMEOUT_S: Final = 10.0
_MAX_PLANS: Final = 2

_Work: TypeAlias = Export | PlanSteps | ExecutePlan | ContinueSorting | UndoSorting

_log = logging.getLogger(__name__)


class Plan(Protocol):
    """Steps that were planned but not run yet."""

    @property
    def summary(self) -> str:
        """The plan in numbers, as a message."""

    def __len__(self) -> int:
        """The number of steps."""

    def steps(self, first: int, count: int) -> tuple[PlannedStep, ...]:
        """`count` steps from `first` on, as texts."""

    def execute(self, ticket: int, report: ProgressCallback, token: CancelToken) -> TaskDone:
        """Run the steps."""


@dataclass(slots=True, eq=False)
class _RunningTask:
    """A running task: its cancel token and its thread."""

    token: CancelToken = field(default_factory=CancelToken)
    thread: threading.Thread | None = None


class Tasks:
    """Runs tasks.

    Attributes:
        _plans: the last few plans, as (job, plan), by the ticket of their task.
    """

    def __init__(self, send: Callable[[Answer], None], changed: Callable[[str], None]) -> None:
        """`send` sends a message to the window, and `changed` reports a changed job; both from any thread."""
        self._send, self._changed = send, changed
        self._running: dict[int, _RunningTask] = {}
        self._plans: dict[int, tuple[str, Plan]] = {}

    def start(self, task: Task) -> None:
        """Start a task and return immediately."""
        match task:
            case CancelTask(ticket):
                if ticket in self._running:
                    self._running[ticket].token.cancel()
            case FetchSteps(ticket, first, count):
                if ticket in self._plans:
                    self._send(StepsFetched(ticket, first, self._plans[ticket][1].steps(first, count)))
            case GetCapabilities():
                threading.Thread(target=lambda: self._send(capabilities()), name="capabilities", daemon=True).start()
            case _:
                running = self._running[task.ticket] = _RunningTask()
                running.thread = threading.Thread(target=self._work, args=(task, running), name="task", daemon=True)
                running.thread.start()

    def close(self) -> None:
        """Cancel all running tasks."""
        left = list(self._running.values())
        for running in left:
            running.token.cancel()
        for running in left:
            if running.thread is not None:
                running.thread.join(_TIMEOUT_S)

    def _work(self, task: _Work, running: _RunningTask) -> None:  # a thread of its own
        try:
            answer = self._run(task, running.token)
        except Cancelled:
            answer = TaskCancelled(task.ticket)
        except FoveaError as error:
            answer = TaskFailed(task.ticket, portable(error))
        except Exception as error:  # noqa: BLE001 - the window waits for a reply, whatever happens
            _log.warning("The batch process failed unexpectedly.", exc_info=True)
            answer = TaskFailed(task.ticket, unexpected(error))
        del self._running[task.ticket]
        self._send(answer)

    def _run(self, task: _Work, token: CancelToken) -> Answer:
        report = self._reporter(task.ticket)
        match task:
            case Export():
                return export(task, report, token)
            case PlanSteps():
                return self._plan(task, report, token)
            case ExecutePlan(ticket):
                return self._execute(ticket, report, token)
            case ContinueSorting() | UndoSorting():
                return self._finish_sorting(task, report, token)

    def _plan(self, task: PlanSteps, report: ProgressCallback, token: CancelToken) -> StepsPlanned:
        with ResultStore(task.job) as results:
            plan: Plan
            if isinstance(task.requested, SortRequest):
                plan = plan_sorting(results, task, task.requested, report, token)
            else:
                plan = plan_keywords(results, task, task.requested, report, token)
        while len(self._plans) >= _MAX_PLANS:
            del self._plans[next(iter(self._plans))]
        self._plans[task.ticket] = (task.job, plan)
        return StepsPlanned(task.ticket, len(plan), plan.summary)

    def _execute(self, ticket: int, report: ProgressCallback, token: CancelToken) -> TaskDone:
        job, plan = self._plans.pop(ticket, ("", None))
        if plan is None:
            raise StorageError(tr("The plan has expired. Nothing was changed."), hint=tr("Preview the steps again."))
        try:
            return plan.execute(ticket, report, token)
        finally:
            self._changed(job)

    def _finish_sorting(
        self, task: ContinueSorting | UndoSorting, report: ProgressCallback, token: CancelToken
    ) -> TaskDone:
        try:
            folder = job_summary(task.job).folder
            if isinstance(task, UndoSorting):
                return undo_sorting(task, folder, report, token)
            return continue_sorting(task, folder, report, token)
        finally:
            self._changed(task.job)

    def _reporter(self, ticket: int) -> ProgressCallback:
        def send(progress: Progress) -> None:
            self._send(TaskProgress(ticket, progress))

        return send
