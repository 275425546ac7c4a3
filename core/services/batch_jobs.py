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
from core.base.text import printable
from core.images.kinds import SAVE_HINT, in_words
from core.jobs import watch as folder_watch
from core.jobs.job import Job, open_answering
from core.jobs.job_list import BrokenJob, job_facts, list_jobs
from core.jobs.journal import job_folder, job_id
from core.jobs.queries import Answers
from core.jobs.schema import FILE
from core.jobs.trash import bring_back, put_aside, sweep
from core.jobs.values import JobFacts, JobProgress, JobRequest, JobState, Trouble
from core.jobs.walk import Walk
from core.jobs.watch import Watching, WatchState
from core.outputs.sorting.records import BrokenSorting, list_sortings
from core.outputs.sorting.values import SortingFacts
from core.services.batch_messages import (
    Answer,
    Begin,
    Begun,
    GoOn,
    JobChanged,
    JobEnded,
    JobOrder,
    JobsListed,
    ListJobs,
    Pause,
    RemoveJob,
    RestoreJob,
    StopJob,
    TaskDone,
    TaskFailed,
    Watch,
)
from core.services.batch_sorting import sortings_of
from core.services.batch_values import Doing, JobNews
from core.worker import portable, unexpected

_TOLD_S: Final = 0.2
_COUNTED_S: Final = 2.0
_PATIENCE_S: Final = 10.0

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Running:
    """A job under way.

    Attributes:
        request: what was asked.
        ticket: of who asked.
        token: stops it and pauses it.
        thread: works on it.
        facts: what its journal said last; None before there is one.
        progress: how far it is.
        told: when that was told last, on the clock of `time.monotonic`.
        counted: when its journal was asked last.
        has_begun: whether its beginning was told.
        watches: how the watch of its folder fares; None where it is a plain run.
        skipped: files of kinds that Fovea does not read, in words.
        links: links to folders that were not followed.
        misnamed: images that are not named like one.
    """

    request: JobRequest
    ticket: int
    token: CancelToken = field(default_factory=CancelToken)
    thread: threading.Thread | None = None
    facts: JobFacts | None = None
    progress: JobProgress | None = None
    told: float = 0.0
    counted: float = 0.0
    has_begun: bool = False
    watches: WatchState | None = None
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
        self._running: dict[str, _Running] = {}
        sweep()

    def obey(self, order: JobOrder) -> None:
        """Do what the window wants."""
        match order:
            case ListJobs():
                self._list()
            case Begin(ticket, request):
                self._begin(ticket, request)
            case GoOn(ticket, job):
                self._go_on(ticket, job)
            case Watch(ticket, job):
                self._go_on(ticket, job, watches=WatchState(Watching.WAITING))
            case RemoveJob(ticket, job) | RestoreJob(ticket, job):
                self._move(ticket, job, put_aside if isinstance(order, RemoveJob) else bring_back)
            case Pause() | StopJob():
                self._steer(order)

    def close(self) -> None:
        """Stop whatever runs; each can go on later."""
        left = list(self._running.values())
        for running in left:
            running.token.cancel()
        for running in left:
            if running.thread is not None:
                running.thread.join(_PATIENCE_S)

    # ---- what is told

    def _list(self) -> None:
        found: tuple[JobFacts | BrokenJob, ...] = ()
        sortings: tuple[SortingFacts | BrokenSorting, ...] = ()
        try:
            found, sortings = list_jobs(), list_sortings()
        except StorageError as error:
            _log.warning("%s", error)
        for broken in (*found, *sortings):
            if isinstance(broken, BrokenJob | BrokenSorting):
                _log.warning("%s", broken.error)
        jobs = (self._news(one) for one in found if isinstance(one, JobFacts))
        self._send(JobsListed(tuple(jobs)))

    def _news(self, facts: JobFacts) -> JobNews:
        running = self._running.get(facts.id)
        if running is not None:
            doing = Doing.PAUSED if running.token.paused else Doing.RUNNING
            if running.watches is not None:
                return JobNews(facts, Doing.WATCHING, message=running.watches.message)
            return JobNews(facts, doing, running.progress)
        undoable, interrupted = sortings_of(facts.folder)
        doing = _at_rest(facts)
        if doing is Doing.ELSEWHERE:
            self._changed(facts.id)  # nobody else tells whoever looks at it
        return JobNews(facts, doing, sortings=undoable, interrupted=interrupted)

    def tell(self, job: str, running: _Running | None = None) -> None:
        """Tell how a job stands."""
        try:
            facts = job_facts(job)
        except FoveaError as error:
            _log.warning("%s", error)
            return
        if running is not None:
            running.facts = facts
        self._send(JobChanged(self._news(facts)))

    # ---- what is done

    def _begin(self, ticket: int, request: JobRequest, watches: WatchState | None = None) -> None:
        job = job_id(request)
        if job in self._running:
            self._send(Begun(ticket, job))
            return
        running = self._running[job] = _Running(request, ticket, watches=watches)
        running.thread = threading.Thread(target=self._work, args=(job, running), name="job", daemon=True)
        running.thread.start()

    def _go_on(self, ticket: int, job: str, watches: WatchState | None = None) -> None:
        try:
            self._begin(ticket, _request_of(job_facts(job)), watches)
        except FoveaError as error:
            self._send(TaskFailed(ticket, portable(error)))

    def _steer(self, order: Pause | StopJob) -> None:
        running = self._running.get(order.job)
        if running is None:
            return
        match order:
            case Pause(job, on):
                (running.token.pause if on else running.token.resume)()
                self.tell(job, running)
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

    def _work(self, job: str, running: _Running) -> None:  # a thread of its own
        error: FoveaError | None = None
        try:
            (self._run if running.watches is None else self._watch)(job, running)
        except Cancelled:
            pass
        except FoveaError as failure:
            error = portable(failure)
        except Exception as failure:  # noqa: BLE001 - the boundary: the window waits for an answer, whatever happened
            _log.warning("The batch process met with something unforeseen.", exc_info=True)
            error = unexpected(failure)
        del self._running[job]
        self._end(job, running, error)

    def _run(self, job: str, running: _Running) -> None:
        if not (job_folder(job) / FILE).exists():
            _check_photos(running.request)
        answering, report = open_answering(running.request), partial(self._report, job, running)
        with Job(running.request, answering, token=running.token, report=report) as opened:
            self._tell_begun(job, running)
            for _ in opened.results():
                pass
            running.skipped = in_words(opened.skipped)
            running.links, running.misnamed = opened.links, opened.misnamed

    def _watch(self, job: str, running: _Running) -> None:
        """Answers need not be delivered anywhere: they are in the journal, where the window sees them."""

        def note(state: WatchState) -> None:
            running.watches = state
            self._changed(job)
            self.tell(job, running)

        answering = open_answering(running.request)
        watch = folder_watch.Watch(
            running.request, answering, lambda *_: self._changed(job), token=running.token, state=note
        )
        self._tell_begun(job, running)
        watch.run()

    def _tell_begun(self, job: str, running: _Running) -> None:
        running.has_begun = True
        self.tell(job, running)
        self._send(Begun(running.ticket, job))

    def _report(self, job: str, running: _Running, progress: JobProgress) -> None:
        """Tell how far it is, a few times a second; what its journal says less often, for that takes longer."""
        before, moment, running.progress = running.progress, time.monotonic(), progress
        all_are_found = before is not None and before.walked != progress.walked
        if moment - running.told < _TOLD_S and not all_are_found:
            return
        running.told = moment
        self._changed(job)
        if running.facts is None or moment - running.counted >= _COUNTED_S:
            running.counted = moment
            self.tell(job, running)
        else:
            self._send(JobChanged(self._news(running.facts)))

    def _end(self, job: str, running: _Running, error: FoveaError | None) -> None:
        if not running.has_begun and error is not None:
            self._send(TaskFailed(running.ticket, error))
            return
        self.tell(job)
        self._changed(job)
        self._send(JobEnded(job, error, _troubles(job), running.skipped, running.links, running.misnamed))


