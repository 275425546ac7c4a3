"""The classes of a model, in a searchable list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QSortFilterProxyModel, QStringListModel, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QListView, QToolButton

from core.base.i18n import tr, tr_n
from gui.widgets.basic import Panel, label, search_field
from gui.widgets.context_menu import attach_menu

_FEW: Final = 12
"""Up to this many classes fit on one line and need no search."""
_HEIGHT: Final = 240


class ClassesPanel(Panel):
    """A list of classes with a search field."""

    def __init__(self) -> None:
        super().__init__(tr("Classes"))
        self.search = search_field(tr("Search classes"))
        for button in self.search.findChildren(QToolButton):
            button.setAccessibleName(tr("Clear search"))
        self._few = label(wrap=True)
        self._all = QStringListModel(self)
        self._found = QSortFilterProxyModel(self)
        self._found.setSourceModel(self._all)
        self._found.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.list = QListView()
        self.list.setObjectName("wall")
        self.list.setAccessibleName(tr("Classes"))
        self.list.setModel(self._found)
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.setFixedHeight(_HEIGHT)
        attach_menu(self.list, lambda: (self._copying(tr("Copy name"), self.list.currentIndex().data()),))
        self._count = label(kind="muted")
        self.search.textChanged.connect(self._search)
        for widget in (self._few, self.search, self.list, self._count):
            self.body.addWidget(widget)

    def show_classes(self, classes: Sequence[str]) -> None:
        """Show these classes; a few of them as one line."""
        if self._all.stringList() == list(classes):
            return
        is_many = len(classes) > _FEW
        self._few.setText(", ".join(classes) if not is_many else "")
        self._few.setHidden(is_many)
        for widget in (self.search, self.list, self._count):
            widget.setVisible(is_many)
        self._all.setStringList(list(classes))
        self.search.clear()
        self._search("")

    def _copying(self, title: str, text: str) -> tuple[str, Callable[[], object]]:
        return title, lambda: QGuiApplication.clipboard().setText(text)

    def _search(self, text: str) -> None:
        self._found.setFilterFixedString(text.strip())
        found, total = self._found.rowCount(), self._all.rowCount()
        if found == total:
            self._count.setText(tr_n("{count:,} class", "{count:,} classes", total))
        else:
            self._count.setText(
                tr_n("{found:,} of {count:,} class", "{found:,} of {count:,} classes", total, found=found)
            )
