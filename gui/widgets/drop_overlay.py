"""The overlay shown while something is dragged over the window."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QFrame, QGraphicsOpacityEffect, QWidget

from gui.widgets.basic import label, restyle
from gui.widgets.layouts import vbox

_OPACITY: Final = 0.92


class DropOverlay(QFrame):
    """Covers a part of the window with a message, through which it shines; lets events pass through.

    Attributes:
        area: the part that is covered.
        message: what it says.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.message = label("", "display", wrap=True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        vbox(self.message, parent=self, margins=None)
        self.area = self._parent = parent
        self.setGraphicsEffect(QGraphicsOpacityEffect(self, opacity=_OPACITY))
        self.hide()

    def appear(self, text: str, *, refused: bool) -> None:
        """Show the overlay with this message."""
        self.message.setText(text)
        restyle(self, "refused", "true" if refused else "false")
        place = self._parent.mapFromGlobal(self.area.mapToGlobal(QPoint()))
        self.setGeometry(QRect(place, self.area.size()).adjusted(12, 12, -12, -12))
        self.show()
        self.raise_()
