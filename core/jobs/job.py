"""A job: a folder of any size is walked, read, computed and noted in its journal, all side by side.

A thread walks and notes what it finds; the pool of the pipeline reads ahead; whoever asks for the results runs the
engine and notes what came of every image before giving it on. So the journal is right whenever the program is killed,
and the next run goes on from it.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Self

from core.base.errors import Cancelled, StorageError
from core.base.progress import CancelToken
from core.base.text import display_path
from core.engine.engine import MAX_BATCH
from core.jobs.journal import TRANSIENT_ERRORS, FoundFile, Image, ImageResult, Journal, job_folder, job_id
from core.jobs.pipeline import PREFETCH, Features, LazyClassifier, Pipeline
from core.jobs.rate import RateEstimator
from core.jobs.values import JobProgress, JobRequest, UnreadableFolder
from core.jobs.walk import Walk
from core.models.library import open_library
from core.prediction import Failure, Outcome

_DISCOVERY_BATCH: Final = 250
"""Images that the walk notes in one transaction, which the answers wait for meanwhile."""
_QUEUE_SIZE: Final = 500
"""Images looked at together."""
_WAIT_S: Final = 0.1
"""How often it is looked whether the walk found more."""
_LINKS: Final = "Links to folders were not followed: {count}. To include their photos, name the folders they lead to."
_MISNAMED: Final = "Images without an image's suffix were skipped: {count}. Rename them, or name them in the command."
_MAX_ATTEMPTS: Final = 4
"""An image that was begun this often, and alone but for the first time, kills the program that reads it. Fewer would
blame images for a person who kills the program again and again just when it has started."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """What came of one image.

    Attributes:
        number: its row in the journal.
        outcome: the prediction or the failure.
        is_new: whether this run made it; otherwise it holds from an earlier one.
    """

    number: int
    outcome: Outcome
    is_new: bool


def open_lazy_classifier(request: JobRequest) -> LazyClassifier:
    """The model that a request names.

    Raises:
        ModelError: it is missing, damaged, foreign or hostile.
    """
    return LazyClassifier(open_library().find(request.model), request.provider, request.precision)


class Job:
    """A job that this process runs.

    Attributes:
        id: which job it is, also for `core.jobs.queries.ResultStore`.
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
        """Hold the job and its journal.

        Args:
            request: what to classify.
            classifier: the model; several jobs may use one after another.
            token: pauses and calls off.
            report: takes the progress, at most 20 times a second, from the first image found on; in one thread at a
                time, whichever knows.
            accepts: whether a found image is taken now, or left as if it were not there yet; asked in the thread that
                walks.

        Raises:
            UsageError: there is no such folder, a pattern means nothing, or another program runs the job.
            StorageError: the journal cannot be written, or a later version of Fovea wrote it.
        """
        self._request, self._classifier, self._token = request, classifier, token
        walk = Walk(request, job_folder(job_id(request)))
        self._identity = _identity(request.folder)
        self._journal = Journal(request, classifier.model_ref(request.top_k))
        self.id = self._journal.id
        self._walk_thread = _WalkThread(walk, self._journal, token, accepts, self._report_found)
        self._rate = RateEstimator(report)
        self._remaining: int | None = None
        self._position = 0
        self._upcoming: deque[Image] = deque()
        self._queue: deque[Image] = deque()
        self._cached: dict[int, Features] = {}
        self._running: Generator[JobResult, None, None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._running:
            self._running.close()
        self._journal.__exit__()

    @property
    def unreadable_folders(self) -> tuple[UnreadableFolder, ...]:
        """The folders that could not be read so far."""
        return tuple(self._walk_thread.walk.unreadable_folders)

    @property
    def skipped(self) -> Counter[str]:
        """How many files of kinds that Fovea does not read were met so far, by kind."""
        return self._walk_thread.walk.skipped

    @property
    def links(self) -> int:
        """How many links to folders were met so far; they are not followed."""
        return self._walk_thread.walk.links

    @property
    def misnamed(self) -> int:
        """How many images were met so far that are not named like one."""
        return self._walk_thread.walk.misnamed

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was passed over so far though a person may miss it."""
        counts = ((_LINKS, self.links), (_MISNAMED, self.misnamed))
        return tuple(template.format(count=f"{count:,}") for template, count in counts if count)

    def results(self) -> Iterator[JobResult]:
        """Run the job: what came of every image, in input order, those of earlier runs included. Once only.

        Raises:
            Cancelled: the token says so. Like after every error, another run goes on from here.
            ModelError: the model cannot be opened.
            ProviderError: the provider asked for does not work, or none does any more.
            StorageError: the journal cannot be written any more, or the job's folder is gone.
        """
        self._running = self._run()
        return self._running

    def _run(self) -> Generator[JobResult, None, None]:
        keeps = self._request.keep_features
        self._rate.update(0, None)
        with self._walk_thread, Pipeline(self._classifier, self._request.top_k, keep_features=keeps) as pipeline:
            try:
                while self._fill_queue(pipeline):
                    self._token.check()
                    yield from self._process_batch(pipeline)
            finally:
                with contextlib.suppress(StorageError):  # then the error that led here says more
                    self._journal.release(pipeline.pending)
        self._rate.update(self._walk_thread.found, 0)
        self._journal.finish()

    def _fill_queue(self, pipeline: Pipeline) -> bool:
        """Have the next images read, as many as may be; False once there are none left.

        One that was being read when an earlier run died is read alone, so that it is known if it does that again.
        """
        started: list[Image] = []
        while len(started) + len(pipeline.pending) < PREFETCH and len(self._queue) < _QUEUE_SIZE:
            image = self._next(pipeline, wait=not self._queue)
            if image is None:
                break
            is_suspect = self._needs_read(image) and image.attempts > 0
            if is_suspect and self._queue:
                self._upcoming.appendleft(image)
                break
            if is_suspect:
                self._classifier.open()  # takes seconds, in which a kill would look like this image's doing
            self._queue.append(image)
            started += [image] if self._needs_read(image) else []
            if is_suspect:
                break
        self._journal.start(image.number for image in started)
        pipeline.submit(started)
        return bool(self._queue)

    def _next(self, pipeline: Pipeline, *, wait: bool) -> Image | None:
        """The next image in input order; None where there is none left, or none yet and nobody wants to wait."""
        while not self._upcoming:
            has_ended = self._walk_thread.has_ended
            images = self._journal.next_images(self._position, _QUEUE_SIZE)
            if images:
                self._position = images[-1].position
                self._upcoming.extend(images)
                self._cached |= pipeline.cached_features(images)
            elif has_ended or not wait:
                return None
            else:
                self._token.check()
                self._walk_thread.wait()
                self._report_found()
        return self._upcoming.popleft()

    def _needs_read(self, image: Image) -> bool:
        return image.outcome is None and image.number not in self._cached and image.attempts < _MAX_ATTEMPTS

    def _process_batch(self, pipeline: Pipeline) -> Iterator[JobResult]:
        """Answer the images at the head of the line, up to a full batch of those that are read."""
        group: list[Image] = []
        reading = 0
        while self._queue and reading < MAX_BATCH:
            group.append(self._queue.popleft())
            reading += self._needs_read(group[-1])
        pending = [image for image in group if image.outcome is None and image.attempts < _MAX_ATTEMPTS]
        results = pipeline.collect(pending, self._cached, self._report_found)
        results += [
            ImageResult(image.number, _crash_failure(image)) for image in group if image.attempts >= _MAX_ATTEMPTS
        ]
        self._check_folder(results)
        if results:
            self._journal.record(results)
        new = {result.number: result.outcome for result in results}
        for number in new:
            self._cached.pop(number, None)
        self._count(group, new)
        for image in group:
            outcome = new.get(image.number) or image.outcome
            if outcome:
                yield JobResult(image.number, outcome, is_new=image.number in new)

    def _count(self, group: list[Image], new: dict[int, Outcome]) -> None:
        failed = sum(isinstance(new.get(image.number) or image.outcome, Failure) for image in group)
        self._rate.count(len(group), new=len(new), failed=failed)
        if self._remaining is not None:
            self._remaining -= len(new)
        elif self._walk_thread.has_ended:
            self._remaining = self._journal.pending_count()
        self._rate.update(self._walk_thread.found, self._remaining)

    def _report_found(self) -> None:
        """Tell how many images were found, also while none is answered yet; in either thread."""
        left = self._journal.pending_count() if self._walk_thread.has_ended else None
        self._rate.update(self._walk_thread.found, left)

    def _check_folder(self, results: list[ImageResult]) -> None:
        """Stop where images cannot be read because the folder's disk or network share is gone, instead of noting it."""
        has_transient = any(
            isinstance(each.outcome, Failure) and each.outcome.kind in TRANSIENT_ERRORS for each in results
        )
        if has_transient and _identity(self._request.folder) != self._identity:
            what = f"The folder {display_path(self._request.folder)} is gone, or its disk is."
            raise StorageError(what, hint="Once it is back, the same job goes on where it stopped.")


class _WalkThread:
    """The walk, in a thread of its own; what it finds is in the journal at once."""

    def __init__(
        self,
        walk: Walk,
        journal: Journal,
        token: CancelToken,
        accepts: Callable[[FoundFile], bool],
        on_found: Callable[[], None],
    ) -> None:
        """`on_found` is called, in the thread that walks, whenever more was found."""
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
        """How many images were found so far."""
        return self._recorded if self._ended.is_set() else max(self._recorded, self.walk.found_count)

    @property
    def has_ended(self) -> bool:
        """Whether everything was found.

        Raises:
            StorageError: it could not be noted.
        """
        if self._error:
            raise self._error
        return self._ended.is_set()

    def wait(self) -> None:
        """Wait a moment for more to be found."""
        self._has_new.wait(_WAIT_S)
        self._has_new.clear()

    def _run(self) -> None:
        try:
            if self._record_all():
                self._journal.end_walk(self.walk.unreadable_folders)
                self._ended.set()
                self._on_found()
        except Cancelled:
            pass  # whoever asks for the results hears it too
        except Exception as error:  # noqa: BLE001 - it is raised where the results are asked for
            self._error = error
        self._has_new.set()

    def _record_all(self) -> bool:
        """Note every image; False if nobody wants the rest any more."""
        images = filter(self._accepts, self.walk)
        while some := list(islice(images, _DISCOVERY_BATCH)):
            self._token.check()
            self._journal.add_found(some)
            self._recorded += len(some)
            self._has_new.set()
            self._on_found()
            if self._stop.is_set():
                return False
        return True


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _crash_failure(image: Image) -> Failure:
    what = f"Reading this image ended the program {_MAX_ATTEMPTS} times."
    return Failure(image.path, "crashed", what, "Open it in another program and save it anew.")
