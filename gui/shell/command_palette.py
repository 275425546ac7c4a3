"""The command palette, which finds every action by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSortFilterProxyModel, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QFrame, QHeaderView, QLineEdit, QTreeView, QWidget

from core.base.i18n import tr
from gui.widgets import theme
from gui.widgets.layouts import vbox

_WIDTH: Final = 520
_HEIGHT: Final = 360
_ACTION: Final = Qt.ItemDataRole.UserRole + 1


class CommandPalette(QFrame):
    """A search box with a list of actions over the window, shown until one is chosen or Escape is pressed."""

    def __init__(self, actions: Sequence[QAction], window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("palette")
        self._window = window
        self._actions = actions
        self._model = QStandardItemModel(self)
        self._found = QSortFilterProxyModel(self)
        self._found.setSourceModel(self._model)
        self._found.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._line = QLineEdit()
        self._line.setPlaceholderText(tr("What do you want to do?"))
        self._line.setAccessibleName(tr("Find an action"))
        self._line.textChanged.connect(self._search)
        self._line.installEventFilter(self)
        self._list = self._make_list()
        vbox(self._line, self._list, parent=self, margins=theme.GRID)
        self.hide()

    def _make_list(self) -> QTreeView:
        found = QTreeView()
        found.setObjectName("choices")
        found.setAccessibleName(tr("Matching actions"))
        found.setModel(self._found)
        found.setRootIsDecorated(False)
        found.setHeaderHidden(True)
        found.header().setStretchLastSection(False)
        found.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
        found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        found.clicked.connect(self._run)
        return found

    def open(self) -> None:
        """Show the palette with all enabled actions."""
        self._model.clear()
        for action in self._actions:
            if action.isEnabled():
                self._model.appendRow(_row(action))
        self._list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._list.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self._line.clear()
        self._search("")
        left, height = (self._window.width() - _WIDTH) // 2, min(_HEIGHT, self._window.height() - 96)
        self.setGeometry(left, 72, _WIDTH, height)
        self.show()
        self.raise_()
        self._line.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            return self._handle_key(Qt.Key(event.key()))
        if event.type() is QEvent.Type.FocusOut:
            self.hide()
        return False

    def _handle_key(self, key: Qt.Key) -> bool:
        match key:
            case Qt.Key.Key_Escape:
                self._close()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._run(self._list.currentIndex())
            case Qt.Key.Key_Down:
                self._move(1)
            case Qt.Key.Key_Up:
                self._move(-1)
            case _:
                return False
        return True

    def _move(self, step: int) -> None:
        rows = max(self._found.rowCount(), 1)
        self._list.setCurrentIndex(self._found.index((self._list.currentIndex().row() + step) % rows, 0))

    def _search(self, text: str) -> None:
        self._found.setFilterFixedString(text.strip())
        self._list.setCurrentIndex(self._found.index(0, 0))

    def _run(self, index: QModelIndex) -> None:
        action = index.data(_ACTION)
        self._close()
        if isinstance(action, QAction):
            action.trigger()

    def _close(self) -> None:
        self.hide()
        self._window.setFocus()


def _row(action: QAction) -> list[QStandardItem]:
    """A row with the name and the shortcut of an action."""
    name = QStandardItem(action.text().replace("&", "").replace("…", ""))
    shortcut = QStandardItem(action.shortcut().toString(QKeySequence.SequenceFormat.NativeText))
    shortcut.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    for item in (name, shortcut):
        item.setData(action, _ACTION)
    return [name, shortcut]
