"""Pages that are drawn before they are shown."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def draw_ahead(page: QWidget) -> None:
    """Lay out and draw a hidden page as large as its parent: the first time takes most of the time until it appears."""
    parent = page.parentWidget()
    if parent is not None and not page.isVisible():
        page.setGeometry(parent.contentsRect())
        page.grab()
