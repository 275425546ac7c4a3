"""Real drag-and-drop events on a window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget


def files(paths: Sequence[Path]) -> QMimeData:
    """The MIME data of files dragged from a file manager."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromEncoded(path.absolute().as_uri().encode()) for path in paths])
    return mime


def enter(window: QWidget, mime: QMimeData) -> tuple[QWidget, bool]:
    """Drag over the centre of the window; return the widget there and whether it accepts the drop."""
    centre = window.rect().center()
    target = window.childAt(centre) or window
    at: QPoint = target.mapFrom(window, centre)
    answers = []
    for kind in (QDragEnterEvent, QDragMoveEvent):
        event = kind(at, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(target, event)
        answers.append(event.isAccepted())
    return target, all(answers)


def drop(window: QWidget, mime: QMimeData) -> bool:
    """Drag onto the centre of the window and drop; True if enter, move and drop were accepted."""
    target, may_drop = enter(window, mime)
    if not may_drop:
        return False
    at = QPointF(target.mapFrom(window, window.rect().center()))
    event = QDropEvent(at, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(target, event)
    return event.isAccepted()
