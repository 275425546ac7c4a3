"""The client of the batch process: jobs, views of their results, and tasks on results."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.base.errors import FoveaError, StorageError
from core.base.i18n import tr
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
"""Ranges of rows: first row and count of each."""

_BUSY = (Activity.RUNNING, Activity.PAUSED, Activity.WATCHING)


class BatchClient(QObject):
    """Sends requests to the batch process, which is started on first use and again after a crash.

    All signals but the last four carry the received message.

    Attributes:
        jobs_listed: all jobs.
        job_changed: the status of a job changed.
        started: a job was started.
        job_ended: a job ended.
        view_updated: a view was opened or updated.
        rows_fetched: requested rows of a view.
        steps_planned: a plan is ready.
        steps_fetched: requested steps of a plan.
        task_progress: the progress of a task.
        task_ended: a task is done, failed or was cancelled.
        capabilities: the features available on this machine.
        review_failed: reviews could not be stored; the error.
        warned: a warning for the user.
        died: the process ended unexpectedly; the ids of the jobs that were running.
        failed: the process cannot be started.
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
        """The process ID while the batch process runs."""
        return self._process.process_id

    def start(self) -> None:
        """Start the process, unless it is running, and request the jobs."""
        if self._is_running:
            return
        self._is_running = True
        self._process.start()
        self._process.send(ListJobs())
        self._process.send(GetCapabilities())
        for request in (*self._reviews.values(), *self._views.values()):
            self._process.send(request)

    def close(self) -> None:
        """End the process; running jobs keep their progress."""
        self._is_running = False
        self._process.close()

    # ---- jobs

    def list_jobs(self) -> None:
        """Request all jobs, including those started by other programs."""
        self._send(ListJobs())

    def begin(self, request: JobRequest) -> int:
        """Start or resume a job and return the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, StartJob(ticket, request))

    def resume(self, job: str) -> int:
        """Resume a stopped job, or look for new photos of a finished one, and return the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, ResumeJob(ticket, job))

    def pause(self, job: str, *, on: bool) -> None:
        """Pause or resume a running job."""
        self._send(Pause(job, on))

    def stop(self, job: str) -> None:
        """Stop a job."""
        self._send(StopJob(job))

    def watch(self, job: str) -> int:
        """Watch a job's folder and classify new photos until stopped; return the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, WatchJob(ticket, job))

    def remove(self, job: str) -> int:
        """Remove a job that is not running from the list and return the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, RemoveJob(ticket, job))

    def restore(self, job: str) -> int:
        """Restore a removed job and return the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, RestoreJob(ticket, job))

    # ---- views

    def open_view(self, request: OpenView) -> None:
        """Open or change a view of a job's rows."""
        self._views[request.number] = request
        self._send(request)

    def close_view(self, number: int) -> None:
        """Close a view."""
        self._views.pop(number, None)
        self._send(CloseView(number))

    def track(self, number: int, row: int | None) -> None:
        """Report the position of a row at each update of the view; None stops it."""
        self._send(TrackRow(number, row))

    def fetch(self, number: int, version: int, first: int, count: int) -> None:
        """Request rows of a view."""
        self._send(FetchRows(number, version, first, count))

    def set_reviews(self, job: str, reviews: tuple[tuple[int, Review | None], ...]) -> None:
        """Store reviews; they are sent again after a crash of the process until it has stored them."""
        request = SetReviews(next(self._tickets), job, reviews)
        self._reviews[request.ticket] = request
        self._send(request)

    def review_marked(self, number: int, version: int, spans: Spans, review: Review | None) -> int:
        """Store the same review of many rows of a view and return the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, ReviewMarked(ticket, number, self._views[number].job, version, spans, review))

    def undo_reviews(self, undone: int) -> int:
        """Undo the reviews stored under a ticket and return the new ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, UndoReviews(ticket, undone))

    # ---- tasks on results

    def export(self, job: str, view: View, format_: ReportFormat, file: Path, *, with_mark: bool) -> int:
        """Export the rows of a view to a file, CSV optionally with a byte-order mark; return the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, Export(ticket, job, view, format_, file, with_mark))

    def plan(self, job: str, view: View, requested: SortRequest | KeywordOptions) -> int:
        """Plan the steps of sorting or writing keywords and return the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, PlanSteps(ticket, job, view, requested))

    def fetch_steps(self, ticket: int, first: int, count: int) -> None:
        """Request steps of a plan."""
        self._send(FetchSteps(ticket, first, count))

    def execute_plan(self, ticket: int) -> None:
        """Execute a plan."""
        self._submit(ticket, ExecutePlan(ticket))

    def undo_sorting(self, job: str, sorting: str = "") -> int:
        """Undo a sorting, by default the last one, and return the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, UndoSorting(ticket, job, sorting))

    def continue_sorting(self, job: str) -> int:
        """Resume an interrupted sorting and return the ticket."""
        ticket = next(self._tickets)
        return self._submit(ticket, ContinueSorting(ticket, job))

    def cancel(self, ticket: int) -> None:
        """Cancel a task."""
        self._send(CancelTask(ticket))

    # ---- private

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
        """Fail the running tasks and restart the process, which then gets unstored reviews again."""
        self._is_running = False
        running, self._busy = tuple(sorted(self._busy)), set()
        tasks, self._tasks = self._tasks, set()
        for ticket in sorted(tasks):
            self.task_ended.emit(TaskFailed(ticket, _exit_error()))
        self.start()
        self.died.emit(running)

    def _on_failed(self) -> None:
        self._is_running = False
        self.failed.emit()


def _exit_error() -> StorageError:
    return StorageError(
        tr("The part of Fovea that processes folders stopped unexpectedly."), hint=tr("It was restarted. Try again.")
    )
