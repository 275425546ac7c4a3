"""Third step: trainings, one at a time: started, paused, stopped and resumed."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget

from core import api
from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.progress import Progress
from core.datasets.values import FolderRead
from core.training.protocol import Epoch
from core.training.recipe_defaults import DEFAULTS
from core.training.request import TrainRequest
from core.training.values import TrainingResult
from gui.session.model_controller import ModelController
from gui.tasks.task import Task, Tasks
from gui.training.wizard.training_step import TrainingStep
from gui.widgets.notices import Notices


class TrainingController(QObject):
    """Runs a training in the training process.

    Attributes:
        started: a training begins.
        status_changed: the progress as one line for the status bar; empty when no training is in progress.
        done: a model was added to the library; its `TrainingResult`.
        ended: the training failed or was stopped.
        background_wanted: close the wizard while the training continues.
        question_changed: a question about stopping appeared or disappeared.
        request: the last request; None before the first one.
        read: the photos it trains on; None for a run resumed without them.
    """

    started = Signal()
    status_changed = Signal(str)
    done = Signal(TrainingResult)
    ended = Signal()
    background_wanted = Signal()
    question_changed = Signal()

    def __init__(self, tasks: Tasks, models: ModelController, notices: Notices, pages: QStackedWidget) -> None:
        super().__init__(pages)
        self._tasks, self._models, self._notices, self._pages = tasks, models, notices, pages
        self.request: TrainRequest | None = None
        self.read: FolderRead | None = None
        self._task: Task | None = None
        self._discards = False

    @cached_property
    def step(self) -> TrainingStep:
        """What the user sees."""
        step = TrainingStep(self._pages)
        step.noticed.connect(self._notices.show_one)
        step.background_wanted.connect(self.background_wanted)
        step.question_changed.connect(self.question_changed)
        step.pause_wanted.connect(lambda is_paused: self._pause(is_paused=is_paused))
        step.stop_wanted.connect(lambda discard: self._stop(discard=discard))
        step.again_wanted.connect(lambda restart: self._repeat(restart=restart))
        self._pages.addWidget(step)
        return step

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.request.name if self.request else ""

    @property
    def is_running(self) -> bool:
        """Whether a training is in progress or paused."""
        return self._task is not None

    def begin(self, request: TrainRequest, read: FolderRead | None = None) -> None:
        """Begin a training on the photos that were read, or resume a run without having read them."""
        self.request, self.read, self._discards = request, read, False
        defaults = DEFAULTS.get(request.recipe.value)
        task = self._task = self._tasks.start(api.train, request, self._models.name or None)
        task.progressed.connect(self._on_progress)
        task.succeeded.connect(self._on_done)
        task.failed.connect(self._on_failed)
        task.stopped.connect(self._on_stopped)
        epochs = (request.epochs or defaults.epochs) if defaults else 0
        self.step.begin(epochs=epochs, images=0 if read is None else _training_images(request, read))
        self.started.emit()
        self.status_changed.emit(tr("Training {name}", name=request.name))

    def _repeat(self, *, restart: bool) -> None:
        """Begin the same training again; `restart` discards saved progress instead of resuming from it."""
        assert self.request is not None
        self.begin(replace(self.request, restart=restart), self.read)

    def _pause(self, *, is_paused: bool) -> None:
        if self._task is not None:
            (self._task.pause if is_paused else self._task.resume)()
            line = tr("Training {name}: paused", name=self.name) if is_paused else tr("Training {name}", name=self.name)
            self.status_changed.emit(line)

    def _stop(self, *, discard: bool) -> None:
        self._discards = discard
        if self._task is not None:
            self._task.cancel()

    def _on_progress(self, value: Progress | Epoch) -> None:
        if isinstance(value, Epoch):
            self.step.show_epoch(value)
            return
        self.step.show_stage(value)
        if self.step.pause.isChecked():
            return
        if value.total > 1:
            done = value.step / value.total
            text = tr("Training {name}: {stage}, {done:.0%}", name=self.name, stage=value.stage, done=done)
        else:
            text = tr("Training {name}: {stage}", name=self.name, stage=value.stage)
        self.status_changed.emit(text)

    def _on_done(self, summary: TrainingResult) -> None:
        self._task = None
        self.status_changed.emit("")
        self.done.emit(summary)

    def _on_failed(self, error: FoveaError) -> None:
        self._task = None
        self.step.show_failure(error)
        self._end()

    def _on_stopped(self) -> None:
        assert self.request is not None
        settling = self._tasks.start(partial(api.settle_run, self.request, discard=self._discards))
        settling.succeeded.connect(lambda can_resume: self._on_settled(can_resume=can_resume))
        settling.failed.connect(lambda _: self._on_settled(can_resume=False))

    def _on_settled(self, *, can_resume: bool) -> None:
        self._task = None
        self.step.show_stopped(can_resume=can_resume)
        self._end()

    def _end(self) -> None:
        self.status_changed.emit("")
        self.ended.emit()


def _training_images(request: TrainRequest, read: FolderRead) -> int:
    """The number of photos to train on, without those kept for validation and testing."""
    return max(1, round(read.images * (1.0 - float(request.validation) - float(request.test))))
