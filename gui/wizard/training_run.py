"""One training after the other, as the wizard asks for them: begun, paused, called off, gone on with, compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.learning.recipes import DEFAULTS
from core.learning.request import TrainRequest
from core.services.training_messages import EpochDone, Stage, Stopped, TrainDone, TrainFailed
from gui.session import Session
from gui.training_client import TrainingClient
from gui.wizard.training_step import TrainingStep


class TrainingRun(QObject):
    """Leads a training and shows it on its page.

    Attributes:
        went_on: it has come further, as one line for the status bar; empty when none is under way.
        began: a training begins.
        done: a model is in the library.
        ended: no model came of it, or it was called off.
        request: what was asked for last.
    """

    went_on = Signal(str)
    began = Signal()
    done = Signal(TrainDone)
    ended = Signal()

    def __init__(self, client: TrainingClient, session: Session, page: TrainingStep, parent: QObject) -> None:
        super().__init__(parent)
        self._client, self._session, self._page = client, session, page
        self._ticket = 0
        self.request: TrainRequest | None = None
        client.stage.connect(self._on_stage)
        client.epoch.connect(self._on_epoch)
        client.done.connect(self._on_done)
        client.failed.connect(self._on_failed)
        client.stopped.connect(self._on_stopped)
        page.pause_wanted.connect(lambda is_paused: self._pause(is_paused=is_paused))
        page.stop_wanted.connect(lambda discard: client.stop(self._ticket, discard=discard))
        page.again_wanted.connect(lambda anew: self.repeat(anew=anew))

    @property
    def name(self) -> str:
        """The model's."""
        return self.request.name if self.request else ""

    @property
    def folder(self) -> Path:
        """What it learns from."""
        return self.request.folder if self.request else Path()

    def begin(self, request: TrainRequest, images: int) -> None:
        """Begin a training.

        Args:
            request: what is to be trained.
            images: how many are learnt from; 0 where that is not known.
        """
        self.request, self._images = request, images
        defaults = DEFAULTS.get(request.recipe.value)
        self._page.begin(epochs=(request.epochs or defaults.epochs) if defaults else 0, images=images)
        opened = self._session.opened
        self._ticket = self._client.train(request, against=opened.name if opened else None)
        self.began.emit()
        self.went_on.emit(f"Training {request.name}")

    def repeat(self, *, anew: bool) -> None:
        """Begin the same training once more, `anew` even where it could go on."""
        assert self.request is not None
        self.begin(replace(self.request, restart=anew), self._images)

    def _pause(self, *, is_paused: bool) -> None:
        (self._client.pause if is_paused else self._client.resume)(self._ticket)

    def _on_stage(self, stage: Stage) -> None:
        if stage.ticket == self._ticket:
            progress = stage.progress
            self._page.show_stage(progress)
            part = f"{progress.step / progress.total:.0%}" if progress.total > 1 else ""
            self.went_on.emit(f"Training {self.name}: {progress.stage} {part}".rstrip())

    def _on_epoch(self, done: EpochDone) -> None:
        if done.ticket == self._ticket:
            self._page.show_epoch(done.epoch)

    def _on_done(self, done: TrainDone) -> None:
        if done.ticket == self._ticket:
            self.went_on.emit("")
            self.done.emit(done)

    def _on_failed(self, failed: TrainFailed) -> None:
        if failed.ticket == self._ticket:
            self._page.show_failure(failed.error, can_resume=failed.can_resume)
            self._end()

    def _on_stopped(self, stopped: Stopped) -> None:
        if stopped.ticket == self._ticket:
            self._page.show_stopped(can_resume=stopped.can_resume)
            self._end()

    def _end(self) -> None:
        self.went_on.emit("")
        self.ended.emit()
