"""Jobs under way in the batch process: each in a thread of its own, told about as it goes."""

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
    """A job under way.

    Attributes:
        request: what was asked.
        ticket: of who asked.
        token: stops it and pauses it.
        thread: works on it.
        summary: what its journal said last; None before there is one.
        progress: how far it is.
        reported_at: when that was told last, on the clock of `time.monotonic`.
        counted_at: when its journal was asked last.
        has_started: whether its beginning was told.
        watch_state: how the watch of its folder fares; None where it is a plain run.
        skipped: files of kinds that Fovea does not read, in words.
        links: links to folders that were not followed.
        misnamed: images that are not named like one.
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
    """Runs jobs, and tells how they stand.

    Attributes:
        _running: jobs under way, by their ids; the threads that finish them take them out.
    """

    def __init__(self, send: Callable[[Answer], None], changed: Callable[[str], None]) -> None:
        """`send` tells the window, and `changed` whoever looks at a job's journal; both from any thread."""
        self._send, self._changed = send, changed
        self._running: dict[str, _RunningJob] = {}
        purge()

    def handle(self, order: JobOrder) -> None:
        """Do what the window wants."""
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
        """Stop whatever runs; each can go on later."""
        left = list(self._running.values())
        for running in left:
            running.token.cancel()
        for running in left:
            if running.thread is not None:
                running.thread.join(_TIMEOUT_S)

    # ---- what is told

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

    def _status(self, facts: JobSummary) -> JobStatus:
        running = self._running.get(facts.id)
        if running is not None:
            activity = Activity.PAUSED if running.token.paused else Activity.RUNNING
            if running.watch_state is not None:
                return JobStatus(facts, Activity.WATCHING, message=running.watch_state.message)
            return JobStatus(facts, activity, running.progress)
        undoable, interrupted = sortings_of(facts.folder)
        activity = _idle_activity(facts)
        if activity is Activity.EXTERNAL:
            self._changed(facts.id)  # nobody else tells whoever looks at it
        return JobStatus(facts, activity, sortings=undoable, interrupted=interrupted)

    def publish(self, job: str, running: _RunningJob | None = None) -> None:
        """Tell how a job stands."""
        try:
            facts = job_summary(job)
        except FoveaError as error:
            _log.warning("%s", error)
            return
        if running is not None:
            running.summary = facts
        self._send(JobChanged(self._status(facts)))

    # ---- what is done

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
        """Take a job from the list, or bring it back, and tell which are left."""
        try:
            if job in self._running:
                raise UsageError("This folder is being classified.", hint="Stop the job first; then it can be removed.")
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
        except Exception as failure:  # noqa: BLE001 - the boundary: the window waits for an answer, whatever happened
            _log.warning("The batch process met with something unforeseen.", exc_info=True)
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
        """Answers need not be delivered anywhere: they are in the journal, where the window sees them."""

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
        """Tell how far it is, a few times a second; what its journal says less often, for that takes longer."""
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
    """Refuse a new job on a folder without photos: there would be nothing in it to do anything with.

    Raises:
        UsageError: there is no such folder, nothing in it counts, or it cannot be read.
    """
    walk = Walk(request, job_folder(job_id(request)))
    if not walk.is_empty():
        return
    if walk.unreadable_folders:
        raise UsageError(walk.unreadable_folders[0].message, hint=walk.unreadable_folders[0].hint)
    what = f"No photos found in “{display_path(request.folder.name or request.folder)}”."
    if request.include or request.exclude:
        raise UsageError(what, hint="Check the patterns: they leave nothing.")
    if walk.skipped:
        raise UsageError(f"{what} {describe_kinds(walk.skipped)}", hint=SAVE_HINT)
    raise UsageError(what, hint="In folders, photos are files such as .jpg, .png, .webp or .heic.")


def _idle_activity(facts: JobSummary) -> Activity:
    """What a job does that this process does not run."""
    if facts.state is JobState.RUNNING:
        return Activity.EXTERNAL
    if not facts.folder.is_dir():
        return Activity.MISSING
    return Activity.FINISHED if facts.state is JobState.FINISHED else Activity.STOPPED


def _request_of(facts: JobSummary) -> JobRequest:
    """What goes on with a job: the same version of its model answers what is left."""
    chosen = settings.load(paths.settings_file())
    return JobRequest(
        folder=facts.folder,
        recursive=facts.recursive,
        include=facts.include,
        exclude=facts.exclude,
        model=f"{facts.model}@{facts.version}" if facts.version else facts.model,
        provider=chosen.provider,
        precision=chosen.precision,
        top_k=chosen.top_k,
        keep_features=facts.keep_features,
    )


def _unreadable_folders(job: str) -> tuple[UnreadableFolder, ...]:
    try:
        with ResultStore(job) as results:
            return results.unreadable_folders()
    except FoveaError:
        return ()
