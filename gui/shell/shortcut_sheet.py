"""Help > Keyboard shortcuts: all of them, grouped by menu, with search."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence, QShowEvent
from PySide6.QtWidgets import QDialog, QMenu, QMenuBar, QTreeWidgetItem, QWidget

from core.base.i18n import tr
from gui.widgets import theme
from gui.widgets.basic import plain_list, search_field
from gui.widgets.layouts import vbox


class ShortcutSheet(QDialog):
    """A window with the shortcuts of a menu bar, read whenever it is shown; Escape closes it."""

    def __init__(self, menus: QMenuBar, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self.resize(520, 640)
        self._menus = menus
        self.search = search_field(tr("Search shortcuts"))
        self.search.textChanged.connect(self._show_found)
        self.list = plain_list(tr("Keyboard shortcuts"), [tr("Action"), tr("Shortcut")], 0)
        self.list.setIndentation(theme.GRID)
        self.list.setItemsExpandable(False)
        vbox(self.search, self.list, parent=self, margins=2 * theme.GRID, spacing=theme.GRID)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fill()
        self.search.clear()
        self.search.setFocus()

    def _fill(self) -> None:
        self.list.clear()
        for entry in self._menus.actions():
            group = QTreeWidgetItem([_plain(entry.text())])
            group.setFlags(Qt.ItemFlag.ItemIsEnabled)
            font = group.font(0)
            font.setBold(True)
            group.setFont(0, font)
            rows = [_row(action) for action in _actions(entry.menu()) if not action.shortcut().isEmpty()]
            group.addChildren(rows)
            if rows:
                self.list.addTopLevelItem(group)
        self.list.expandAll()

    def _show_found(self, text: str) -> None:
        """Show only the rows with this text in the action or the shortcut."""
        wanted = text.strip().casefold()
        for group in _children(self.list.invisibleRootItem()):
            rows = _children(group)
            for row in rows:
                row.setHidden(wanted not in f"{row.text(0)} {row.text(1)}".casefold())
            group.setHidden(all(row.isHidden() for row in rows))


def _actions(menu: QObject) -> Iterator[QAction]:
    """The actions of a menu and its submenus, in their order."""
    for action in menu.actions() if isinstance(menu, QMenu) else ():
        if isinstance(action.menu(), QMenu):
            yield from _actions(action.menu())
        else:
            yield action


def _children(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    found = (item.child(place) for place in range(item.childCount()))
    return [child for child in found if child is not None]


def _row(action: QAction) -> QTreeWidgetItem:
    keys = ", ".join(one.toString(QKeySequence.SequenceFormat.NativeText) for one in action.shortcuts())
    row = QTreeWidgetItem([_plain(action.text()), keys])
    row.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return row


def _plain(text: str) -> str:
    return text.replace("&", "").removesuffix("…")
