"""The wizard's trainings, one at a time: started, paused, stopped and resumed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core import api
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.progress import Progress
from core.training.protocol import Epoch
from core.training.recipe_defaults import DEFAULTS
from core.training.request import TrainRequest
from core.training.values import TrainingResult
from gui.session.session import Session
from gui.tasks.task import Task


class TrainingRun(QObject):
    """Runs a training in the training process.

    Attributes:
        started: a training begins: the number of epochs, 0 for recipes without, and of training images.
        progressed: the progress of a stage.
        epoch: the metrics of an epoch.
        status_changed: the progress as one line for the status bar; empty when no training is in progress.
        done: a model was added to the library; its `TrainingResult`.
        failed: why the training failed.
        stopped: the training was stopped; whether it can be resumed.
        ended: either of the last two.
        request: the last request; None before the first one.
    """

    started = Signal(int, int)
    progressed = Signal(Progress)
    epoch = Signal(Epoch)
    status_changed = Signal(str)
    done = Signal(TrainingResult)
    failed = Signal(FoveaError)
    stopped = Signal(bool)
    ended = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self.request: TrainRequest | None = None
        self._images = 0
        self._task: Task | None = None
        self._discards = False

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.request.name if self.request else ""

    @property
    def folder(self) -> Path:
        """The folder of the training photos."""
        return self.request.folder if self.request else Path()

    @property
    def is_running(self) -> bool:
        """Whether a training is in progress or paused."""
        return self._task is not None

    def begin(self, request: TrainRequest, images: int) -> None:
        """Begin a training.

        Args:
            request: what to train.
            images: the number of training images; 0 if unknown.
        """
        self.request, self._images, self._discards = request, images, False
        defaults, opened = DEFAULTS.get(request.recipe.value), self._session.models.in_use
        task = self._task = self._session.training.start(api.train, request, opened.name if opened else None)
        task.progressed.connect(self._on_progress)
        task.succeeded.connect(self._on_done)
        task.failed.connect(self._on_failed)
        task.stopped.connect(self._on_stopped)
        self.started.emit((request.epochs or defaults.epochs) if defaults else 0, images)
        self.status_changed.emit(tr("Training {name}", name=request.name))

    def repeat(self, *, restart: bool) -> None:
        """Begin the same training again; `restart` discards saved progress instead of resuming from it."""
        assert self.request is not None
        self.begin(replace(self.request, restart=restart), self._images)

    def pause(self, *, is_paused: bool) -> None:
        """Pause the training, or resume it."""
        if self._task is not None:
            (self._task.pause if is_paused else self._task.resume)()

    def stop(self, *, discard: bool) -> None:
        """Stop the training, and keep or discard its progress."""
        self._discards = discard
        if self._task is not None:
            self._task.cancel()

    def _on_progress(self, value: Progress | Epoch) -> None:
        if isinstance(value, Epoch):
            self.epoch.emit(value)
            return
        self.progressed.emit(value)
        if value.total > 1:
            done = value.step / value.total
            text = tr("Training {name}: {stage}, {done:.0%}", name=self.name, stage=tr(value.stage), done=done)
        else:
            text = tr("Training {name}: {stage}", name=self.name, stage=tr(value.stage))
        self.status_changed.emit(text)

    def _on_done(self, facts: TrainingResult) -> None:
        self._task = None
        self.status_changed.emit("")
        self.done.emit(facts)

    def _on_failed(self, error: FoveaError) -> None:
        self._task = None
        self.failed.emit(error)
        self._end()

    def _on_stopped(self) -> None:
        assert self.request is not None
        settling = self._session.training.start(partial(api.settle_run, self.request, discard=self._discards))
        settling.succeeded.connect(lambda can_resume: self._on_settled(can_resume=can_resume))
        settling.failed.connect(lambda _: self._on_settled(can_resume=False))

    def _on_settled(self, *, can_resume: bool) -> None:
        self._task = None
        self.stopped.emit(can_resume)
        self._end()

    def _end(self) -> None:
        self.status_changed.emit("")
        self.ended.emit()
