"""A job: walks a folder of any size, and decodes, classifies and records its images concurrently.

One thread walks the folder and records the images it finds; the pool of the pipeline decodes ahead; the caller that
iterates over the results runs the engine and records each outcome before yielding it. So the journal is consistent
whenever the program is killed, and the next run resumes from it.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Self

from core.base.errors import Cancelled, StorageError
from core.base.i18n import tr, tr_n
from core.base.progress import CancelToken
from core.base.text import display_path
from core.jobs.journal import TRANSIENT_ERRORS, FoundFile, Image, ImageResult, Journal, job_folder, job_id
from core.jobs.pipeline import Features, LazyClassifier, Pipeline
from core.jobs.rate import RateEstimator
from core.jobs.shared_labels import share_labels
from core.jobs.values import JobProgress, JobRequest
from core.jobs.walk import Walk
from core.models.library import open_library
from core.prediction import Failure, Outcome, Prediction

_DISCOVERY_BATCH: Final = 250
"""Images that the walk records in one transaction, during which results wait."""
_QUEUE_SIZE: Final = 500
"""Maximum number of images in the queue, and how many to read from the journal at a time."""
_WAIT_S: Final = 0.1
"""How often to check whether the walk found more images."""
_MAX_ATTEMPTS: Final = 4
"""An image started this often without an outcome, each time but the first alone, crashes the program. With fewer
attempts, images would be blamed when the user repeatedly kills the program just after its start."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of one image.

    Attributes:
        number: its row in the journal.
        outcome: the prediction or the failure.
        is_new: whether it was computed in this run rather than an earlier one.
        others: what the further models of the job say; empty for a failure.
    """

    number: int
    outcome: Outcome
    is_new: bool
    others: tuple[Prediction, ...] = ()


def open_lazy_classifier(request: JobRequest) -> LazyClassifier:
    """The models of a request.

    Raises:
        ModelError: one is missing, damaged, unsupported or unsafe.
    """
    model, *others = map(open_library().find, (request.model, *request.others))
    return LazyClassifier(model, request.provider, request.precision, request.detection, others)


class Job(contextlib.AbstractContextManager["Job"]):
    """A job running in this process.

    Attributes:
        id: its id, as for `core.jobs.queries.ResultStore`.
        walk: what was found and skipped so far.
    """

    def __init__(
        self,
        request: JobRequest,
        classifier: LazyClassifier,
        *,
        token: CancelToken,
        report: Callable[[JobProgress], None] = lambda _: None,
        accepts: Callable[[FoundFile], bool] = lambda _: True,
    ) -> None:
        """Lock the job and open its journal.

        Args:
            request: what to classify.
            classifier: the model; several jobs may use it one after another.
            token: pauses and cancels the job.
            report: receives the progress, at most 20 times a second; called from several threads, one at a time.
            accepts: whether to take a found image now rather than ignore it as if it did not exist yet; called in the
                thread of the walk.

        Raises:
            UsageError: the folder does not exist, a pattern is invalid, or another program is running the job.
            StorageError: the journal cannot be written, or was written by a later version of Fovea.
        """
        self._request, self._classifier, self._token = request, classifier, token
        self.walk = Walk(request, job_folder(job_id(request)))
        self._identity = _identity(request.folder)
        others = [one.model_ref(request.top_k) for one in classifier.others]
        with contextlib.ExitStack() as resources:
            self._journal = resources.enter_context(Journal(request, classifier.model_ref(request.top_k), others))
            keeps = request.keep_features
            self._pipeline = resources.enter_context(Pipeline(classifier, request.top_k, keep_features=keeps))
            self._resources = resources.pop_all()
        self.id = self._journal.id
        self._walk_thread = _WalkThread(self.walk, self._journal, token, accepts, self._report_found)
        self._rate = RateEstimator(report)
        self._remaining: int | None = None
        self._position = 0
        self._upcoming: deque[Image] = deque()
        self._queue: deque[Image] = deque()
        self._cached: dict[int, Features] = {}

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Messages about skipped links and images that the user may miss."""
        messages = []
        if self.walk.links:
            messages.append(
                tr_n(
                    "Skipped {count:,} link to a folder. To include its photos, name the folder it points to.",
                    "Skipped {count:,} links to folders. To include their photos, name the folders they point to.",
                    self.walk.links,
                )
            )
        if self.walk.misnamed:
            messages.append(
                tr_n(
                    "Skipped {count:,} image without an image extension. Rename it, or name it in the command.",
                    "Skipped {count:,} images without an image extension. Rename them, or name them in the command.",
                    self.walk.misnamed,
                )
            )
        return tuple(messages)

    def results(self) -> Iterator[JobResult]:
        """Run the job, once only, and yield the result of every image in input order, including earlier ones.

        Raises:
            Cancelled: the token was cancelled. As after every error, another run resumes from here.
            ModelError: the model cannot be opened.
            ProviderError: the requested provider does not work, or no provider works any more.
            StorageError: the journal cannot be written any more, or the job's folder is gone.
        """
        self._rate.update(0, None)
        self._resources.callback(self._release)
        self._resources.enter_context(self._walk_thread)
        all_are_found = False
        while self._fill_queue() or not all_are_found:
            self._token.check()
            group = self._next_group()
            waiting = [image for image in group if image.outcome is None and image.attempts < _MAX_ATTEMPTS]
            results = self._pipeline.collect(waiting, self._cached, self._report_found)
            results += [_crashed(image) for image in group if image.attempts >= _MAX_ATTEMPTS]
            self._check_folder(results)
            if results:
                self._journal.record(results)
            yield from self._counted(group, results)
            if not group:
                self._walk_thread.wait()
            all_are_found = self._walk_thread.has_ended  # before the queue is filled for the last time
        self._rate.update(self._walk_thread.found, 0)
        share_labels(self.id, self._token)
        self._journal.finish()

    def _release(self) -> None:
        """Let the images wait again that were submitted and not collected: they crashed nothing."""
        with contextlib.suppress(StorageError):  # the error that led here says more
            self._journal.release(self._pipeline.pending)

    def _fill_queue(self) -> bool:
        """Submit as many of the next images as allowed; return whether there are any.

        An image that was being read when an earlier run crashed is read alone, to find out whether it is the cause.
        """
        if len(self._upcoming) < _QUEUE_SIZE:
            found = self._journal.next_images(self._position, _QUEUE_SIZE)
            self._position = found[-1].position if found else self._position
            self._cached |= self._pipeline.cached_features(found)
            self._upcoming += found
        started: list[Image] = []
        room = self._pipeline.prefetch - len(self._pipeline.pending)
        while self._upcoming and len(started) < room and len(self._queue) < _QUEUE_SIZE:
            image = self._upcoming[0]
            is_suspect = self._needs_read(image) and image.attempts > 0
            if is_suspect and self._queue:
                break
            if is_suspect:
                self._pipeline.open()  # takes seconds, in which a kill would be blamed on this image
            self._queue.append(self._upcoming.popleft())
            started += [image] if self._needs_read(image) else []
            if is_suspect:
                break
        self._journal.start(image.number for image in started)
        self._pipeline.submit(started)
        return bool(self._queue)

    def _needs_read(self, image: Image) -> bool:
        return image.outcome is None and image.number not in self._cached and image.attempts < _MAX_ATTEMPTS

    def _next_group(self) -> list[Image]:
        """Take the images at the head of the queue, up to a full batch of those that are read."""
        group: list[Image] = []
        reading = 0
        while self._queue and reading < self._pipeline.batch:
            group.append(self._queue.popleft())
            reading += self._needs_read(group[-1])
        return group

    def _counted(self, group: list[Image], results: list[ImageResult]) -> Iterator[JobResult]:
        """Count images with their results, and yield these and those of earlier runs."""
        new: dict[int, Image | ImageResult] = {result.number: result for result in results}
        for number in new:
            self._cached.pop(number, None)
        known = [new.get(image.number, image) for image in group]
        self._rate.count(len(group), new=len(new), failed=sum(isinstance(one.outcome, Failure) for one in known))
        if self._remaining is not None:
            self._remaining -= len(new)
        elif self._walk_thread.has_ended:
            self._remaining = self._journal.pending_count()
        self._rate.update(self._walk_thread.found, self._remaining)
        for one in known:
            if one.outcome:
                yield JobResult(one.number, one.outcome, is_new=one.number in new, others=one.others)

    def _report_found(self) -> None:
        """Report the number of images found, even before the first result; called in either thread."""
        left = self._journal.pending_count() if self._walk_thread.has_ended else None
        self._rate.update(self._walk_thread.found, left)

    def _check_folder(self, results: list[ImageResult]) -> None:
        """Stop instead of recording failures if the folder's disk or network share is gone."""
        has_transient = any(
            isinstance(each.outcome, Failure) and each.outcome.kind in TRANSIENT_ERRORS for each in results
        )
        if has_transient and _identity(self._request.folder) != self._identity:
            what = tr("The folder {folder} is no longer available.", folder=display_path(self._request.folder))
            raise StorageError(what, hint=tr("Put it back or connect its drive, then resume the job."))


