"""Context menus, built from the actions and the buttons that are there anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QAbstractScrollArea, QMenu, QWidget

Entry: TypeAlias = "QAction | QAbstractButton | tuple[str, Callable[[], object]] | None"
"""An action, a button that is pressed, a text with a function, or None for a separator."""


def attach_menu(widget: QWidget, entries: Callable[[], Iterable[Entry]]) -> None:
    """Show these entries when the user asks for the context menu of a widget, by mouse or by keyboard.

    In a list they concern its selected items, so there is no menu where there is no item.
    """
    attach_menu_by_place(widget, lambda _: entries())


def attach_menu_by_place(widget: QWidget, entries: Callable[[QPoint], Iterable[Entry]]) -> None:
    """As `attach_menu`, with entries that depend on the place; there is no menu where there are none."""
    widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    widget.customContextMenuRequested.connect(lambda at: _open(widget, at, entries))


def _open(widget: QWidget, at: QPoint, entries: Callable[[QPoint], Iterable[Entry]]) -> None:
    if isinstance(widget, QAbstractItemView) and not _choose(widget, at):
        return
    found = list(entries(at))
    if not found:
        return
    menu = QMenu(widget)
    menu.setToolTipsVisible(True)  # why an entry is disabled
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for entry in found:
        _add(menu, entry)
    area = widget.viewport() if isinstance(widget, QAbstractScrollArea) else widget
    menu.popup(area.mapToGlobal(at))


def _choose(view: QAbstractItemView, at: QPoint) -> bool:
    """Whether there is an item at this place; it is selected, unless it is one of those that are."""
    index = view.indexAt(at)
    if index.isValid() and not view.selectionModel().isSelected(index):
        view.setCurrentIndex(index)
    return index.isValid()


def _add(menu: QMenu, entry: Entry) -> None:
    match entry:
        case None:
            menu.addSeparator()
        case QAction():
            menu.addAction(entry)
        case QAbstractButton():
            if not entry.isHidden():
                pressing = menu.addAction(entry.text(), entry.click)
                pressing.setEnabled(entry.isEnabled())
                pressing.setToolTip("" if entry.isEnabled() else entry.toolTip())
        case (str(text), act):
            menu.addAction(text, act)
