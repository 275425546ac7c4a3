"""The wizard's window: four steps, and what leads from one to the next.

Closed while a training goes on it only hides, and the main window shows how far the training is.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from core.learning.recipes import DEFAULTS
from core.learning.request import TrainRequest
from core.services.folder_messages import FolderRead
from core.services.training_messages import EpochDone, Stage, Stopped, TrainDone, TrainFailed, Used
from gui import theme
from gui.session import Session
from gui.training_client import TrainingClient
from gui.widgets import label
from gui.wizard.how_step import HowStep
from gui.wizard.photos_step import PhotosStep
from gui.wizard.result_step import ResultStep
from gui.wizard.training_step import TrainingStep


class Step(IntEnum):
    """Where the person is."""

    PHOTOS = 0
    HOW = 1
    TRAINING = 2
    RESULT = 3


_TITLES: Final = ("Photos", "How", "Training", "Result")


class TrainingWizard(QWidget):
    """Leads from a folder of photos to a model.

    Attributes:
        went_on: a training has come further, as one line for the status bar; empty when none is under way.
        finished: a model is in the library.
        hid: it was closed while a training goes on.
    """

    went_on = Signal(str)
    finished = Signal()
    hid = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("New model")
        self.setAcceptDrops(True)
        self.setMinimumSize(900, 600)
        self.resize(1120, 760)
        self._session = session
        self.client = TrainingClient(self)
        self._training = 0
        self._request: TrainRequest | None = None
        self.photos = PhotosStep(session.pictures, self)
        self.how = HowStep(self)
        self.training = TrainingStep(self)
        self.result = ResultStep(session.pictures, self)
        self._pages = QStackedWidget()
        self._marks = [label(f"{number}  {title}", "muted") for number, title in enumerate(_TITLES, 1)]
        self.back, self.next = QPushButton("Back"), QPushButton("Next")
        self._lay_out()
        self._connect()
        self.go_to(Step.PHOTOS)

    @property
    def step(self) -> Step:
        """The step that is shown."""
        return Step(self._pages.currentIndex())

    def open_folder(self, folder: Path) -> None:
        """Look at a folder, unless a training is under way."""
        if self.client.is_training:
            self.go_to(Step.TRAINING)
            return
        self.go_to(Step.PHOTOS)
        self.photos.begin(folder)
        self.client.read_folder(folder)

    def go_to(self, step: Step) -> None:
        """Show a step."""
        self._pages.setCurrentIndex(step)
        for number, mark in enumerate(self._marks):
            mark.setProperty("kind", "number" if number == step else "muted")
            mark.style().polish(mark)
        self._show_buttons()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.step is Step.PHOTOS and _folder_in(event) is not None:
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        folder = _folder_in(event)
        if folder is not None:
            event.acceptProposedAction()
            self.open_folder(folder)

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.client.is_training:
            self.hid.emit()
        super().closeEvent(event)

    def end(self) -> None:
        """End the training process; an unfinished training is kept as it is."""
        self.client.close()

    # ---- what it looks like

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head, row = _band("top")
        for mark in self._marks:
            row.addWidget(mark)
            row.addSpacing(3 * theme.GRID)
        row.addStretch()
        column.addWidget(head)
        for page in (self.photos, self.how, self.training, self.result):
            self._pages.addWidget(page)
        self._pages.setContentsMargins(3 * theme.GRID, 3 * theme.GRID, 3 * theme.GRID, 2 * theme.GRID)
        column.addWidget(self._pages, 1)
        self._foot, row = _band("foot")
        row.addStretch()
        self.next.setProperty("kind", "primary")
        row.addWidget(self.back)
        row.addWidget(self.next)
        column.addWidget(self._foot)

    def _show_buttons(self) -> None:
        step = self.step
        is_over = step is Step.TRAINING and not self.client.is_training
        self._foot.setVisible(step in (Step.PHOTOS, Step.HOW) or is_over)
        self.back.setVisible(step is Step.HOW or is_over)
        self.next.setVisible(not is_over)
        self.next.setText("Train" if step is Step.HOW else "Next")
        self.next.setEnabled(self.photos.can_go_on if step is Step.PHOTOS else self.how.can_go_on)

    # ---- what happens

    def _connect(self) -> None:
        client = self.client
        self.photos.chosen.connect(self.open_folder)
        self.photos.changed.connect(self._show_buttons)
        self.how.changed.connect(self._show_buttons)
        self.back.clicked.connect(lambda: self.go_to(Step(self.step - 1)))
        self.next.clicked.connect(self._go_on)
        client.folder_progress.connect(self.photos.show_progress)
        client.folder_read.connect(self._on_folder_read)
        client.forecasted.connect(self.how.show_forecast)
        client.stage.connect(self._on_stage)
        client.epoch.connect(self._on_epoch)
        client.done.connect(self._on_done)
        client.failed.connect(self._on_failed)
        client.stopped.connect(self._on_stopped)
        client.used.connect(self._on_used)
        for part in (client.remarked, self.training.noticed, self.result.noticed):
            part.connect(self._session.noticed)
        self.training.pause_wanted.connect(lambda is_paused: self._pause(is_paused=is_paused))
        self.training.stop_wanted.connect(lambda discard: client.stop(self._training, discard=discard))
        self.training.again_wanted.connect(self._train_again)
        self.result.use_wanted.connect(self._use)
        self.result.again_wanted.connect(lambda: self.go_to(Step.HOW))

    def _go_on(self) -> None:
        if self.step is Step.PHOTOS:
            self.go_to(Step.HOW)
            self.how.name.setFocus()
        else:
            self._train(self._make_request())

    def _on_folder_read(self, read: FolderRead) -> None:
        self.photos.show_folder(read)
        if read.error is None:
            self.how.suggest(read.folder.name)
            self.how.begin_forecast()
            self.client.forecast(self._make_request())

    def _make_request(self) -> TrainRequest:
        read, plan, settings = self.photos.read, self.how.plan, self._session.settings.value
        assert read is not None
        return TrainRequest(
            folder=read.folder,
            name=plan.name,
            validation=plan.validation,
            test=plan.test,
            seed=plan.seed,
            provider=settings.provider,
            precision=settings.precision,
            recipe=plan.recipe,
            epochs=plan.epochs,
            learning_rate=plan.learning_rate,
        )

    def _train(self, request: TrainRequest) -> None:
        self._request = request
        defaults = DEFAULTS.get(request.recipe.value)
        self.training.begin(epochs=(request.epochs or defaults.epochs) if defaults else 0)
        opened = self._session.opened
        self._training = self.client.train(request, against=opened.name if opened else None)
        self.go_to(Step.TRAINING)
        self.went_on.emit(f"Training {request.name}")

    def _train_again(self, anew: bool) -> None:  # noqa: FBT001 - a signal's argument
        assert self._request is not None
        self._train(replace(self._request, restart=anew))

    def _pause(self, *, is_paused: bool) -> None:
        (self.client.pause if is_paused else self.client.resume)(self._training)

    def _on_stage(self, stage: Stage) -> None:
        progress = stage.progress
        self.training.show_stage(progress)
        name = self._request.name if self._request else ""
        part = f"{progress.step / progress.total:.0%}" if progress.total > 1 else ""
        self.went_on.emit(f"Training {name}: {progress.stage} {part}".rstrip())

    def _on_epoch(self, done: EpochDone) -> None:
        self.training.show_epoch(done.epoch)

    def _on_done(self, done: TrainDone) -> None:
        self.result.show_result(done.facts)
        self.go_to(Step.RESULT)
        self.result.use.setFocus()
        self.went_on.emit("")
        self.finished.emit()

    def _on_failed(self, failed: TrainFailed) -> None:
        self.training.show_failure(failed.error, can_resume=failed.can_resume)
        self._show_buttons()
        self.went_on.emit("")

    def _on_stopped(self, stopped: Stopped) -> None:
        if stopped.ticket == self._training:
            self.training.show_stopped(can_resume=stopped.can_resume)
            self._show_buttons()
            self.went_on.emit("")

    def _use(self) -> None:
        facts = self.result.facts
        assert facts is not None
        if facts.in_use:
            self._show_used(facts.name)
        else:
            self.client.use(facts.name, facts.version)

    def _on_used(self, used: Used) -> None:
        if used.error is None:
            self._show_used(used.name)
        else:
            self._session.noticed.emit(str(used.error))

    def _show_used(self, name: str) -> None:
        """The name means the new version by now; the main window opens it."""
        self._session.engine.list_models()
        self._session.open_model(model=name)
        self.result.show_in_use()


def _band(name: str) -> tuple[QWidget, QHBoxLayout]:
    """A strip across the window, and the row in it."""
    band = QWidget()
    band.setObjectName(name)
    band.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    row = QHBoxLayout(band)
    row.setContentsMargins(3 * theme.GRID, theme.GRID, 3 * theme.GRID, theme.GRID)
    return band, row


def _folder_in(event: QDropEvent) -> Path | None:
    """The one folder that is dragged."""
    urls = event.mimeData().urls()
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    return Path(urls[0].toLocalFile())
