"""Focus rings of controls for those who use the keyboard; after a click, the ring would only distract."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QScrollArea, QWidget
from shiboken6 import isValid

from gui.widgets.basic import restyle


class FocusRings(QObject):
    """Sets the property `ring`, which the style sheet draws, on the focused button while the keyboard is in use.

    Fields, lists and combo boxes show their focus always.
    """

    def __init__(self, application: QApplication, parent: QObject) -> None:
        super().__init__(parent)
        self._uses_keyboard = False
        application.focusChanged.connect(self._on_focus)

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None and isValid(old) and old.property("ring"):
            restyle(old, "ring", value=False)
        if new is None:
            return
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            self._uses_keyboard = False
        elif new.window().testAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange):
            self._uses_keyboard = True
        if self._uses_keyboard and isinstance(new, QAbstractButton | QScrollArea):
            restyle(new, "ring", value=True)