class _WalkThread:
    """The thread of the walk, which records the images it finds in the journal."""

    def __init__(
        self,
        walk: Walk,
        journal: Journal,
        token: CancelToken,
        accepts: Callable[[FoundFile], bool],
        on_found: Callable[[], None],
    ) -> None:
        """`on_found` is called in the new thread whenever it found more images."""
        self.walk, self._recorded = walk, 0
        self._journal, self._token, self._accepts, self._on_found = journal, token, accepts, on_found
        self._has_new, self._ended, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="walk")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def found(self) -> int:
        """The number of images found so far."""
        return self._recorded if self._ended.is_set() else max(self._recorded, self.walk.found_count)

    @property
    def has_ended(self) -> bool:
        """Whether the walk is complete.

        Raises:
            StorageError: its images could not be recorded.
        """
        if self._error:
            raise self._error
        return self._ended.is_set()

    def wait(self) -> None:
        """Wait briefly for more images."""
        self._has_new.wait(_WAIT_S)
        self._has_new.clear()

    def _run(self) -> None:
        """Record every image, until stopped.

        One that was classified is not put off until it has been unchanged for a while: its row would disappear.
        """
        images = (image for image in self.walk if self._accepts(image) or self._journal.has_answered(image))
        try:
            while some := list(islice(images, _DISCOVERY_BATCH)):
                self._token.check()
                self._journal.add_found(some)
                self._recorded += len(some)
                self._has_new.set()
                self._on_found()
                if self._stop.is_set():
                    return
            self._journal.end_walk(self.walk.unreadable_folders)
            self._ended.set()
            self._on_found()
        except Cancelled:
            pass  # raised in the thread of the results too
        except Exception as error:  # noqa: BLE001 - raised in the thread of the results
            self._error = error
        finally:
            self._has_new.set()


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _crashed(image: Image) -> ImageResult:
    what = tr_n(
        "Reading this image crashed Fovea {count:,} time.",
        "Reading this image crashed Fovea {count:,} times.",
        _MAX_ATTEMPTS,
    )
    hint = tr("Open it in another program and save it again.")
    return ImageResult(image.number, Failure(image.path, "crashed", what, hint))
