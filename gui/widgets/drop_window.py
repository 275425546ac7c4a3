"""A main window that takes what is dropped on it, and says while the pointer still moves whether it will."""

from __future__ import annotations

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow

from gui.widgets.drop import Rejection, can_drop, read_drop
from gui.widgets.drop_overlay import DropOverlay

_ACCEPT_TEXT = "Drop to see what is in it"


class DropWindow(QMainWindow):
    """What it takes, and what becomes of it, a class made of this one says.

    Attributes:
        overlay: lies over everything while something is dragged over the window.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.overlay = DropOverlay(self)

    def take(self, mime: QMimeData) -> bool:
        """Take what was dropped or pasted; False where it was refused."""
        raise NotImplementedError

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accepted even where the drop would be refused: only so can the window say why."""
        if event.source() is not None:  # photos on their way out of the gallery
            return
        takes = can_drop(event.mimeData())
        offer = None if takes else read_drop(event.mimeData())
        self.overlay.appear(offer.value if isinstance(offer, Rejection) else _ACCEPT_TEXT, refused=not takes)
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
