"""The window of the wizard: four steps, and the way from one to the next. Each step has a controller that decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Final

from PySide6.QtCore import QMimeData, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QStackedWidget, QWidget

from core.base.i18n import mark, tr
from core.base.text import display_path
from core.datasets.values import FolderRead
from core.training.request import TrainRequest
from core.training.values import TrainingResult
from gui.session.session import Session
from gui.training.wizard.method_controller import MethodController
from gui.training.wizard.photos_controller import PhotosController
from gui.training.wizard.result_controller import ResultController
from gui.training.wizard.training_controller import TrainingController
from gui.widgets import theme
from gui.widgets.announcing import announce
from gui.widgets.basic import button, label
from gui.widgets.drop import DropContent, dropped_folder, read_drop
from gui.widgets.drop_target import DropTarget
from gui.widgets.layouts import SPACE, Item, fill, hbox, vbox
from gui.widgets.notices import Notices
from gui.widgets.second_window import SecondWindow

_LAYOUT_MS: Final = 10
"""A turn of the event loop in which the widgets of the result are laid out and painted, before they are shown."""
_TITLES: Final = (mark("Photos"), mark("Method"), mark("Training"), mark("Result"))


class WizardStep(IntEnum):
    """A step of the wizard."""

    PHOTOS = 0
    METHOD = 1
    TRAINING = 2
    RESULT = 3


class TrainingWizard(SecondWindow):
    """Leads from photos to a model.

    Attributes:
        finished: a model was added to the library; its name, and its accuracy in words.
        hid: the window was closed while a training continues.
        step: the step that is shown.
    """

    finished = Signal(str, str)
    hid = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(tr("New model"), "wizard", QSize(1120, 760), QSize(900, 600), parent)
        self.notices = Notices(self)
        self._pages = pages = QStackedWidget()
        self._titles = [_title(f"{step + 1}  {tr(_TITLES[step])}") for step in WizardStep]
        self.cancel = button(tr("Cancel"), self._cancel, hint=tr("Close this window (Esc)"))
        self.background = button(
            tr("Continue in background"),
            self._continue_in_background,
            hint=tr("Close this window. The status bar of the main window shows the progress."),
        )
        self.back = button(tr("Back"), self._go_back)
        self.next = button(tr("Next"), self._go_on, kind="primary")
        self.done = button(tr("Done"), self._finish, hint=tr("Close this window (Esc)"))
        self._lay_out()
        self.overlay = DropTarget(self, self._drop_text, self._take).overlay
        self.photos = PhotosController(session, pages)
        self.method = MethodController(session, self.photos, pages)
        self.training = TrainingController(session.training, session.models, self.notices, pages)
        self.result = ResultController(session, self.photos, self.training, self.notices, pages)
        self._connect()
        session.training.warned.connect(self.notices.show_warning)
        self.go_to(WizardStep.PHOTOS)

    def _connect(self) -> None:
        self.photos.changed.connect(self._show_buttons)
        self.photos.was_read.connect(self._on_read)
        self.photos.failed.connect(self.notices.show_warning)
        self.method.changed.connect(self._show_buttons)
        self.training.started.connect(self._on_started)
        self.training.question_changed.connect(self._show_buttons)
        self.training.background_wanted.connect(self._continue_in_background)
        self.training.done.connect(self._on_done)
        self.training.ended.connect(self._on_ended)
        self.result.finished.connect(self.done.setFocus)
        self.result.again_wanted.connect(lambda at_once: self._train_again(is_immediate=at_once))

    # ---- from photos to a model

    def open_folder(self, folder: Path) -> None:
        """Read a folder, unless a training is in progress."""
        if self._can_begin():
            self.photos.open(folder)

    def build(self, name: str, classes: Mapping[str, Sequence[Path]]) -> None:
        """Build a dataset with these classes, which the user can then change, unless a training is in progress.

        The photos were labelled for the model in use, so its classes are kept if it cannot be retrained.
        """
        if self._can_begin():
            self.photos.build(name, classes)
            self.method.keep_classes()

    def _can_begin(self) -> bool:
        """Show the first step, or the training that is in progress."""
        self.go_to(WizardStep.TRAINING if self.training.is_running else WizardStep.PHOTOS)
        return not self.training.is_running

    def _on_read(self, read: FolderRead) -> None:
        if self.step is WizardStep.RESULT:
            self.result.show_labels(read)
        elif read.error is None and not self.training.is_running:
            self.method.forecast_soon()
        if self.step is WizardStep.PHOTOS:
            announce(self, self.photos.step.found.summary.text())
            focused = self.focusWidget()
            if focused in (None, self.photos.step.choose_button, self.cancel) or not focused.isVisible():
                self._focus_photos()

    def _go_on(self) -> None:
        if self.step is WizardStep.PHOTOS:
            self.go_to(WizardStep.METHOD)
            self.method.show()
        else:
            self.training.begin(self.method.request(), self.photos.read)

    def resume(self, request: TrainRequest) -> None:
        """Resume an unfinished run, unless a training is in progress, and show it."""
        if not self.training.is_running:
            self.training.begin(request)
        self.go_to(WizardStep.TRAINING)

    def _on_started(self) -> None:
        self.method.stop_forecast()
        self.go_to(WizardStep.TRAINING)

    def _on_ended(self) -> None:
        self._show_buttons()
        if self.training.step.closes:
            self.close()

    def _on_done(self, summary: TrainingResult) -> None:
        assert self.training.request is not None
        self.result.step.show_result(summary, self.training.request.folder)
        QTimer.singleShot(_LAYOUT_MS, self, lambda: self._show_result(summary.name))

    def _show_result(self, name: str) -> None:
        self.go_to(WizardStep.RESULT)
        self.result.step.use.setFocus()
        announce(self, f"{self.result.step.headline.text()}. {self.result.step.beside.text()}")
        self.finished.emit(name, self.result.step.headline.text())

    def _train_again(self, *, is_immediate: bool) -> None:
        if is_immediate and self.training.request is not None:
            self.training.begin(self.training.request, self.photos.read)
        else:
            self.go_to(WizardStep.METHOD)

    # ---- the window

    def go_to(self, step: WizardStep) -> None:
        """Show a step, which is created when it is first shown."""
        self.step = step
        controller = (self.photos, self.method, self.training, self.result)[step]
        self._pages.setCurrentWidget(controller.step)
        for number, title in enumerate(self._titles):
            title.setProperty("kind", "number" if number == step else "muted")
            title.style().polish(title)
        self._show_buttons()
        if step is WizardStep.PHOTOS:
            self._focus_photos()

    def _focus_photos(self) -> None:
        """Focus what leads on: the way to the next step, or to photos."""
        (self.next if self.next.isEnabled() else self.photos.step.chooser).setFocus()

    def _go_back(self) -> None:
        """Go back one step, or, after a resumed run, which has no folder here, to the first step."""
        self.go_to(WizardStep(self.step - 1) if self.photos.read is not None else WizardStep.PHOTOS)

    def _show_buttons(self) -> None:
        step = self.step
        is_choosing = step in (WizardStep.PHOTOS, WizardStep.METHOD)
        is_over = step is WizardStep.TRAINING and not self.training.is_running
        self.cancel.setVisible(is_choosing or is_over)
        self.cancel.setText(tr("Close") if is_over else tr("Cancel"))
        is_training = step is WizardStep.TRAINING and not is_over
        self.background.setVisible(is_training and not self.training.step.is_asking)
        self.done.setVisible(step is WizardStep.RESULT)
        self.back.setVisible(step is WizardStep.METHOD or is_over)
        self.next.setVisible(is_choosing)
        self.next.setText(tr("Train") if step is WizardStep.METHOD else tr("Next"))
        if is_choosing:
            can_continue = self.photos.can_continue if step is WizardStep.PHOTOS else self.method.step.can_continue
            self.next.setEnabled(can_continue)

    def _drop_text(self, content: DropContent) -> str:
        folder = dropped_folder(content) if self.step is WizardStep.PHOTOS else None
        return tr("Read “{folder}”", folder=display_path(folder.name)) if folder else ""

    def _take(self, mime: QMimeData) -> bool:
        folder = dropped_folder(read_drop(mime)) if self.step is WizardStep.PHOTOS else None
        if folder is not None:
            self.open_folder(folder)
        return folder is not None

    def _cancel(self) -> None:
        """Stop reading a folder; otherwise close the window, which asks first while a training is in progress."""
        if self.step is WizardStep.PHOTOS and self.photos.is_reading:
            self.photos.start_over()
        else:
            self.close()

    def _finish(self) -> None:
        """Close the window, which is ready for another model when it is opened again."""
        self.close()
        self.photos.start_over()
        self.go_to(WizardStep.PHOTOS)

    def _continue_in_background(self) -> None:
        self.hide()
        self.hid.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask what to do with a training in progress before closing."""
        if self.training.is_running:
            event.ignore()
            self.go_to(WizardStep.TRAINING)
            self.training.step.ask_about_close()
            return
        if self.step is WizardStep.RESULT:
            self.go_to(WizardStep.PHOTOS)  # where the next model begins
        super().closeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Read the folder again: its files or labels may have changed in the meantime."""
        super().showEvent(event)
        if self.step is WizardStep.PHOTOS and self.photos.folder is not None and not event.spontaneous():
            self.photos.open(self.photos.folder)

    def _lay_out(self) -> None:
        titles = [part for title in self._titles for part in (title, 3 * theme.GRID)]
        self._pages.setContentsMargins(3 * theme.GRID, 3 * theme.GRID, 3 * theme.GRID, 2 * theme.GRID)
        self._foot = _band("foot", self.cancel, SPACE, self.background, self.back, self.next, self.done)
        self._foot.setMinimumHeight(self._foot.sizeHint().height())  # it keeps its height without buttons
        vbox(_band("top", *titles, SPACE), fill(self._pages), self.notices, self._foot, parent=self, spacing=0)


def _title(text: str) -> QLabel:
    """The title of a step, as wide as when it is the current one: it is not cut then, and the others stay in place."""
    result = label(text, "number")
    result.ensurePolished()
    result.setMinimumWidth(result.sizeHint().width())
    return result


def _band(name: str, *items: Item) -> QWidget:
    """A strip across the window."""
    band = QWidget()
    band.setObjectName(name)
    band.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    wide = 3 * theme.GRID
    hbox(*items, parent=band, margins=(wide, theme.GRID, wide, theme.GRID))
    return band
