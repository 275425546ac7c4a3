"""One training after the other, as the wizard asks for them: started, paused, stopped, resumed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core import api
from core.base.errors import FoveaError
from core.base.progress import Progress
from core.services.training_values import TrainingSummary
from core.training.protocol import Epoch
from core.training.recipe_defaults import DEFAULTS
from core.training.request import TrainRequest
from gui.session.session import Session
from gui.tasks.task import Task


class TrainingRun(QObject):
    """Leads a training in the training process.

    Attributes:
        started: a training begins: how many epochs it has, 0 for a recipe without, and how many images it learns from.
        progressed: how far a stage is.
        epoch: what an epoch came to.
        resumed: it has come further, as one line for the status bar; empty when none is under way.
        done: a model is in the library; its `TrainingSummary`.
        failed: no model came of it; why.
        stopped: it was stopped; whether it can be resumed.
        ended: any of the last two.
        request: what was asked for last.
    """

    started = Signal(int, int)
    progressed = Signal(Progress)
    epoch = Signal(Epoch)
    resumed = Signal(str)
    done = Signal(TrainingSummary)
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
        """The model's."""
        return self.request.name if self.request else ""

    @property
    def folder(self) -> Path:
        """What it learns from."""
        return self.request.folder if self.request else Path()

    @property
    def is_running(self) -> bool:
        """Whether a training is under way, paused ones included."""
        return self._task is not None

    def begin(self, request: TrainRequest, images: int) -> None:
        """Begin a training.

        Args:
            request: what is to be trained.
            images: how many are learned from; 0 where that is not known.
        """
        self.request, self._images, self._discards = request, images, False
        defaults, opened = DEFAULTS.get(request.recipe.value), self._session.opened
        task = self._task = self._session.training.start(api.train, request, opened.name if opened else None)
        task.progressed.connect(self._on_progress)
        task.succeeded.connect(self._on_done)
        task.failed.connect(self._on_failed)
        task.stopped.connect(self._on_stopped)
        self.started.emit((request.epochs or defaults.epochs) if defaults else 0, images)
        self.resumed.emit(f"Training {request.name}")

    def repeat(self, *, restart: bool) -> None:
        """Begin the same training again, from the start even where it could be resumed if `restart`."""
        assert self.request is not None
        self.begin(replace(self.request, restart=restart), self._images)

    def pause(self, *, is_paused: bool) -> None:
        """Pause the training, or resume it."""
        if self._task is not None:
            (self._task.pause if is_paused else self._task.resume)()

    def stop(self, *, discard: bool) -> None:
        """Stop the training, and keep or discard what it has learned so far."""
        self._discards = discard
        if self._task is not None:
            self._task.cancel()

    def _on_progress(self, value: Progress | Epoch) -> None:
        if isinstance(value, Epoch):
            self.epoch.emit(value)
            return
        self.progressed.emit(value)
        part = f"{value.step / value.total:.0%}" if value.total > 1 else ""
        self.resumed.emit(f"Training {self.name}: {value.stage} {part}".rstrip())

    def _on_done(self, facts: TrainingSummary) -> None:
        self._task = None
        self.resumed.emit("")
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
        self.resumed.emit("")
        self.ended.emit()
