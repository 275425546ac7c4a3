"""The overlay shown while something is dragged over the window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QWidget

from gui.widgets.basic import label, restyle
from gui.widgets.layouts import vbox


class DropOverlay(QFrame):
    """Covers the window with a message; lets events pass through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._label = label("", "display", wrap=True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        vbox(self._label, parent=self, margins=None)
        self.hide()

    def appear(self, text: str, *, refused: bool) -> None:
        """Show the overlay with this message."""
        self._label.setText(text)
        restyle(self, "refused", "true" if refused else "false")
        self.setGeometry(self.parentWidget().rect().adjusted(12, 12, -12, -12))  # type: ignore[union-attr]
        self.show()
        self.raise_()

    def text(self) -> str:
        """The message."""
        return self._label.text()
