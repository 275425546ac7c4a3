"""The window of the wizard: four steps, each created when it is first shown, and the way from one to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import cached_property
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from core import api
from core.base.errors import FoveaError
from core.base.i18n import mark, tr, tr_n
from core.datasets.labels import LabelOverride
from core.datasets.values import FolderRead
from core.training.request import TrainRequest
from core.training.values import TrainingResult
from gui.session.session import Session
from gui.tasks.task import LatestTask
from gui.training.wizard.dataset_edits import DatasetEdits
from gui.training.wizard.method_step import MethodStep
from gui.training.wizard.photos_step import PhotosStep
from gui.training.wizard.result_step import ResultStep
from gui.training.wizard.training_run import TrainingRun
from gui.training.wizard.training_step import TrainingStep
from gui.widgets import theme
from gui.widgets.basic import label
from gui.widgets.class_chooser import ClassChooser
from gui.widgets.drop import dropped_path
from gui.widgets.notices import Notices

_FORECAST_DELAY_MS: Final = 1000
"""How long a folder stays unchanged before its training time is measured, so that edits are not slowed down."""
_SHOWN: Final = 3
_TITLES: Final = (mark("Photos"), mark("Method"), mark("Training"), mark("Result"))


class WizardStep(IntEnum):
    """A step of the wizard."""

    PHOTOS = 0
    METHOD = 1
    TRAINING = 2
    RESULT = 3


class TrainingWizard(QWidget):
    """Leads from photos to a model.

    Attributes:
        status_changed: the progress of the training, as one line for the status bar; empty when none is in progress.
        finished: a model was added to the library; its name, and its accuracy in words.
        hid: the window was closed while a training continues.
    """

    status_changed = Signal(str)
    finished = Signal(str, str)
    hid = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(tr("New model"))
        self.setAcceptDrops(True)
        self.setMinimumSize(900, 600)
        self.resize(1120, 760)
        self._session = session
        self._tasks = session.training
        self.edits = DatasetEdits(self._tasks, self)
        self.run = TrainingRun(session, self)
        self.notices = Notices(self)
        self._pages = QStackedWidget()
        self._step_labels = [label(f"{step + 1}  {tr(_TITLES[step])}", "muted") for step in WizardStep]
        self.back, self.next = QPushButton(tr("Back")), QPushButton(tr("Next"))
        self._measure = QTimer(self, interval=_FORECAST_DELAY_MS, singleShot=True)
        self._measure.timeout.connect(self._forecast)
        self._awaited: tuple[Path, ...] = ()
        self._reading, self._forecasting, self._previewing = (LatestTask(self._tasks) for _ in range(3))
        self._corrections: frozenset[tuple[Path, str | None]] = frozenset()
        self._step = WizardStep.PHOTOS
        self._lay_out()
        self._connect()
        self.go_to(WizardStep.PHOTOS)
        self._tasks.start(api.list_datasets).succeeded.connect(self.photos.show_datasets)

    # ---- the steps, each created when it is first needed

    @cached_property
    def photos(self) -> PhotosStep:
        """The first step."""
        result = PhotosStep(self._session.pictures, self._pages)
        result.chosen.connect(self.open_folder)
        result.build_wanted.connect(lambda: self.build(tr("New photos"), {}))
        result.changed.connect(self._show_buttons)
        found = result.found
        found.edited.connect(self.edits.edit)
        found.class_named.connect(self.edits.rename_dataset)
        found.undo_wanted.connect(self.edits.undo)
        found.problems.overridden.connect(self.edits.override_labels)
        found.problems.class_wanted.connect(self._choose_class)
        self._pages.addWidget(result)
        return result

    @cached_property
    def how(self) -> MethodStep:
        """The second step."""
        result = MethodStep(self._pages)
        result.changed.connect(self._show_buttons)
        result.preview_wanted.connect(self._preview)
        self._pages.addWidget(result)
        return result

    @cached_property
    def training(self) -> TrainingStep:
        """The third step."""
        result = TrainingStep(self._pages)
        result.noticed.connect(self.notices.show_notice)
        result.background_wanted.connect(self._continue_in_background)
        result.pause_wanted.connect(lambda is_paused: self.run.pause(is_paused=is_paused))
        result.stop_wanted.connect(lambda discard: self.run.stop(discard=discard))
        result.again_wanted.connect(lambda restart: self.run.repeat(restart=restart))
        self.run.progressed.connect(result.show_stage)
        self.run.epoch.connect(result.show_epoch)
        self.run.failed.connect(result.show_failure)
        self.run.stopped.connect(lambda can_resume: result.show_stopped(can_resume=can_resume))
        self._pages.addWidget(result)
        return result

    @cached_property
    def result(self) -> ResultStep:
        """The last step."""
        result = ResultStep(self._session.pictures, self._session.library.tasks, self._pages)
        result.noticed.connect(self.notices.show_notice)
        result.use_wanted.connect(self._use)
        result.again_wanted.connect(lambda at_once: self._again(is_immediate=at_once))
        result.overridden.connect(self.edits.override_labels)
        result.class_wanted.connect(self._choose_class)
        result.undo_wanted.connect(self.edits.undo)
        result.exported.connect(self._on_exported)
        self._pages.addWidget(result)
        return result

    @cached_property
    def chooser(self) -> ClassChooser:
        """Asks for a class."""
        result = ClassChooser(self)
        result.chosen.connect(self._on_class)
        return result

    @property
    def step(self) -> WizardStep:
        """The step that is shown."""
        return self._step

    def go_to(self, step: WizardStep) -> None:
        """Show a step."""
        pages = dict(zip(WizardStep, ("photos", "how", "training", "result"), strict=True))
        self._step = step
        self._pages.setCurrentWidget(getattr(self, pages[step]))
        for number, title in enumerate(self._step_labels):
            title.setProperty("kind", "number" if number == step else "muted")
            title.style().polish(title)
        self._show_buttons()

    # ---- photos

    def open_folder(self, folder: Path) -> None:
        """Read a folder, unless a training is in progress."""
        if self.run.is_running:
            self.go_to(WizardStep.TRAINING)
            return
        self.go_to(WizardStep.PHOTOS)
        self.edits.begin(folder)
        self._on_folder_changed(folder)

    def build(self, name: str, classes: Mapping[str, Sequence[Path]]) -> None:
        """Build a dataset with these classes, which the user can then change."""
        if self.run.is_running:
            self.go_to(WizardStep.TRAINING)
            return
        self.go_to(WizardStep.PHOTOS)
        self.edits.create_dataset(name, classes)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.step is WizardStep.PHOTOS and dropped_path(event) is not None:
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        folder = dropped_path(event)
        if folder is not None:
            event.acceptProposedAction()
            self.open_folder(folder)

    def _on_folder_changed(self, folder: Path) -> None:
        self.photos.begin(folder)
        task = self._reading.start(api.read_folder, folder)
        task.progressed.connect(self.photos.show_progress)
        task.succeeded.connect(self._on_folder_read)
        task.failed.connect(lambda error: self._on_folder_read(FolderRead(folder, error=error)))

    def _on_folder_read(self, read: FolderRead) -> None:
        self.edits.classes = [one.name for one in read.classes]
        self.photos.show_folder(read, can_undo=self.edits.can_undo)
        if self.step is WizardStep.RESULT:
            now = frozenset((one.path, one.label) for one in read.overridden)
            self.result.show_overrides(read.overridden, new=len(now ^ self._corrections), can_undo=self.edits.can_undo)
        elif read.error is None:
            self._measure.start()

    def _choose_class(self, paths: Sequence[Path], likely: Sequence[str]) -> None:
        self._awaited = tuple(paths)
        read = self.photos.read
        classes = [one.name for one in read.classes] if read else []
        title = tr_n("What is in this photo?", "What is in these {count:,} photos?", len(paths))
        self.chooser.open([*classes, *(one for one in likely if one not in classes)], title=title, likely=likely)

    def _on_class(self, name: str) -> None:
        self.edits.override_labels({path: LabelOverride(name) for path in self._awaited})

    # ---- method

    def _forecast(self) -> None:
        read = self.photos.read
        if read is not None and read.error is None and not self.run.is_running:
            self.how.suggest(read.folder.name)
            self.how.begin_forecast()
            task = self._forecasting.start(api.forecast, self._make_request())
            task.succeeded.connect(self.how.show_forecasts)
            task.failed.connect(self.how.show_no_forecast)

    def _preview(self, turn: int) -> None:
        """Preview one photo of each of some classes; each turn shows other photos."""
        read = self.photos.read
        samples = [one.samples for one in read.classes if one.samples] if read else []
        if samples:
            chosen = [samples[(turn * _SHOWN + place) % len(samples)] for place in range(min(_SHOWN, len(samples)))]
            photos = tuple(own[turn % len(own)] for own in chosen)
            task = self._previewing.start(api.preview_training, self._make_request(), photos)
            task.succeeded.connect(self.how.show_preview)
            task.failed.connect(self.how.show_no_preview)

    def _go_back(self) -> None:
        """Go back one step, or, after a resumed run, which has no folder here, to the first step."""
        self.go_to(WizardStep(self.step - 1) if self.photos.read is not None else WizardStep.PHOTOS)

    def _make_request(self) -> TrainRequest:
        read = self.photos.read
        assert read is not None
        return self.how.plan.request(read.folder, self._session.settings.value)

    # ---- training

    def _train(self, request: TrainRequest) -> None:
        read = self.photos.read
        assert read is not None
        self._measure.stop()
        self._corrections = frozenset((one.path, one.label) for one in read.overridden)
        fraction = 1.0 - float(request.validation) - float(request.test)
        self._forecasting.abandon()
        self.run.begin(request, max(1, round(read.images * fraction)))

    def _on_began(self, epochs: int, images: int) -> None:
        self.training.begin(epochs=epochs, images=images)
        self.go_to(WizardStep.TRAINING)

    def _on_done(self, facts: TrainingResult) -> None:
        self.result.show_result(facts, self.run.folder)
        QTimer.singleShot(10, self, lambda: self._show_result(facts.name))

    def _show_result(self, name: str) -> None:
        """Show the result in a turn of its own, so that its widgets are laid out and painted first."""
        self.go_to(WizardStep.RESULT)
        self.result.use.setFocus()
        self.finished.emit(name, self.result.headline.text())

    def _on_ended(self) -> None:
        self._show_buttons()
        if self.training.closes:
            self.close()

    def _continue_in_background(self) -> None:
        self.hide()
        self.hid.emit()

    # ---- result

    def _again(self, *, is_immediate: bool) -> None:
        if is_immediate and self.run.request is not None:
            self._train(self.run.request)
        else:
            self.go_to(WizardStep.METHOD)

    def _use(self) -> None:
        facts = self.result.facts
        assert facts is not None
        if facts.in_use:
            self._show_used(facts.name)
        else:
            task = self._tasks.start(api.activate, facts.name, facts.version)
            task.succeeded.connect(lambda _: self._show_used(facts.name))
            task.failed.connect(self._show_error)

    def _show_error(self, error: FoveaError) -> None:
        self.notices.show_notice(str(error))

    def _show_used(self, name: str) -> None:
        """Open the new version, which is active now, in the main window."""
        self._session.models.refresh()
        self._session.models.open(model=name)
        self.result.show_in_use()

    def _on_exported(self, text: str, file: Path | None) -> None:
        folder = None if file is None else QUrl.fromLocalFile(str(file.parent))
        offer = None if folder is None else (tr("Open folder"), lambda: QDesktopServices.openUrl(folder))
        self.notices.show_notice(text, action=offer)

    # ---- the window

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask what to do with a training in progress before closing."""
        if self.run.is_running:
            event.ignore()
            self.go_to(WizardStep.TRAINING)
            self.training.ask_about_close()
            return
        super().closeEvent(event)

    def end(self) -> None:
        """Stop background work; the training process ends with the session."""
        self._measure.stop()
        if "result" in self.__dict__:
            self.result.end()

    def _connect(self) -> None:
        self.back.clicked.connect(self._go_back)
        self.next.clicked.connect(self._continue)
        self.run.status_changed.connect(self.status_changed)
        self.run.started.connect(self._on_began)
        self.run.done.connect(self._on_done)
        self.run.ended.connect(self._on_ended)
        self._tasks.warned.connect(self.notices.show_notice)
        self.edits.done.connect(self._on_folder_changed)
        self.edits.done.connect(lambda _: self._session.corrections.refresh())
        self.edits.failed.connect(self.notices.show_notice)

    def _continue(self) -> None:
        if self.step is WizardStep.PHOTOS:
            if self._measure.isActive():
                self._measure.stop()
                self._forecast()
            self.go_to(WizardStep.METHOD)
            self.how.name.setFocus()
        else:
            self._train(self._make_request())

    def _show_buttons(self) -> None:
        step = self._step
        is_over = step is WizardStep.TRAINING and not self.run.is_running
        self._foot.setVisible(step in (WizardStep.PHOTOS, WizardStep.METHOD) or is_over)
        self.back.setVisible(step is WizardStep.METHOD or is_over)
        self.next.setVisible(not is_over)
        self.next.setText(tr("Train") if step is WizardStep.METHOD else tr("Next"))
        if step in (WizardStep.PHOTOS, WizardStep.METHOD):
            self.next.setEnabled(self.photos.can_continue if step is WizardStep.PHOTOS else self.how.can_continue)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head, row = _band("top")
        for title in self._step_labels:
            row.addWidget(title)
            row.addSpacing(3 * theme.GRID)
        row.addStretch()
        self._pages.setContentsMargins(3 * theme.GRID, 3 * theme.GRID, 3 * theme.GRID, 2 * theme.GRID)
        self._foot, row = _band("foot")
        row.addStretch()
        self.next.setProperty("kind", "primary")
        row.addWidget(self.back)
        row.addWidget(self.next)
        for widget in (head, self.notices, self._pages, self._foot):
            column.addWidget(widget)
        column.setStretchFactor(self._pages, 1)


def _band(name: str) -> tuple[QWidget, QHBoxLayout]:
    """A strip across the window, and the layout of its contents."""
    band = QWidget()
    band.setObjectName(name)
    band.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    row = QHBoxLayout(band)
    row.setContentsMargins(3 * theme.GRID, theme.GRID, 3 * theme.GRID, theme.GRID)
    return band, row
