"""The jobs of the batch process: listing, running and watching them, with their status as it changes."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from core.base import paths, settings
from core.base.errors import BrokenRecord, Cancelled, FoveaError, StorageError, UsageError
from core.base.i18n import tr
from core.base.progress import CancelToken
from core.base.text import display_path
from core.images.kinds import SAVE_HINT, describe_kinds
from core.jobs import job_list, trash
from core.jobs.job import Job, open_lazy_classifier
from core.jobs.job_list import job_summary
from core.jobs.journal import job_folder, job_id
from core.jobs.queries import ResultStore
from core.jobs.schema import FILE
from core.jobs.values import Filter, JobProgress, JobRequest, JobState, JobSummary, View
from core.jobs.walk import Walk
from core.jobs.watch import Watch, WatchState
from core.outputs.sorting.records import list_sortings
from core.outputs.sorting.values import SortingSummary
from core.prediction import Failure
from core.services.job_values import JobEnd
from core.services.sorting import sortings_of
from core.worker import portable

_PROGRESS_INTERVAL_S: Final = 0.2
_COUNT_INTERVAL_S: Final = 2.0
_NOTHING_SKIPPED: Final = ("", 0, 0)

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_running: Final[set[str]] = set()
"""The jobs that this process runs or watches."""


def list_jobs() -> tuple[JobSummary, ...]:
    """All jobs, the newest first; a warning reports each one that cannot be read."""
    found: tuple[JobSummary | BrokenRecord, ...] = ()
    sortings: tuple[SortingSummary | BrokenRecord, ...] = ()
    try:
        found, sortings = job_list.list_jobs(), list_sortings()
    except StorageError as error:
        _log.warning("%s", error)
    for broken in (*found, *sortings):
        if isinstance(broken, BrokenRecord):
            _log.warning("%s", broken.error)
    return tuple(_current(job) for job in found if isinstance(job, JobSummary))


def _current(job: JobSummary) -> JobSummary:
    """The job in the state that the window shows."""
    if job.id in _running:
        return job
    sortings, interrupted = sortings_of(job.folder)
    job = replace(job, sortings=sortings, interrupted=interrupted)
    if job.state is JobState.RUNNING:
        return replace(job, state=JobState.EXTERNAL)
    return job if job.folder.is_dir() else replace(job, state=JobState.MISSING)


def remove(job: str) -> None:
    """Move a job to the trash, see `core.jobs.trash.trash`, and delete what has been there for too long.

    Raises UsageError if it is running, or does not exist; StorageError if it cannot be moved.
    """
    if job in _running:
        raise UsageError(tr("This folder is being classified."), hint=tr("Stop the job before removing it."))
    trash.trash(job)
    trash.purge()


def run(request: JobRequest, *, report: Callable[[JobSummary], None], token: CancelToken) -> JobEnd | None:
    """Start a job, or resume it if it exists.

    `report` receives the job once it has started, and whenever it changes; the token pauses and stops it. Returns
    how it ended; None if this process is already running it, which is reported.

    Raises FoveaError if it could not start.
    """
    with _only_once(request, report) as status:
        if status is None:
            return None
        if not (job_folder(status.id) / FILE).exists():
            _check_has_photos(request)
        began = time.monotonic()
        with Job(request, open_lazy_classifier(request), token=token, report=status.on_progress) as job:
            status.publish()
            error = _error_of(lambda: deque(job.results(), maxlen=0))
            skipped = describe_kinds(job.walk.skipped), job.walk.links, job.walk.misnamed
    seconds = time.monotonic() - began
    with ResultStore(status.id) as results:
        unknown = results.count(View(filter=Filter(unknown=True)))
    return replace(_end(status.id, error, skipped), fresh=status.fresh, unknown=unknown, seconds=seconds)


def classify_again(job: str, *, report: Callable[[JobSummary], None], token: CancelToken) -> JobEnd | None:
    """Classify the images of a job with the versions of its models that are active now; as `run`."""
    model, *others = job_summary(job).models
    return run(replace(request_of(job), model=model, others=tuple(others)), report=report, token=token)


def watch(job: str, *, report: Callable[[JobSummary], None], token: CancelToken) -> JobEnd | None:
    """Classify new images in a job's folder until cancelled; as `run`."""
    request = request_of(job)
    with _only_once(request, report) as status:
        if status is None:
            return None
        status.watch_state, classifier = "", open_lazy_classifier(request)
        watching = Watch(request, classifier, lambda *_: None, token=token, state=status.on_watch_state)
        status.publish()
        error = _error_of(watching.run)
    return _end(job, error)


