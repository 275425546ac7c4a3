"""The window's side of the batch process: jobs, what is looked at of them, and what is made of results."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.base.errors import FoveaError, StorageError
from core.jobs.values import JobRequest, Review, View
from core.outputs.reports.plan import ReportFormat
from core.outputs.sorting.values import SortRequest
from core.services.batch_messages import (
    CancelTask,
    Capabilities,
    CloseView,
    ContinueSorting,
    ExecutePlan,
    Export,
    FetchRows,
    FetchSteps,
    GetCapabilities,
    JobChanged,
    JobEnded,
    JobOrder,
    JobsListed,
    JobStarted,
    ListJobs,
    OpenView,
    Pause,
    PlanSteps,
    Question,
    RemoveJob,
    RestoreJob,
    ResumeJob,
    RowsFetched,
    StartJob,
    StepsFetched,
    StepsPlanned,
    StopJob,
    Task,
    TaskCancelled,
    TaskDone,
    TaskFailed,
    TaskProgress,
    TrackRow,
    UndoSorting,
    ViewUpdated,
    WatchJob,
)
from core.services.batch_review_messages import ReviewMarked, ReviewsSet, SetReviews, UndoReviews
from core.services.batch_values import Activity, JobStatus, KeywordOptions
from core.services.processes import serve_batch
from core.worker import Warned
from gui.tasks.helper_process import HelperProcess

Spans = tuple[tuple[int, int], ...]
"""First places and counts of rows."""

_BUSY = (Activity.RUNNING, Activity.PAUSED, Activity.WATCHING)


class BatchClient(QObject):
    """Asks the batch process, which is started when the jobs are first wanted and again when it died.

    Every signal but the last four carries the message that came.

    Attributes:
        jobs_listed: which jobs there are.
        job_changed: one of them stands otherwise.
        started: a job is under way.
        job_ended: a job came to its end.
        view_updated: what is looked at under a number.
        rows_fetched: rows of it.
        steps_planned: a plan is made.
        steps_fetched: steps of it.
        task_progress: how far a task is.
        task_ended: a task is done, failed or was called off.
        capabilities: what this machine can do.
        review_failed: what the person said could not be kept; the error.
        warned: something the person should know.
        died: the process ended without being asked to; the ids of the jobs that were under way.
        failed: it cannot be started.
    """

    jobs_listed = Signal(JobsListed)
    job_changed = Signal(JobChanged)
    started = Signal(JobStarted)
    job_ended = Signal(JobEnded)
    view_updated = Signal(ViewUpdated)
    rows_fetched = Signal(RowsFetched)
    steps_planned = Signal(StepsPlanned)
    steps_fetched = Signal(StepsFetched)
    task_progress = Signal(TaskProgress)
    task_ended = Signal(object)
    capabilities = Signal(Capabilities)
    review_failed = Signal(FoveaError)
    warned = Signal(str)
    died = Signal(object)
    failed = Signal()

    def __init__(self, parent: QObject, serve: Callable[[Connection], None] = serve_batch) -> None:
        super().__init__(parent)
        self._process = HelperProcess(serve, self)
        self._process.received.connect(self._on_received)
        self._process.died.connect(self._on_died)
        self._process.failed.connect(self._on_failed)
        self._tickets = count(1)
        self._is_running = False
        self._views: dict[int, OpenView] = {}
        self._reviews: dict[int, SetReviews] = {}
        self._tasks: set[int] = set()
        self._busy: set[str] = set()

    @property
    def process_id(self) -> int | None:
        """The batch process's number while it lives."""
        return self._process.process_id

    def start(self) -> None:
        """Start the process, if it does not run, and have it tell of the jobs."""
        if self._is_running:
            return
        self._is_running = True
        self._process.start()
        self._process.send(ListJobs())
        self._process.send(GetCapabilities())
        for request in (*self._reviews.values(), *self._views.values()):
            self._process.send(request)

    def close(self) -> None:
        """End the process; a job under way is kept as far as it is."""
        self._is_running = False
        self._process.close()

    # ---- jobs

    def list_jobs(self) -> None:
        """Ask which jobs there are: another program may have begun one."""
        self._send(ListJobs())

    def begin(self, request: JobRequest) -> int:
        """Begin a job, or go on with it; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, StartJob(ticket, request))

    def resume(self, job: str) -> int:
        """Go on with a job that stopped, or look for what is new; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, ResumeJob(ticket, job))

    def pause(self, job: str, *, on: bool) -> None:
        """Let a job wait, or go on."""
        self._send(Pause(job, on))

    def stop(self, job: str) -> None:
        """Stop a job."""
        self._send(StopJob(job))

    def watch(self, job: str) -> int:
        """Classify what arrives in a job's folder until it is stopped; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, WatchJob(ticket, job))

    def remove(self, job: str) -> int:
        """Take a job that does not run from the list; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, RemoveJob(ticket, job))

    def restore(self, job: str) -> int:
        """Bring back a job that was removed; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, RestoreJob(ticket, job))

    # ---- what is looked at

    def open_view(self, request: OpenView) -> None:
        """Look at a job's rows."""
        self._views[request.number] = request
        self._send(request)

    def close_view(self, number: int) -> None:
        """Look no longer."""
        self._views.pop(number, None)
        self._send(CloseView(number))

    def track(self, number: int, row: int | None) -> None:
        """Have a row's place told."""
        self._send(TrackRow(number, row))

    def fetch(self, number: int, version: int, first: int, count: int) -> None:
        """Ask for rows of what is looked at."""
        self._send(FetchRows(number, version, first, count))

    def set_reviews(self, job: str, reviews: tuple[tuple[int, Review | None], ...]) -> None:
        """Note what the person said; told again to the process that follows one that died before it was kept."""
        request = SetReviews(next(self._tickets), job, reviews)
        self._reviews[request.ticket] = request
        self._send(request)

    def review_marked(self, number: int, version: int, spans: Spans, review: Review | None) -> int:
        """Note the same about many rows of what is looked at; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, ReviewMarked(ticket, number, self._views[number].job, version, spans, review))

    def undo_reviews(self, undone: int) -> int:
        """Have said about many rows what was said before they were reviewed under this ticket; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, UndoReviews(ticket, undone))

    # ---- what is made of results

    def export(self, job: str, view: View, format_: ReportFormat, file: Path, *, with_mark: bool) -> int:
        """Write the rows of a view to a file, CSV also with a byte-order mark; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, Export(ticket, job, view, format_, file, with_mark))

    def plan(self, job: str, view: View, requested: SortRequest | KeywordOptions) -> int:
        """Ask what sorting or writing keywords would do; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, PlanSteps(ticket, job, view, requested))

    def fetch_steps(self, ticket: int, first: int, count: int) -> None:
        """Ask for steps of a plan."""
        self._send(FetchSteps(ticket, first, count))

    def execute_plan(self, ticket: int) -> None:
        """Do what was planned."""
        self._submit(ticket, ExecutePlan(ticket))

    def undo_sorting(self, job: str, sorting: str = "") -> int:
        """Undo a sorting, the last one where none is named; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, UndoSorting(ticket, job, sorting))

    def continue_sorting(self, job: str) -> int:
        """Go on with the sorting that was interrupted; the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, ContinueSorting(ticket, job))

    def cancel(self, ticket: int) -> None:
        """Call a task off."""
        self._send(CancelTask(ticket))

    # ---- inner

    def _submit(self, ticket: int, request: JobOrder | Question | Task) -> int:
        self._tasks.add(ticket)
        self._send(request)
        return ticket

    def _send(self, message: JobOrder | Question | Task) -> None:
        self.start()
        self._process.send(message)

    def _on_received(self, message: object) -> None:
        match message:
            case JobsListed() | JobChanged() | JobStarted() | JobEnded():
                self._on_jobs(message)
            case ViewUpdated():
                self.view_updated.emit(message)
            case RowsFetched():
                self.rows_fetched.emit(message)
            case ReviewsSet():
                self._reviews.pop(message.ticket, None)
                if message.error is not None:
                    self.review_failed.emit(message.error)
            case Warned():
                self.warned.emit(message.text)
            case _:
                self._on_task(message)

    def _on_jobs(self, message: JobsListed | JobChanged | JobStarted | JobEnded) -> None:
        match message:
            case JobsListed():
                for status in message.jobs:
                    self._track_busy(status)
                self.jobs_listed.emit(message)
            case JobChanged():
                self._track_busy(message.status)
                self.job_changed.emit(message)
            case JobStarted():
                self._tasks.discard(message.ticket)
                self.started.emit(message)
            case JobEnded():
                self.job_ended.emit(message)

    def _track_busy(self, status: JobStatus) -> None:
        (self._busy.add if status.activity in _BUSY else self._busy.discard)(status.summary.id)

    def _on_task(self, message: object) -> None:
        match message:
            case StepsPlanned():
                self._tasks.discard(message.ticket)
                self.steps_planned.emit(message)
            case StepsFetched():
                self.steps_fetched.emit(message)
            case TaskProgress():
                self.task_progress.emit(message)
            case TaskDone() | TaskFailed() | TaskCancelled():
                self._tasks.discard(message.ticket)
                self.task_ended.emit(message)
            case Capabilities():
                self.capabilities.emit(message)

    def _on_died(self) -> None:
        """Answer for the process and start it again: what it wrote is kept, and what it did not keep is told again."""
        self._is_running = False
        under_way, self._busy = tuple(sorted(self._busy)), set()
        tasks, self._tasks = self._tasks, set()
        for ticket in sorted(tasks):
            self.task_ended.emit(TaskFailed(ticket, _exit_error()))
        self.start()
        self.died.emit(under_way)

    def _on_failed(self) -> None:
        self._is_running = False
        self.failed.emit()


def _exit_error() -> StorageError:
    return StorageError(
        "The part of Fovea that works on folders stopped unexpectedly.", hint="It was started again: try once more."
    )
