"""The window's side of the training process: what the wizard asked for, and what came of it.

Every signal carries the message that came, with the ticket of the request it answers. What was called off, or overtaken
by a later request of its kind, is not heard of any more, but for `stopped`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from PySide6.QtCore import QObject, Signal, SignalInstance

from core.errors import TrainerError
from core.learning.request import Recipe, RetrainRequest, TrainRequest
from core.services.folder_messages import (
    Change,
    Changed,
    FolderProgress,
    FolderRead,
    ListSets,
    Preview,
    Previewed,
    ReadFolder,
    SetsListed,
)
from core.services.processes import serve_training
from core.services.training_messages import (
    Answer,
    EpochDone,
    Forecast,
    Forecasted,
    Job,
    Last,
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
    TrainFailed,
    Use,
    Used,
    last_words,
)
from core.worker import Warned
from gui.helper_process import HelperProcess


class TrainingClient(QObject):
    """Asks the training process, which is started by the first request and by the first one after it died.

    Attributes:
        folder_progress: how far a folder is read.
        folder_read: what is in it, or why nothing can be learnt from it.
        sets_listed: which sets were built here.
        changed: a folder was changed, or why not.
        previewed: what the network reads of photos.
        forecasted: how long one of the recipes would take; once for each.
        stage: how far a stage of a training is.
        epoch: what an epoch came to.
        done: the model is in the library.
        retrained: so is the version that learnt from corrections.
        failed: no model came of a training or retraining; also where the process died.
        stopped: what was called off has ended.
        used: a version is in use, or why not.
        remarked: something the person should know.
        died: the training process ended without being asked to; each request it had was answered before, as failed.
    """

    folder_progress = Signal(FolderProgress)
    folder_read = Signal(FolderRead)
    sets_listed = Signal(SetsListed)
    changed = Signal(Changed)
    previewed = Signal(Previewed)
    forecasted = Signal(Forecasted)
    stage = Signal(Stage)
    epoch = Signal(EpochDone)
    done = Signal(TrainDone)
    retrained = Signal(RetrainDone)
    failed = Signal(TrainFailed)
    stopped = Signal(Stopped)
    used = Signal(Used)
    remarked = Signal(str)
    died = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process = HelperProcess(serve_training, self)
        self._process.received.connect(self._on_received)
        self._process.died.connect(self._on_died)
        self._process.failed.connect(self._on_died)
        self._last: dict[type[Last], SignalInstance] = {
            FolderRead: self.folder_read,
            SetsListed: self.sets_listed,
            Changed: self.changed,
            Previewed: self.previewed,
            Forecasted: self.forecasted,
            TrainDone: self.done,
            RetrainDone: self.retrained,
            TrainFailed: self.failed,
            Stopped: self.stopped,
            Used: self.used,
        }
        self._tickets = count(1)
        self._asked: dict[int, Job] = {}
        self._is_running = False

    @property
    def process_id(self) -> int | None:
        """The training process's number while it lives."""
        return self._process.process_id

    @property
    def is_training(self) -> bool:
        """Whether a training is under way, paused ones included."""
        return any(isinstance(job, Train) for job in self._asked.values())

    def close(self) -> None:
        """End the training process, whatever it does; an unfinished training is kept as it is."""
        self._asked.clear()
        self._is_running = False
        self._process.close()

    def read_folder(self, folder: Path) -> int:
        """Look through a folder of labelled images, instead of any other; the ticket."""
        self._forget(ReadFolder)
        return self._ask(ReadFolder(next(self._tickets), folder))

    def list_sets(self) -> int:
        """Say which sets were built here; the ticket."""
        return self._ask(ListSets(next(self._tickets)))

    def change(self, make: Callable[[int], Change]) -> int:
        """Change a folder: `make` puts a ticket into the request. The ticket."""
        return self._ask(make(next(self._tickets)))

    def preview(self, request: TrainRequest, photos: Sequence[Path]) -> int:
        """Draw what the network reads of photos, instead of any earlier preview; the ticket."""
        self._forget(Preview)
        return self._ask(Preview(next(self._tickets), request, tuple(photos)))

    def forecast(self, request: TrainRequest) -> int:
        """Measure how long each recipe would take, instead of for any other request; the ticket."""
        self._forget(Forecast)
        return self._ask(Forecast(next(self._tickets), request))

    def train(self, request: TrainRequest, *, against: str | None = None) -> int:
        """Train; a forecast under way is called off. The ticket.

        Args:
            request: what is to be trained.
            against: the model in use, to compare with.
        """
        self._forget(Forecast)
        return self._ask(Train(next(self._tickets), request, against))

    def retrain(self, request: RetrainRequest) -> int:
        """Have a model learn from corrections; the ticket."""
        return self._ask(Retrain(next(self._tickets), request))

    def use(self, name: str, version: int) -> int:
        """Have a name mean a version from now on; the ticket."""
        return self._ask(Use(next(self._tickets), name, version))

    def stop(self, ticket: int, *, discard: bool = False) -> None:
        """Call a request off; `discard` throws away what a training has learnt so far."""
        self._order(Stop(ticket, discard))

    def pause(self, ticket: int) -> None:
        """Let a training wait."""
        self._order(Pause(ticket))

    def resume(self, ticket: int) -> None:
        """Let a paused training go on."""
        self._order(Resume(ticket))

    def _ask(self, job: Job) -> int:
        if not self._is_running:
            self._process.start()
            self._is_running = True
        self._asked[job.ticket] = job
        self._process.send(job)
        return job.ticket

    def _order(self, order: Order) -> None:
        if order.ticket in self._asked:
            self._process.send(order)

    def _forget(self, kind: type[Job]) -> None:
        """Do not listen to what answers earlier requests of this kind: the process is about to call them off."""
        self._asked = {ticket: job for ticket, job in self._asked.items() if not isinstance(job, kind)}

    def _on_received(self, message: object) -> None:
        if isinstance(message, Warned):
            self.remarked.emit(message.text)
        elif isinstance(message, Answer) and message.ticket in self._asked:
            self._tell(message)

    def _tell(self, message: Answer) -> None:
        match message:
            case FolderProgress():
                self.folder_progress.emit(message)
            case Stage():
                self.stage.emit(message)
            case EpochDone():
                self.epoch.emit(message)
            case Forecasted() if message.recipe is not tuple(Recipe)[-1]:
                self.forecasted.emit(message)
            case _:
                del self._asked[message.ticket]
                self._last[type(message)].emit(message)

    def _on_died(self) -> None:
        """Answer for the process; what it had learnt so far it has kept."""
        self._is_running = False
        for job in tuple(self._asked.values()):
            for answer in last_words(job, _death(job), can_resume=True):
                if job.ticket in self._asked:
                    self._tell(answer)
        self.died.emit()


def _death(job: Job) -> TrainerError:
    if isinstance(job, Train):
        hint = "Close other programs if memory may have run out, then resume: what was computed and learnt is kept."
        return TrainerError("The training process ended before its work did.", hint=hint)
    return TrainerError("The training process ended before it could answer.", hint="Try again.")