@contextmanager
def _only_once(request: JobRequest, report: Callable[[JobSummary], None]) -> Iterator[_Status | None]:
    """Register a job as running; None if it is already, which is reported."""
    job = job_id(request)
    with _lock:
        is_new = job not in _running
        _running.add(job)
    if not is_new:
        report(job_summary(job))
        yield None
        return
    try:
        yield _Status(job, report)
    finally:
        _running.discard(job)


class _Status:
    """Reports the status of a running job; `watch_state` is the problem with watching its folder, or empty.

    It is None if the job runs once.
    """

    def __init__(self, job: str, report: Callable[[JobSummary], None]) -> None:
        self.id, self._report = job, report
        self.watch_state: str | None = None
        self._summary: JobSummary | None = None
        self._progress: JobProgress | None = None
        self._reported_at = self._counted_at = 0.0

    @property
    def fresh(self) -> int:
        return 0 if self._progress is None else self._progress.fresh

    def publish(self) -> None:
        try:
            self._summary = job_summary(self.id)
        except FoveaError as error:
            _log.warning("%s", error)
            return
        self._send(self._summary)

    def on_progress(self, progress: JobProgress) -> None:
        """Report progress five times a second; read the journal every two seconds only, as that takes longer."""
        before, moment, self._progress = self._progress, time.monotonic(), progress
        all_are_found = before is not None and before.walked != progress.walked
        if moment - self._reported_at < _PROGRESS_INTERVAL_S and not all_are_found:
            return
        self._reported_at = moment
        if self._summary is None or moment - self._counted_at >= _COUNT_INTERVAL_S:
            self._counted_at = moment
            self.publish()
        else:
            self._send(self._summary)

    def on_watch_state(self, state: WatchState) -> None:
        self.watch_state = state.message
        self.publish()

    def _send(self, summary: JobSummary) -> None:
        if self.watch_state is None:
            self._report(replace(summary, state=JobState.RUNNING, progress=self._progress))
        else:
            self._report(replace(summary, state=JobState.WATCHING, message=self.watch_state))


def _error_of(work: Callable[[], object]) -> FoveaError | None:
    """Why some work failed; None if it ended or was cancelled."""
    try:
        work()
    except Cancelled:
        return None
    except FoveaError as error:
        return portable(error)
    return None


def _end(job: str, error: FoveaError | None, skipped: tuple[str, int, int] = _NOTHING_SKIPPED) -> JobEnd:
    summary = _current(job_summary(job))
    is_finished = summary.state is JobState.FINISHED
    return JobEnd(summary, error, _unreadable_folders(job), *(skipped if is_finished else _NOTHING_SKIPPED))


def _check_has_photos(request: JobRequest) -> None:
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


def request_of(id_: str) -> JobRequest:
    """The request that resumes a job with the same versions of its models."""
    job, chosen = job_summary(id_), settings.load(paths.settings_file())
    return JobRequest(
        folder=job.folder,
        recursive=job.recursive,
        include=job.include,
        exclude=job.exclude,
        model=f"{job.model}@{job.version}" if job.version else job.model,
        provider=chosen.provider,
        precision=chosen.precision,
        top_k=chosen.top_k,
        keep_features=job.keep_features,
        detection=job.detection,
        others=job.others,
    )


def _unreadable_folders(job: str) -> tuple[Failure, ...]:
    try:
        with ResultStore(job) as results:
            return results.unreadable_folders()
    except FoveaError:
        return ()
