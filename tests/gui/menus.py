"""Context menus, asked for as the user does."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget


def open_menu(widget: QWidget, at: QPoint) -> dict[str, Callable[[], None]]:
    """Ask for the context menu with the mouse; its entries that are enabled, by their texts."""
    QApplication.sendEvent(widget, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, widget.mapToGlobal(at)))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    entries = {one.text().replace("&", ""): one.trigger for one in menu.actions() if one.isEnabled() and one.text()}
    menu.close()
    return entries
