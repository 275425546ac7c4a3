"""The training process: what the window's wizard asks of `core.dataset` and `core.learning`, over a pipe.

Whatever takes time runs in a thread of its own, so that it can be called off, paused and overtaken.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Final

from core import paths
from core.errors import Cancelled, FoveaError, ProviderError, StorageError
from core.learning.protocol import CHECKPOINT, Epoch
from core.learning.request import Recipe
from core.learning.retrain import retrain
from core.learning.runs import throw_away
from core.learning.train import train
from core.learning.trainer import TrainerDiedError
from core.library.library import InstalledModel, Library, open_library
from core.progress import CancelToken, Progress
from core.services import folders
from core.services.costs import CostWatch
from core.services.folder_messages import ListSets, Preview, ReadFolder
from core.services.forecast import forecasts
from core.services.inbox import Inbox
from core.services.previews import preview
from core.services.training_facts import retrained_facts, trained_facts
from core.services.training_messages import (
    Answer,
    EpochDone,
    Forecast,
    Job,
    Order,
    Pause,
    Resume,
    Retrain,
    RetrainDone,
    Stage,
    Stop,
    Stopped,
    Train,
    TrainDone,
    Use,
    Used,
    last_words,
)
from core.worker import Warned, portable, unexpected, warnings_to

_PATIENCE_S: Final = 10.0
"""How long the trainer process may take to end when the window is gone: a little more than it is given."""
_OVERTAKES: Final[dict[type[Job], type[Job]]] = {
    ReadFolder: ReadFolder, Forecast: Forecast, Train: Forecast, Preview: Preview,
}  # fmt: skip
"""Which earlier jobs a new one calls off."""
_MAY_GO_ON: Final = (TrainerDiedError, ProviderError, StorageError)
"""What the same request may overcome."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Running:
    """A job under way.

    Attributes:
        job: what was asked for.
        token: calls it off and pauses it.
        thread: that works on it.
        discard: whether what is called off is to be thrown away.
        was_paused: whether its time tells nothing.
    """

    job: Job
    token: CancelToken = field(default_factory=CancelToken)
    thread: threading.Thread | None = None
    discard: bool = False
    was_paused: bool = False


class TrainingService:
    """Serves one window.

    Attributes:
        _running: the jobs under way, by ticket; the threads that finish them take them out.
        _changing: one change to a folder at a time.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._inbox: Inbox[Job | Order] = Inbox(connection)
        self._running: dict[int, _Running] = {}
        self._changing = threading.Lock()

    def run(self) -> None:
        """Answer requests until the window is gone; then call off whatever runs."""
        with warnings_to(self._send):
            while (request := self._inbox.take()) is not None:
                if isinstance(request, Job):
                    self._begin(request)
                else:
                    self._obey(request)
            left = list(self._running.values())
            for running in left:
                running.token.cancel()
            for running in left:
                if running.thread is not None:
                    running.thread.join(_PATIENCE_S)

    def _begin(self, job: Job) -> None:
        overtaken = _OVERTAKES.get(type(job))
        for earlier in list(self._running.values()):
            if overtaken is not None and isinstance(earlier.job, overtaken):
                earlier.token.cancel()
        running = self._running[job.ticket] = _Running(job)
        running.thread = threading.Thread(target=self._work, args=(running,), name="job", daemon=True)
        running.thread.start()

    def _obey(self, order: Order) -> None:
        running = self._running.get(order.ticket)
        if running is None:  # it has just come to its end
            return
        match order:
            case Stop():
                running.discard = order.discard
                running.token.cancel()
            case Pause():
                running.was_paused = True
                running.token.pause()
            case Resume():
                running.token.resume()

    def _work(self, running: _Running) -> None:  # a thread of its own
        job = running.job
        try:
            answers = self._answers(running)
        except Cancelled:
            answers = (Stopped(job.ticket, can_resume=_left_by(running)),)
        except FoveaError as error:
            answers = last_words(job, portable(error), can_resume=isinstance(error, _MAY_GO_ON))
        except Exception as error:  # noqa: BLE001 - the boundary: the window waits for an answer, whatever happened
            _log.warning("The training process met with something unforeseen.", exc_info=True)
            answers = last_words(job, unexpected(error), can_resume=False)
        del self._running[job.ticket]
        for answer in answers:
            self._send(answer)

    def _answers(self, running: _Running) -> tuple[Answer, ...]:
        match running.job:
            case ReadFolder() as job:
                return (folders.read(job, self._send, running.token),)
            case ListSets() as job:
                return (folders.list_sets(job),)
            case Preview() as job:
                return (preview(job, open_library(), token=running.token),)
            case Forecast(ticket, request):
                return forecasts(ticket, request, open_library(), token=running.token)
            case Train() as job:
                return (self._train(job, running),)
            case Retrain() as job:
                return (self._retrain(job, running.token),)
            case Use(ticket, name, version):
                open_library().activate(name, version)
                return (Used(ticket, name, version, None),)
            case _ as job:
                with self._changing:
                    return (folders.change(job),)

    def _train(self, job: Train, running: _Running) -> TrainDone:
        request, library = job.request, open_library()
        rival, watch, started = _rival(library, job.against), CostWatch(), time.perf_counter()

        def report(progress: Progress) -> None:
            watch.stage(progress)
            self._send(Stage(job.ticket, progress))

        def on_epoch(epoch: Epoch) -> None:
            watch.epoch(epoch)
            self._send(EpochDone(job.ticket, epoch))

        trained = train(request, library, report=report, on_epoch=on_epoch, token=running.token)
        seconds = time.perf_counter() - started
        if not running.was_paused:
            watch.keep(request, len(trained.material.train))
        facts = trained_facts(trained, request, seconds, rival, report=report, token=running.token)
        return TrainDone(job.ticket, facts)

    def _retrain(self, job: Retrain, token: CancelToken) -> RetrainDone:
        started = time.perf_counter()

        def report(progress: Progress) -> None:
            self._send(Stage(job.ticket, progress))

        retrained = retrain(job.request, open_library(), report=report, token=token)
        return RetrainDone(job.ticket, retrained_facts(retrained, time.perf_counter() - started))

    def _send(self, answer: Answer | Warned) -> None:
        with self._sending, contextlib.suppress(OSError):  # the window is gone: nobody is left to tell
            self._connection.send(answer)


def _rival(library: Library, reference: str | None) -> InstalledModel | FoveaError | None:
    """The model in use as it is before the training; or why there is none."""
    if reference is None:
        return None
    try:
        return library.find(reference)
    except FoveaError as error:
        return error


def _left_by(running: _Running) -> bool:
    """Whether a training that was called off left something to go on with; what is of no use is thrown away."""
    if not isinstance(running.job, Train) or running.job.request.recipe is Recipe.QUICK:
        return False
    name = running.job.request.name
    folder = paths.unfinished_runs() / name
    if (folder / CHECKPOINT).exists() and not running.discard:
        return True
    if folder.exists():
        with contextlib.suppress(FoveaError):
            throw_away(name)
    return False