def _check_photos(request: JobRequest) -> None:
    """Refuse a new job on a folder without photos: there would be nothing in it to do anything with.

    Raises:
        UsageError: there is no such folder, nothing in it counts, or it cannot be read.
    """
    walk = Walk(request, job_folder(job_id(request)))
    if not walk.is_empty():
        return
    if walk.troubles:
        raise UsageError(walk.troubles[0].message, hint=walk.troubles[0].hint)
    what = f"No photos found in “{printable(request.folder.name or request.folder)}”."
    if request.include or request.exclude:
        raise UsageError(what, hint="Check the patterns: they leave nothing.")
    if walk.skipped:
        raise UsageError(f"{what} {in_words(walk.skipped)}", hint=SAVE_HINT)
    raise UsageError(what, hint="In folders, photos are files such as .jpg, .png, .webp or .heic.")


def _at_rest(facts: JobFacts) -> Doing:
    """What a job does that this process does not run."""
    if facts.state is JobState.RUNNING:
        return Doing.ELSEWHERE
    if not facts.folder.is_dir():
        return Doing.MISSING
    return Doing.FINISHED if facts.state is JobState.FINISHED else Doing.STOPPED


def _request_of(facts: JobFacts) -> JobRequest:
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


def _troubles(job: str) -> tuple[Trouble, ...]:
    try:
        with Answers(job) as answers:
            return answers.troubles()
    except FoveaError:
        return ()
