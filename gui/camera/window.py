"""The window of the camera: its picture, what the model sees in it, and recording."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QKeySequence, QShowEvent, QUndoStack
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.base.providers import Provider, provider_text
from core.prediction import Outcome, Prediction
from gui.camera.record_panel import RecordPanel
from gui.camera.view import CameraView
from gui.widgets import theme
from gui.widgets.basic import CheckBox, Choice, Panel, ScrollColumn, button, label
from gui.widgets.formats import milliseconds
from gui.widgets.layouts import SPACE, add, fill, hbox, vbox
from gui.widgets.photo_panel import headline_text
from gui.widgets.score_bars import ScoreBars
from gui.widgets.second_window import SecondWindow

_COLUMN = 340
"""The width of the column beside the picture, in pixels."""


class CameraWindow(SecondWindow):
    """Shows the camera.

    Attributes:
        shown: the window can be seen.
        hid: the window was closed or minimised.
        retry_wanted: the user wants to try the camera again.
        view: the picture.
        recording: the controls of the recording.
        mirrored: whether the picture is shown as in a mirror.
        headline: what the model sees.
    """

    shown = Signal()
    hid = Signal()
    retry_wanted = Signal()

    def __init__(self, undo_stack: QUndoStack, parent: QWidget) -> None:
        super().__init__(tr("Camera"), "camera", QSize(1080, 720), QSize(640, 420), parent)
        self._undo_stack = undo_stack
        self.view, self.recording = CameraView(), RecordPanel(undo_stack)
        self.view.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # Space then records
        self.headline, self._scores, self._timing = label(kind="title", wrap=True), ScoreBars(5), label(kind="muted")
        self.mirrored = CheckBox(tr("Mirror the picture"))
        self.mirrored.setToolTip(tr("Only on the screen: photos are recorded as the camera sees them."))
        self.mirrored.setChecked(True)
        self.cameras = Choice(tr("Camera"))
        self.retry = button(tr("Try again"), self.retry_wanted.emit)
        self._lay_out()
        self.show_failure("")

    def _lay_out(self) -> None:
        foot = hbox(self.cameras, self.mirrored, SPACE, self.retry, spacing=theme.GRID)
        prediction, side = Panel(tr("Prediction")), ScrollColumn(tr("Prediction and recording"))
        add(prediction.body, self.headline, self._scores, self._timing)
        side.show_column(prediction, self.recording, SPACE).setSpacing(2 * theme.GRID)
        side.setFixedWidth(_COLUMN)
        left = vbox(fill(self.view), foot, spacing=theme.GRID)
        hbox(fill(left), side, parent=self, margins=2 * theme.GRID, spacing=2 * theme.GRID)

    def show_cameras(self, names: Sequence[str], current: int) -> None:
        """Let the user choose between cameras, if there are several."""
        self.cameras.clear()
        self.cameras.addItems(list(names))
        self.cameras.setCurrentIndex(current)
        self.cameras.setVisible(len(names) > 1)

    def show_failure(self, text: str, *, can_retry: bool = True) -> None:
        """Show why there is no picture, or an empty text until it arrives."""
        self.retry.setVisible(bool(text) and can_retry)
        self.recording.release()
        self.recording.set_available(available=False)
        self.view.show_message(text or tr("Starting the camera…"))
        self.show_outcome(None)

    def show_outcome(self, outcome: Outcome | None, waiting: str = "") -> None:
        """Show a prediction; without one, why there is none yet."""
        prediction = outcome if isinstance(outcome, Prediction) else None
        self.headline.setText(headline_text(outcome) if outcome else waiting)
        self._scores.show_prediction(prediction)
        self._timing.setText(_timing_text(prediction) if prediction else "")

    # ---- events

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.hid.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.recording.release()  # the key may be released in another window

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.recording.hold(event)
        elif event.matches(QKeySequence.StandardKey.Undo):
            self._undo_stack.undo()
        elif event.matches(QKeySequence.StandardKey.Redo):
            self._undo_stack.redo()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self.recording.hold(event)
        else:
            super().keyReleaseEvent(event)


def _timing_text(prediction: Prediction) -> str:
    """How long a frame took, and on what: "CPU, float32 · 54.1 ms"."""
    provider = provider_text(Provider(prediction.provider), prediction.precision)
    return f"{provider} · {milliseconds(prediction.timing.total_ms)}"
