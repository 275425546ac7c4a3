"""Windows beside the main one: opened over it, fully on the screen, and closed with Escape or Ctrl+W."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, QRect, QSettings, QSize, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QKeySequence, QScreen
from PySide6.QtWidgets import QWidget

from core.base import paths

_FRAME: Final = QSize(16, 48)
"""Room for the frame and the title bar, whose size is unknown before the window is shown."""


def room_on(screen: QScreen) -> QSize:
    """The size of the largest window that fits on the screen with its frame."""
    return screen.availableGeometry().size() - _FRAME


def bring_to_front(window: QWidget) -> None:
    """Show a window above all others."""
    window.show()
    window.raise_()
    window.activateWindow()


class SecondWindow(QWidget):
    """A window that stays above the window of its parent, and remembers its size."""

    def __init__(self, title: str, key: str, size: QSize, minimum: QSize, parent: QWidget) -> None:
        """Create the window, hidden.

        Args:
            title: its title.
            key: the name under which its size is remembered.
            size: its first size.
            minimum: its minimum size; on a screen that is smaller, the window is too.
            parent: the window that it opens over, or a widget in it.
        """
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle(title)
        self._key, self._minimum = f"{key}/size", minimum
        self.setMinimumSize(minimum)
        self.resize(size)

    def bring_up(self) -> None:
        """Show the window over its parent, or bring it to the front if it is open."""
        if not self.isVisible():
            self._place()
        if self.isMinimized():
            self.showNormal()
        bring_to_front(self)

    def _place(self) -> None:
        """Take the size of the last time, and the centre of the parent, as far as the screen allows."""
        parent = self.parentWidget()
        assert parent is not None
        below = parent.window()
        screen = below.screen().availableGeometry()
        room = room_on(below.screen())
        self.setMinimumSize(self._minimum.boundedTo(room))
        remembered = window_settings().value(self._key)
        wanted = remembered if isinstance(remembered, QSize) and remembered.isValid() else self.size()
        self.resize(wanted.boundedTo(room).expandedTo(self.minimumSize()))
        self.move(_centred(self.size() + _FRAME, below.frameGeometry(), screen))

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous() and not self.isMaximized() and not self.isMinimized():
            window_settings().setValue(self._key, self.size())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close the window, unless a part of it had another use for the key."""
        if event.key() == Qt.Key.Key_Escape or event.matches(QKeySequence.StandardKey.Close):
            self.close()
        else:
            super().keyPressEvent(event)


def _centred(size: QSize, over: QRect, screen: QRect) -> QPoint:
    """Where a window of this size is centred over another one, and fully on the screen."""
    box = QRect(QPoint(0, 0), size)
    box.moveCenter(over.center())
    left = max(screen.left(), min(box.left(), screen.right() + 1 - size.width()))
    top = max(screen.top(), min(box.top(), screen.bottom() + 1 - size.height()))
    return QPoint(left, top)


def window_settings() -> QSettings:
    """What windows remember between sessions, such as their sizes."""
    return QSettings(str(paths.window_file()), QSettings.Format.IniFormat)
