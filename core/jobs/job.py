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
from core.base.text import printable
from core.engine.engine import MAX_BATCH
from core.jobs.journal import PASSING, Answer, Found, Image, Journal, job_folder, job_id
from core.jobs.pipeline import AHEAD, Answering, Features, Pipeline
from core.jobs.rate import Pace
from core.jobs.values import JobProgress, JobRequest, Trouble
from core.jobs.walk import Walk
from core.models.library import open_library
from core.prediction import Failure, Outcome

_NOTED_AT_ONCE: Final = 250
"""Images that the walk notes in one transaction, which the answers wait for meanwhile."""
_AT_ONCE: Final = 500
"""Images looked at together."""
_NEWS_S: Final = 0.1
"""How often it is looked whether the walk found more."""
_LINKS: Final = "Links to folders were not followed: {count}. To include their photos, name the folders they lead to."
_MISNAMED: Final = "Images without an image's suffix were skipped: {count}. Rename them, or name them in the command."
_DEADLY: Final = 4
"""An image that was begun this often, and alone but for the first time, kills the program that reads it. Fewer would
blame images for a person who kills the program again and again just when it has started."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one image.

    Attributes:
        number: its row in the journal.
        outcome: the prediction or the failure.
        is_new: whether this run made it; otherwise it holds from an earlier one.
    """

    number: int
    outcome: Outcome
    is_new: bool


def open_answering(request: JobRequest) -> Answering:
    """The model that a request names.

    Raises:
        ModelError: it is missing, damaged, foreign or hostile.
    """
    return Answering(open_library().find(request.model), request.provider, request.precision)


