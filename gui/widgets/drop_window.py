"""A main window that accepts drops and shows during the drag whether it will."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow

from core.base.i18n import tr
from gui.widgets.drop import Rejection, can_drop, drop_text, read_drop
from gui.widgets.drop_overlay import DropOverlay


class DropWindow(QMainWindow):
    """A main window with a drop overlay.

    Attributes:
        overlay: shown while something is dragged over the window.
        take: accepts dropped or pasted content, and returns whether it was accepted; set by the subclass.
    """

    take: Callable[[QMimeData], bool]

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.overlay = DropOverlay(self)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept even content that will be rejected, so that the window can show the reason."""
        if event.source() is not None:  # photos dragged out of the gallery
            return
        takes = can_drop(event.mimeData())
        offer = read_drop(event.mimeData())
        text = tr(offer.value) if isinstance(offer, Rejection) else drop_text(offer)
        self.overlay.appear(text, refused=not takes)
        event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if can_drop(event.mimeData()):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self.overlay.hide()
        if self.take(event.mimeData()):
            event.acceptProposedAction()
        else:
            event.ignore()
