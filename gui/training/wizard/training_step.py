"""Third step: the progress of the training, and what to do if it stops or fails."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.base.errors import FoveaError
from core.base.i18n import tr
from core.base.progress import Progress, StageKind
from core.training.protocol import Epoch
from gui.widgets import theme
from gui.widgets.announcing import announce
from gui.widgets.basic import Icon, Panel, ProgressBar, button, label, restyle
from gui.widgets.formats import remaining, sentence
from gui.widgets.layouts import SPACE, add, fill, hbox, vbox

_COUNT_WIDTH: Final = 144
_SIGN: Final = 16
_SPEED_S: Final = 5.0
"""The time over which the speed is averaged."""


class TrainingStep(QWidget):
    """Shows a training.

    Attributes:
        epochs: the number of completed epochs.
        closes: whether to close the wizard once the training has stopped.
        question_changed: a question about stopping appeared or disappeared.
        background_wanted: close the wizard while the training continues.
        pause_wanted: pause (True) or resume (False) the training.
        stop_wanted: stop the training; whether to discard its progress.
        noticed: a notice for the user.
        again_wanted: repeat the training; whether to start over instead of resuming.
    """

    question_changed = Signal()
    background_wanted = Signal()
    pause_wanted = Signal(bool)
    stop_wanted = Signal(bool)
    again_wanted = Signal(bool)
    noticed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage, self.left = label(kind="title"), label(kind="muted")
        self.bar = ProgressBar()
        self.bar.setAccessibleName(tr("Training progress"))
        self._count, self.speed = label(kind="muted"), label(kind="number")
        self._samples: deque[tuple[float, int]] = deque(maxlen=200)
        self._images = 0
        self.pause = button(tr("Pause"))
        self.pause.setCheckable(True)
        self.pause.toggled.connect(lambda is_paused: self._on_pause(is_paused=is_paused))
        self.stop = button(tr("Stop…"), lambda: self._confirm(closing=False))
        self.background = button(tr("Continue in background"), self._on_background, kind="primary")
        self._save = button(tr("Stop and save progress"), lambda: self._stop(discard=False))
        self._question = self._make_question()
        self._failure = self._make_failure()
        self._done = Panel(tr("Stages"))
        self._curves_place = QVBoxLayout()
        self.curves: QWidget | None = None
        self.epochs, self.closes = 0, False
        self._stages: list[str] = []
        self._current: _Stage | None = None
        self._count.setMinimumWidth(_COUNT_WIDTH)
        self._lay_out()

    def begin(self, *, epochs: int, images: int) -> None:
        """Show a training that begins now.

        Args:
            epochs: the number of epochs; 0 for recipes without.
            images: the number of training images; 0 if unknown.
        """
        self._stages, self.epochs, self._images, self.closes = [], 0, images, False
        self._current = None
        self._samples.clear()
        self.speed.clear()
        while self._done.body.count() > 1:
            item = self._done.body.takeAt(1)
            if item is not None and (removed := item.widget()) is not None:
                removed.deleteLater()
        self.stage.setText(tr("Starting…"))
        self.bar.setRange(0, 0)
        self.left.clear()
        self._count.clear()
        self.pause.setChecked(False)
        for widget in (self.pause, self.stop, self.bar, self.stage):
            widget.setEnabled(True)
            widget.show()
        self._take_question_away()
        self._failure.hide()
        self._show_curves(epochs)

    def show_stage(self, progress: Progress) -> None:
        """Show the progress of a stage."""
        if not self._stages or self._stages[-1] != progress.stage:
            if self._current is not None:
                self._current.show_done()
            self._current = _Stage(sentence(progress.stage))
            self._done.body.addWidget(self._current)
            self._stages.append(progress.stage)
            announce(self, sentence(progress.stage))
            self._samples.clear()
            self.speed.clear()
        self.stage.setText(sentence(progress.stage))
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.step)
        count = tr("{step:,} of {total:,}", step=progress.step, total=progress.total) if progress.total > 1 else ""
        self._count.setText(count)
        self.left.setText(tr("Paused") if self.pause.isChecked() else remaining(progress.remaining_s))
        if progress.kind == StageKind.IMAGES:
            self._show_speed(progress.step)

    def _show_speed(self, step: int) -> None:
        """Show the photos per second, averaged over the last few seconds."""
        now = time.monotonic()
        self._samples.append((now, step))
        while len(self._samples) > 2 and now - self._samples[0][0] > _SPEED_S:  # slow machines report less often
            self._samples.popleft()
        (first, before), (last, after) = self._samples[0], self._samples[-1]
        if last > first and after > before:
            self._show_rate((after - before) / (last - first))

    def _show_rate(self, speed: float) -> None:
        if speed >= 10:
            self.speed.setText(tr("{speed:,.0f} photos/s", speed=speed))
        else:
            self.speed.setText(tr("{speed:.1f} photos/s", speed=speed))

    def show_epoch(self, epoch: Epoch) -> None:
        """Add an epoch to the learning curves."""
        self.epochs = epoch.number
        if epoch.number and epoch.seconds > 0 and self._images:
            self._show_rate(self._images / epoch.seconds)
        if self.curves is not None:
            self.curves.add(epoch)  # type: ignore[attr-defined]

    def show_failure(self, error: FoveaError) -> None:
        """Show why the training failed, and offer to resume it."""
        self._error.setText(error.what)
        self._hint.setText(error.hint)
        self.again.setVisible(error.can_resume)
        self.stage.setText(tr("Training failed"))
        self._reset()
        self._failure.show()
        announce(self, f"{self.stage.text()}. {error}", is_urgent=True)
        (self.again if error.can_resume else self.restart).setFocus()

    def show_stopped(self, *, can_resume: bool) -> None:
        """Show that the training was stopped."""
        self.stage.setText(tr("Stopped"))
        self._error.clear()
        if can_resume:
            self._hint.setText(tr("The progress is saved. You can resume the training at any time."))
        else:
            self._hint.setText(tr("Nothing was changed."))
        self.again.setVisible(can_resume)
        self._reset()
        self._failure.show()

    def _reset(self) -> None:
        self._take_question_away()
        self.bar.hide()
        self.left.clear()
        self._count.clear()
        self.speed.clear()
        for one in (self.pause, self.stop):
            one.setEnabled(False)

    def _lay_out(self) -> None:
        vbox(
            hbox(fill(self.stage), self.pause, self.stop),
            self.bar,
            hbox(self._count, 2 * theme.GRID, self.speed, SPACE, self.left),
            self._question,
            self._failure,
            fill(self._curves_place),
            self._done,
            SPACE,
            parent=self,
            spacing=2 * theme.GRID,
        )

    def _make_question(self) -> Panel:
        """The question what to do with the progress, in place instead of in a modal dialog."""
        box = Panel("")
        discard = button(tr("Stop and discard"), lambda: self._stop(discard=True))
        keep = button(tr("Keep training"), self.keep_open)
        about = label(tr("You can save the progress and resume the training later."), wrap=True)
        add(box.body, about, hbox(self.background, self._save, discard, keep, SPACE))
        return box

    def _make_failure(self) -> Panel:
        """What happened if the training ended early, and how to go on."""
        self._error, self._hint = label(kind="danger", wrap=True), label(wrap=True)
        self.again = button(tr("Resume"), lambda: self.again_wanted.emit(False), kind="primary")
        self.restart = button(tr("Start over"), lambda: self.again_wanted.emit(True))
        box = Panel(tr("What happened"))
        add(box.body, self._error, self._hint, hbox(self.again, self.restart, SPACE))
        return box

    def _show_curves(self, epochs: int) -> None:
        if self.curves is not None:
            self._curves_place.removeWidget(self.curves)
            self.curves.deleteLater()
            self.curves = None
        if epochs:
            from gui.plots.curves import LearningCurves

            self.curves = LearningCurves()
            self.curves.noticed.connect(self.noticed)
            self.curves.begin(epochs)
            self._curves_place.addWidget(self.curves)

    def ask_about_close(self) -> None:
        """Ask what to do with the training when the wizard closes."""
        self._confirm(closing=True)

    def _confirm(self, *, closing: bool) -> None:
        self._question.heading.setText(tr("Close while training?") if closing else tr("Stop training?"))
        self.background.setVisible(closing)
        self.closes = closing
        self._question.show()
        self.question_changed.emit()
        (self.background if closing else self._save).setFocus()

    def _take_question_away(self) -> None:
        self._question.hide()
        self.question_changed.emit()

    @property
    def is_asking(self) -> bool:
        """Whether it asks what to do with the training."""
        return not self._question.isHidden()

    def keep_open(self) -> None:
        """Take the question away and continue training."""
        self.closes = False
        self._take_question_away()

    def _on_background(self) -> None:
        self.keep_open()
        self.background_wanted.emit()

    def _stop(self, *, discard: bool) -> None:
        self._take_question_away()
        self.stage.setText(tr("Stopping…"))
        for one in (self.pause, self.stop):
            one.setEnabled(False)
        self.stop_wanted.emit(discard)

    def _on_pause(self, *, is_paused: bool) -> None:
        self.pause.setText(tr("Resume") if is_paused else tr("Pause"))
        self.left.setText(tr("Paused") if is_paused else "")
        self.pause_wanted.emit(is_paused)


class _Stage(QWidget):
    """A stage of the training, with a sign of whether it is done."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text, self._sign = label(text), Icon("loader-circle", "accent", _SIGN)
        self._row = hbox(self._sign, fill(self._text), parent=self, spacing=theme.GRID)

    def show_done(self) -> None:
        done = Icon("check", "success", _SIGN)
        self._row.replaceWidget(self._sign, done)
        self._sign.deleteLater()
        self._sign = done
        restyle(self._text, "kind", "muted")
