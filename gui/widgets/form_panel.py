"""A panel that asks for something."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from core.base.i18n import tr
from gui.widgets.basic import Panel, button


class FormPanel(Panel):
    """A panel that asks for something on a page, hidden until then; Escape does what its Cancel button does."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self.cancel_button = button(tr("Cancel"), self.hide)
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.cancel_button.isVisible():
            self.cancel_button.click()
        else:
            super().keyPressEvent(event)
