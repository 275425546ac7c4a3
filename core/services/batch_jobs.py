"""The running jobs of the batch process, each in its own thread, with progress messages."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from core.base import paths, settings
from core.base.errors import Cancelled, FoveaError, StorageError, UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.base.text import display_path
from core.images.kinds import SAVE_HINT, describe_kinds
from core.jobs import watch as folder_watch
from core.jobs.job import Job, open_lazy_classifier
from core.jobs.job_list import BrokenJob, job_summary, list_jobs
from core.jobs.journal import job_folder, job_id
from core.jobs.queries import ResultStore
from core.jobs.schema import FILE
from core.jobs.trash import purge, restore, trash
from core.jobs.values import JobProgress, JobRequest, JobState, JobSummary, UnreadableFolder
from core.jobs.walk import Walk
from core.jobs.watch import WatchPhase, WatchState
from core.outputs.sorting.records import BrokenSorting, list_sortings
from core.outputs.sorting.values import SortingSummary
from core.services.batch_messages import (
    Answer,
    JobChanged,
    JobEnded,
    JobOrder,
    JobsListed,
    JobStarted,
    ListJobs,
    Pause,
    RemoveJob,
    RestoreJob,
    ResumeJob,
    StartJob,
    StopJob,
    TaskDone,
    TaskFailed,
    WatchJob,
)
from core.services.batch_sorting import sortings_of
from core.services.batch_values import Activity, JobStatus
from core.worker import portable, unexpected

_PROGRESS_INTERVAL_S: Final = 0.2
_COUNT_INTERVAL_S: Final = 2.0
_TIMEOUT_S: Final = 10.0

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _RunningJob:
    """A running job.

    Attributes:
        request: the folder, model and options.
        ticket: the ticket of the request.
        token: pauses and cancels the job.
        thread: the thread that runs the job.
        summary: the last summary read from its journal; None before the first.
        progress: the last progress.
        reported_at: when progress was last sent, on the clock of `time.monotonic`.
        counted_at: when the journal was last read, on the same clock.
        has_started: whether `JobStarted` was sent.
        watch_state: the state of watching its folder; None if the job just runs once.
        skipped: a message about skipped files of unsupported types; empty if there are none.
        links: the number of links to folders that were not followed.
        misnamed: the number of images without an image extension.
    """

    request: JobRequest
    ticket: int
    token: CancelToken = field(default_factory=CancelToken)
    thread: threading.Thread | None = None
    summary: JobSummary | None = None
    progress: JobProgress | None = None
    reported_at: float = 0.0
    counted_at: float = 0.0
    has_started: bool = False
    watch_state: WatchState | None = None
    skipped: str = ""
    links: int = 0
    misnamed: int = 0


class Jobs:
    """Runs jobs, and reports their status.

    Attributes:
        _running: running jobs by their ids; their threads remove them when they end.
    """

    def __init__(self, send: Callable[[Answer], None], changed: Callable[[str], None]) -> None:
        """`send` sends a message to the window, and `changed` reports a changed journal; both from any thread."""
        self._send, self._changed = send, changed
        self._running: dict[str, _RunningJob] = {}
        purge()

    def handle(self, order: JobOrder) -> None:
        """Handle a request of the window."""
        match order:
            case ListJobs():
                self._list()
            case StartJob(ticket, request):
                self._start(ticket, request)
            case ResumeJob(ticket, job):
                self._resume(ticket, job)
            case WatchJob(ticket, job):
                self._resume(ticket, job, is_watch=WatchState(WatchPhase.WAITING))
            case RemoveJob(ticket, job) | RestoreJob(ticket, job):
                self._move(ticket, job, trash if isinstance(order, RemoveJob) else restore)
            case Pause() | StopJob():
                self._steer(order)

    def close(self) -> None:
        """Stop all running jobs; they can be resumed later."""
        left = list(self._running.values())
        for running in left:
            running.token.cancel()
        for running in left:
            if running.thread is not None:
                running.thread.join(_TIMEOUT_S)

    # ---- status

    def _list(self) -> None:
        found: tuple[JobSummary | BrokenJob, ...] = ()
        sortings: tuple[SortingSummary | BrokenSorting, ...] = ()
        try:
            found, sortings = list_jobs(), list_sortings()
        except StorageError as error:
            _log.warning("%s", error)
        for broken in (*found, *sortings):
            if isinstance(broken, BrokenJob | BrokenSorting):
                _log.warning("%s", broken.error)
        jobs = (self._status(one) for one in found if isinstance(one, JobSummary))
        self._send(JobsListed(tuple(jobs)))

    def _status(self, summary: JobSummary) -> JobStatus:
        running = self._running.get(summary.id)
        if running is not None:
            activity = Activity.PAUSED if running.token.paused else Activity.RUNNING
            if running.watch_state is not None:
                return JobStatus(summary, Activity.WATCHING, message=running.watch_state.message)
            return JobStatus(summary, activity, running.progress)
        undoable, interrupted = sortings_of(summary.folder)
        activity = _idle_activity(summary)
        if activity is Activity.EXTERNAL:
            self._changed(summary.id)  # the other program sends no notifications
        return JobStatus(summary, activity, sortings=undoable, interrupted=interrupted)

    def publish(self, job: str, running: _RunningJob | None = None) -> None:
        """Send the status of a job."""
        try:
            summary = job_summary(job)
        except FoveaError as error:
            _log.warning("%s", error)
            return
        if running is not None:
            running.summary = summary
        self._send(JobChanged(self._status(summary)))

    # ---- running

    def _start(self, ticket: int, request: JobRequest, is_watch: WatchState | None = None) -> None:
        job = job_id(request)
        if job in self._running:
            self._send(JobStarted(ticket, job))
            return
        running = self._running[job] = _RunningJob(request, ticket, watch_state=is_watch)
        running.thread = threading.Thread(target=self._work, args=(job, running), name="job", daemon=True)
        running.thread.start()

    def _resume(self, ticket: int, job: str, is_watch: WatchState | None = None) -> None:
        try:
            self._start(ticket, _request_of(job_summary(job)), is_watch)
        except FoveaError as error:
            self._send(TaskFailed(ticket, portable(error)))

    def _steer(self, order: Pause | StopJob) -> None:
        running = self._running.get(order.job)
        if running is None:
            return
        match order:
            case Pause(job, on):
                (running.token.pause if on else running.token.resume)()
                self.publish(job, running)
            case StopJob():
                running.token.cancel()

    def _move(self, ticket: int, job: str, move: Callable[[str], None]) -> None:
        """Move a job to or from the trash, and send the new list of jobs."""
        try:
            if job in self._running:
                raise UsageError(tr("This folder is being classified."), hint=tr("Stop the job before removing it."))
            move(job)
        except FoveaError as error:
            self._send(TaskFailed(ticket, portable(error)))
            return
        self._list()
        self._send(TaskDone(ticket, ""))

    def _work(self, job: str, running: _RunningJob) -> None:  # a thread of its own
        error: FoveaError | None = None
        try:
            (self._run if running.watch_state is None else self._watch)(job, running)
        except Cancelled:
            pass
        except FoveaError as failure:
            error = portable(failure)
        except Exception as failure:  # noqa: BLE001 - the window waits for a reply, whatever happens
            _log.warning("The batch process failed unexpectedly.", exc_info=True)
            error = unexpected(failure)
        del self._running[job]
        self._end(job, running, error)

    def _run(self, job: str, running: _RunningJob) -> None:
        if not (job_folder(job) / FILE).exists():
            _check_has_photos(running.request)
        classifier, report = open_lazy_classifier(running.request), partial(self._report, job, running)
        with Job(running.request, classifier, token=running.token, report=report) as opened:
            self._publish_started(job, running)
            for _ in opened.results():
                pass
            running.skipped = describe_kinds(opened.skipped)
            running.links, running.misnamed = opened.links, opened.misnamed

    def _watch(self, job: str, running: _RunningJob) -> None:
        """Watch the folder. Results need no delivery: the window reads them from the journal."""

        def note(state: WatchState) -> None:
            running.watch_state = state
            self._changed(job)
            self.publish(job, running)

        classifier = open_lazy_classifier(running.request)
        watch = folder_watch.Watch(
            running.request, classifier, lambda *_: self._changed(job), token=running.token, state=note
        )
        self._publish_started(job, running)
        watch.run()

    def _publish_started(self, job: str, running: _RunningJob) -> None:
        running.has_started = True
        self.publish(job, running)
        self._send(JobStarted(running.ticket, job))

    def _report(self, job: str, running: _RunningJob, progress: JobProgress) -> None:
        """Send progress five times a second; read the journal every two seconds only, as that takes longer."""
        before, moment, running.progress = running.progress, time.monotonic(), progress
        all_are_found = before is not None and before.walked != progress.walked
        if moment - running.reported_at < _PROGRESS_INTERVAL_S and not all_are_found:
            return
        running.reported_at = moment
        self._changed(job)
        if running.summary is None or moment - running.counted_at >= _COUNT_INTERVAL_S:
            running.counted_at = moment
            self.publish(job, running)
        else:
            self._send(JobChanged(self._status(running.summary)))

    def _end(self, job: str, running: _RunningJob, error: FoveaError | None) -> None:
        if not running.has_started and error is not None:
            self._send(TaskFailed(running.ticket, error))
            return
        self.publish(job)
        self._changed(job)
        self._send(JobEnded(job, error, _unreadable_folders(job), running.skipped, running.links, running.misnamed))


def _check_has_photos(request: JobRequest) -> None:
    """Refuse a new job on a folder without photos.

    Raises:
        UsageError: the folder does not exist, contains no matching photos, or cannot be read.
    """
    walk = Walk(request, job_folder(job_id(request)))
    if not walk.is_empty():
        return
    if walk.unreadable_folders:
        raise UsageError(walk.unreadable_folders[0].message, hint=walk.unreadable_folders[0].hint)
    what = tr("No photos found in “{folder}”.", folder=display_path(request.folder.name or request.folder))
    if request.include or request.exclude:
        raise UsageError(what, hint=tr("Check the include and exclude patterns."))
    if walk.skipped:
        raise UsageError(f"{what} {describe_kinds(walk.skipped)}", hint=tr(SAVE_HINT))
    raise UsageError(what, hint=tr("Fovea looks for files such as .jpg, .png, .webp and .heic."))


def _idle_activity(summary: JobSummary) -> Activity:
    """The activity of a job that this process does not run."""
    if summary.state is JobState.RUNNING:
        return Activity.EXTERNAL
    if not summary.folder.is_dir():
        return Activity.MISSING
    return Activity.FINISHED if summary.state is JobState.FINISHED else Activity.STOPPED


def _request_of(summary: JobSummary) -> JobRequest:
    """The request that resumes a job with the same version of its model."""
    chosen = settings.load(paths.settings_file())
    return JobRequest(
        folder=summary.folder,
        recursive=summary.recursive,
        include=summary.include,
        exclude=summary.exclude,
        model=f"{summary.model}@{summary.version}" if summary.version else summary.model,
        provider=chosen.provider,
        precision=chosen.precision,
        top_k=chosen.top_k,
        keep_features=summary.keep_features,
    )


def _unreadable_folders(job: str) -> tuple[UnreadableFolder, ...]:
    try:
        with ResultStore(job) as results:
            return results.unreadable_folders()
    except FoveaError:
        return ()
