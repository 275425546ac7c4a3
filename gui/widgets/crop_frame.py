"""The crop that a photo was classified by: a frame over the photo, and what the model says about the whole photo."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from core.detection import Box
from core.prediction import Crop, Outcome, Prediction
from gui.widgets import theme
from gui.widgets.basic import CheckBox, label
from gui.widgets.formats import confidence
from gui.widgets.layouts import vbox

_LIGHT: Final = "#ffffff"
"""Around the accent, so that the frame is visible on any photo."""


class CropFrame(QWidget):
    """Says what the model says about the whole photo, and lets the user switch the frame off; hidden without a crop.

    Attributes:
        changed: the `Box` to be framed, or None.
        frame: the switch.
        whole: the text.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._crop: Crop | None = None
        self.whole, self.frame = label(kind="muted", wrap=True, shrinks=True), CheckBox(tr("Show crop"))
        self.frame.setChecked(True)
        self.frame.toggled.connect(self._send)
        vbox(self.whole, self.frame, parent=self, spacing=theme.GRID // 2)
        self.hide()

    def show_outcome(self, outcome: Outcome | None) -> None:
        """Show the crop of a prediction, if it has one."""
        self._crop = outcome.crop if isinstance(outcome, Prediction) else None
        self.whole.setText(_whole_text(self._crop) if self._crop else "")
        self.setVisible(self._crop is not None)
        self._send()

    def _send(self) -> None:
        self.changed.emit(self._crop.box if self._crop and self.frame.isChecked() else None)


def paint_frame(painter: QPainter, place: QRectF, box: Box) -> None:
    """Paint a frame over a photo in this place."""
    left, top = place.left() + box.left * place.width(), place.top() + box.top * place.height()
    size = (box.right - box.left) * place.width(), (box.bottom - box.top) * place.height()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((_LIGHT, 4), (theme.current().accent, 2)):
        painter.setPen(QPen(QColor(colour), width))
        painter.drawRect(QRectF(left, top, *size).adjusted(2, 2, -2, -2))


def _whole_text(crop: Crop) -> str:
    best, thing = crop.best, crop.subject.label
    shown = {"label": best.label, "confidence": confidence(best.probability), "thing": thing}
    if crop.unknown:
        return tr("Cropped to: {thing}. Whole photo: unknown, maybe {label}", **shown)
    return tr("Cropped to: {thing}. Whole photo: {label} {confidence}", **shown)
