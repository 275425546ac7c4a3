"""Lets a window accept drops, and show during the drag what dropping does, or why it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QGraphicsOpacityEffect, QWidget

from core.base.i18n import tr
from gui.widgets.basic import label, restyle
from gui.widgets.drop import DropContent, Rejection, can_drop, read_drop
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


class DropTarget(QObject):
    """Handles the drags over a window; parts of it that accept drops themselves come first.

    Attributes:
        overlay: shown while something is dragged over the window.
    """

    def __init__(
        self, window: QWidget, describe: Callable[[DropContent], str], take: Callable[[QMimeData], bool]
    ) -> None:
        """`describe` says what dropping the content does, or "" to ignore it; `take` returns whether it accepted it."""
        super().__init__(window)
        self._describe, self._take = describe, take
        self.overlay = DropOverlay(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event:
            case QDragEnterEvent():
                self._on_enter(event)
            case QDragMoveEvent():
                event.setAccepted(can_drop(event.mimeData()))
            case QDragLeaveEvent():
                self.overlay.hide()
            case QDropEvent():
                self.overlay.hide()
                self._accept(event, is_accepted=self._take(event.mimeData()))
            case _:
                return super().eventFilter(watched, event)
        return True

    def _on_enter(self, event: QDragEnterEvent) -> None:
        """Accept even content that will be rejected, so that the window can show the reason."""
        offer = read_drop(event.mimeData())
        text = tr(offer.value) if isinstance(offer, Rejection) else self._describe(offer)
        is_own = event.source() is not None  # photos dragged out of the gallery
        if text and not is_own:
            self.overlay.appear(text, refused=not can_drop(event.mimeData()))
        self._accept(event, is_accepted=bool(text) and not is_own)

    def _accept(self, event: QDropEvent, *, is_accepted: bool) -> None:
        if is_accepted:
            event.acceptProposedAction()
        else:
            event.ignore()
