"""What lies over the window while something is dragged across it: what a drop would do."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from gui.widgets.basic import label


class DropOverlay(QFrame):
    """Covers the window; takes no events of its own."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("overlay")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._label = label("", "display", wrap=True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.addWidget(self._label)
        self.hide()

    def appear(self, text: str, *, refused: bool) -> None:
        """Say what a drop would do."""
        self._label.setText(text)
        self.setProperty("refused", "true" if refused else "false")
        self.style().unpolish(self)
        self.style().polish(self)
        self.setGeometry(self.parentWidget().rect().adjusted(12, 12, -12, -12))  # type: ignore[union-attr]
        self.show()
        self.raise_()

    def text(self) -> str:
        """What it says."""
        return self._label.text()
