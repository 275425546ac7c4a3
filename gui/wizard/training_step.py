"""Third step: what the training is doing, how long it still takes, and what it came to if it did not end well."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from core.errors import FoveaError
from core.learning.protocol import Epoch
from core.progress import Progress
from gui import theme
from gui.widgets import Panel, label
from gui.wizard.durations import remaining


class TrainingStep(QWidget):
    """Shows a training.

    Attributes:
        epochs: how many are done.
        pause_wanted: the training is to wait (True) or to go on (False).
        stop_wanted: it is to be called off; whether what was learnt so far is thrown away.
        noticed: something the person should read.
        again_wanted: the same training is wanted once more; whether it is to begin anew where it could go on.
    """

    pause_wanted = Signal(bool)
    stop_wanted = Signal(bool)
    again_wanted = Signal(bool)
    noticed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage, self.left = label(kind="title"), label(kind="muted")
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress of the training")
        self.bar.setTextVisible(False)
        self._count = label(kind="muted")
        self.pause = QPushButton("Pause")
        self.pause.setCheckable(True)
        self.pause.toggled.connect(lambda is_paused: self._on_pause(is_paused=is_paused))
        self.stop = QPushButton("Stop…")
        self.stop.clicked.connect(self._ask_about_stop)
        self._question = self._make_question()
        self._trouble, self._hint = label(kind="danger", wrap=True), label(wrap=True)
        self.again, self.anew = QPushButton("Go on where it stopped"), QPushButton("Begin anew")
        self._failure = self._make_failure()
        self._done = Panel("Stages")
        self._curves_place = QVBoxLayout()
        self.curves: QWidget | None = None
        self.epochs = 0
        self._stages: list[str] = []
        self._lay_out()

    def begin(self, *, epochs: int) -> None:
        """Show a training that begins now; of a recipe without epochs, 0."""
        self._stages, self.epochs = [], 0
        while self._done.body.count() > 1:
            item = self._done.body.takeAt(1)
            if item is not None and (gone := item.widget()) is not None:
                gone.deleteLater()
        self.stage.setText("Starting …")
        self.bar.setRange(0, 0)
        self.left.clear()
        self._count.clear()
        self.pause.setChecked(False)
        for widget in (self.pause, self.stop, self.bar, self.stage):
            widget.setEnabled(True)
            widget.show()
        self._question.hide()
        self._failure.hide()
        self._show_curves(epochs)

    def show_stage(self, progress: Progress) -> None:
        """Show how far a stage is."""
        if not self._stages or self._stages[-1] != progress.stage:
            if self._stages:
                self._done.body.addWidget(label(f"✓  {_sentence(self._stages[-1])}", "muted"))
            self._stages.append(progress.stage)
        self.stage.setText(_sentence(progress.stage))
        self.bar.setRange(0, max(1, progress.total))
        self.bar.setValue(progress.step)
        self._count.setText(f"{progress.step:,} of {progress.total:,}" if progress.total > 1 else "")
        self.left.setText(remaining(progress.remaining_s))

    def show_epoch(self, epoch: Epoch) -> None:
        """Draw what an epoch came to."""
        self.epochs = epoch.number
        if self.curves is not None:
            self.curves.add(  # type: ignore[attr-defined]
                epoch.number, epoch.loss, epoch.accuracy, epoch.validation_loss, epoch.validation_accuracy
            )

    def show_failure(self, error: FoveaError, *, can_resume: bool) -> None:
        """Show why it ended, and offer to go on."""
        self._trouble.setText(error.what)
        self._hint.setText(error.hint)
        self.again.setVisible(can_resume)
        self.stage.setText("The training ended before its work did")
        self._rest()
        self._failure.show()
        (self.again if can_resume else self.anew).setFocus()

    def show_stopped(self, *, can_resume: bool) -> None:
        """Show that it was called off."""
        self.stage.setText("Stopped")
        self._trouble.clear()
        self._hint.setText("What was learnt so far is kept." if can_resume else "Nothing was changed.")
        self.again.setVisible(can_resume)
        self._rest()
        self._failure.show()

    def _rest(self) -> None:
        self._question.hide()
        self.bar.hide()
        self.left.clear()
        self._count.clear()
        for button in (self.pause, self.stop):
            button.setEnabled(False)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.GRID)
        head = QHBoxLayout()
        head.addWidget(self.stage, 1)
        head.addWidget(self.pause)
        head.addWidget(self.stop)
        column.addLayout(head)
        column.addWidget(self.bar)
        line = QHBoxLayout()
        line.addWidget(self._count)
        line.addStretch()
        line.addWidget(self.left)
        column.addLayout(line)
        column.addWidget(self._question)
        column.addWidget(self._failure)
        column.addLayout(self._curves_place)
        column.addWidget(self._done)
        column.addStretch()

    def _make_question(self) -> QWidget:
        """What becomes of the work so far is asked in place, not in a dialog that stops everything."""
        box = Panel("Stop the training?")
        box.body.addWidget(
            label("What it has learnt so far can be kept: it then goes on from there another time.", wrap=True)
        )
        row = QHBoxLayout()
        for text, does in (
            ("Stop, keep the work", lambda: self._stop(discard=False)),
            ("Stop, throw it away", lambda: self._stop(discard=True)),
            ("Go on training", box.hide),
        ):
            button = QPushButton(text)
            button.clicked.connect(does)
            row.addWidget(button)
        row.addStretch()
        box.body.addLayout(row)
        return box

    def _make_failure(self) -> QWidget:
        box = Panel("What happened")
        box.body.addWidget(self._trouble)
        box.body.addWidget(self._hint)
        self.again.setProperty("kind", "primary")
        self.again.clicked.connect(lambda: self.again_wanted.emit(False))
        self.anew.clicked.connect(lambda: self.again_wanted.emit(True))
        row = QHBoxLayout()
        row.addWidget(self.again)
        row.addWidget(self.anew)
        row.addStretch()
        box.body.addLayout(row)
        return box

    def _show_curves(self, epochs: int) -> None:
        if self.curves is not None:
            self._curves_place.removeWidget(self.curves)
            self.curves.deleteLater()
            self.curves = None
        if epochs:
            from gui.plots.curves import LearningCurves

            self.curves = LearningCurves(self)
            self.curves.noticed.connect(self.noticed)
            self.curves.begin(epochs)
            self._curves_place.addWidget(self.curves)

    def _ask_about_stop(self) -> None:
        self._question.show()

    def _stop(self, *, discard: bool) -> None:
        self._question.hide()
        self.stage.setText("Stopping …")
        for button in (self.pause, self.stop):
            button.setEnabled(False)
        self.stop_wanted.emit(discard)

    def _on_pause(self, *, is_paused: bool) -> None:
        self.pause.setText("Go on" if is_paused else "Pause")
        self.pause_wanted.emit(is_paused)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