class Job:
    """A job that this process runs.

    Attributes:
        id: which job it is, also for `core.jobs.queries.Answers`.
    """

    def __init__(
        self,
        request: JobRequest,
        answering: Answering,
        *,
        token: CancelToken,
        report: Callable[[JobProgress], None] = lambda _: None,
        takes: Callable[[Found], bool] = lambda _: True,
    ) -> None:
        """Hold the job and its journal.

        Args:
            request: what to classify.
            answering: the model; several jobs may use one after another.
            token: pauses and calls off.
            report: takes the progress, at most 20 times a second, from the first image found on; in one thread at a
                time, whichever knows.
            takes: whether a found image is taken now, or left as if it were not there yet; asked in the thread that
                walks.

        Raises:
            UsageError: there is no such folder, a pattern means nothing, or another program runs the job.
            StorageError: the journal cannot be written, or a later version of Fovea wrote it.
        """
        self._request, self._answering, self._token = request, answering, token
        walk = Walk(request, job_folder(job_id(request)))
        self._identity = _identity(request.folder)
        self._journal = Journal(request, answering.answerer(request.top_k))
        self.id = self._journal.id
        self._walking = _Walking(walk, self._journal, token, takes, self._tell_found)
        self._pace = Pace(report)
        self._left: int | None = None
        self._place = 0
        self._coming: deque[Image] = deque()
        self._line: deque[Image] = deque()
        self._recalled: dict[int, Features] = {}
        self._running: Generator[Result, None, None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._running:
            self._running.close()
        self._journal.__exit__()

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """The folders that could not be read so far."""
        return tuple(self._walking.walk.troubles)

    @property
    def skipped(self) -> Counter[str]:
        """How many files of kinds that Fovea does not read were met so far, by kind."""
        return self._walking.walk.skipped

    @property
    def links(self) -> int:
        """How many links to folders were met so far; they are not followed."""
        return self._walking.walk.links

    @property
    def misnamed(self) -> int:
        """How many images were met so far that are not named like one."""
        return self._walking.walk.misnamed

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was passed over so far though a person may miss it."""
        counts = ((_LINKS, self.links), (_MISNAMED, self.misnamed))
        return tuple(remark.format(count=f"{count:,}") for remark, count in counts if count)

    def results(self) -> Iterator[Result]:
        """Run the job: what came of every image, in input order, those of earlier runs included. Once only.

        Raises:
            Cancelled: the token says so. Like after every error, another run goes on from here.
            ModelError: the model cannot be opened.
            ProviderError: the provider asked for does not work, or none does any more.
            StorageError: the journal cannot be written any more, or the job's folder is gone.
        """
        self._running = self._run()
        return self._running

    def _run(self) -> Generator[Result, None, None]:
        keeps = self._request.keep_features
        self._pace.tell(0, None)
        with self._walking, Pipeline(self._answering, self._request.top_k, keep_features=keeps) as pipeline:
            try:
                while self._fill(pipeline):
                    self._token.check()
                    yield from self._advance(pipeline)
            finally:
                with contextlib.suppress(StorageError):  # then the error that led here says more
                    self._journal.leave(pipeline.begun)
        self._pace.tell(self._walking.found, 0)
        self._journal.finish()

    def _fill(self, pipeline: Pipeline) -> bool:
        """Have the next images read, as many as may be; False once there are none left.

        One that was being read when an earlier run died is read alone, so that it is known if it does that again.
        """
        begun: list[Image] = []
        while len(begun) + len(pipeline.begun) < AHEAD and len(self._line) < _AT_ONCE:
            image = self._next(pipeline, wait=not self._line)
            if image is None:
                break
            is_suspect = self._is_read(image) and image.tried > 0
            if is_suspect and self._line:
                self._coming.appendleft(image)
                break
            if is_suspect:
                self._answering.open()  # takes seconds, in which a kill would look like this image's doing
            self._line.append(image)
            begun += [image] if self._is_read(image) else []
            if is_suspect:
                break
        self._journal.begin(image.number for image in begun)
        pipeline.begin(begun)
        return bool(self._line)

    def _next(self, pipeline: Pipeline, *, wait: bool) -> Image | None:
        """The next image in input order; None where there is none left, or none yet and nobody wants to wait."""
        while not self._coming:
            has_ended = self._walking.has_ended
            images = self._journal.ahead(self._place, _AT_ONCE)
            if images:
                self._place = images[-1].place
                self._coming.extend(images)
                self._recalled |= pipeline.recall(images)
            elif has_ended or not wait:
                return None
            else:
                self._token.check()
                self._walking.wait()
                self._tell_found()
        return self._coming.popleft()

    def _is_read(self, image: Image) -> bool:
        return image.outcome is None and image.number not in self._recalled and image.tried < _DEADLY

    def _advance(self, pipeline: Pipeline) -> Iterator[Result]:
        """Answer the images at the head of the line, up to a full batch of those that are read."""
        group: list[Image] = []
        reading = 0
        while self._line and reading < MAX_BATCH:
            group.append(self._line.popleft())
            reading += self._is_read(group[-1])
        asked = [image for image in group if image.outcome is None and image.tried < _DEADLY]
        answers = pipeline.answer(asked, self._recalled, self._tell_found)
        answers += [Answer(image.number, _deadly(image)) for image in group if image.tried >= _DEADLY]
        self._check_folder(answers)
        if answers:
            self._journal.answer(answers)
        fresh = {answer.number: answer.outcome for answer in answers}
        for number in fresh:
            self._recalled.pop(number, None)
        self._count(group, fresh)
        for image in group:
            outcome = fresh.get(image.number) or image.outcome
            if outcome:
                yield Result(image.number, outcome, is_new=image.number in fresh)

    def _count(self, group: list[Image], fresh: dict[int, Outcome]) -> None:
        failed = sum(isinstance(fresh.get(image.number) or image.outcome, Failure) for image in group)
        self._pace.count(len(group), fresh=len(fresh), failed=failed)
        if self._left is not None:
            self._left -= len(fresh)
        elif self._walking.has_ended:
            self._left = self._journal.waiting()
        self._pace.tell(self._walking.found, self._left)

    def _tell_found(self) -> None:
        """Tell how many images were found, also while none is answered yet; in either thread."""
        left = self._journal.waiting() if self._walking.has_ended else None
        self._pace.tell(self._walking.found, left)

    def _check_folder(self, answers: list[Answer]) -> None:
        """Stop where images cannot be read because the folder's disk or network share is gone, instead of noting it."""
        passing = any(isinstance(each.outcome, Failure) and each.outcome.kind in PASSING for each in answers)
        if passing and _identity(self._request.folder) != self._identity:
            what = f"The folder {printable(self._request.folder)} is gone, or its disk is."
            raise StorageError(what, hint="Once it is back, the same job goes on where it stopped.")


class _Walking:
    """The walk, in a thread of its own; what it finds is in the journal at once."""

    def __init__(
        self,
        walk: Walk,
        journal: Journal,
        token: CancelToken,
        takes: Callable[[Found], bool],
        tell: Callable[[], None],
    ) -> None:
        """`tell` is called, in the thread that walks, whenever more was found."""
        self.walk, self._noted = walk, 0
        self._journal, self._token, self._takes, self._tell = journal, token, takes, tell
        self._news, self._ended, self._stop = threading.Event(), threading.Event(), threading.Event()
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
        return self._noted if self._ended.is_set() else max(self._noted, self.walk.met)

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
        self._news.wait(_NEWS_S)
        self._news.clear()

    def _run(self) -> None:
        try:
            if self._note_all():
                self._journal.end_walk(self.walk.troubles)
                self._ended.set()
                self._tell()
        except Cancelled:
            pass  # whoever asks for the results hears it too
        except Exception as error:  # noqa: BLE001 - it is raised where the results are asked for
            self._error = error
        self._news.set()

    def _note_all(self) -> bool:
        """Note every image; False if nobody wants the rest any more."""
        images = filter(self._takes, self.walk)
        while some := list(islice(images, _NOTED_AT_ONCE)):
            self._token.check()
            self._journal.found(some)
            self._noted += len(some)
            self._news.set()
            self._tell()
            if self._stop.is_set():
                return False
        return True


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _deadly(image: Image) -> Failure:
    what = f"Reading this image ended the program {_DEADLY} times."
    return Failure(image.path, "crashed", what, "Open it in another program and save it anew.")
