"""The command palette, which finds everything there is to do by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt
from PySide6.QtGui import QColor, QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QFrame, QHeaderView, QLineEdit, QTreeView, QWidget

from core.base.i18n import tr
from gui.shell.palette_entries import Entry
from gui.widgets import theme
from gui.widgets.announcing import announce
from gui.widgets.basic import as_list, label
from gui.widgets.layouts import fill, vbox

_WIDTH: Final = 640
_TOP: Final = 72
_MIN_NOTE: Final = 120
"""The least width of the shortcut, or of why an action cannot be done now, in pixels."""
_MAX_ROWS: Final = 12
_MAX_FOUND: Final = 60
"""How many results are listed: who needs more of them types another letter."""
_LESS: Final = 12
"""How much less what cannot be done now counts."""
_ENTRY: Final = Qt.ItemDataRole.UserRole + 1


class CommandPalette(QFrame):
    """A search box with a list over the window, shown until one is chosen or Escape is pressed."""

    def __init__(self, entries: Callable[[], Sequence[Entry]], window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("palette")
        self._window, self._collect = window, entries
        self._entries: Sequence[Entry] = ()
        self._found = QStandardItemModel(0, 2, self)
        self.line = QLineEdit()
        self.line.setPlaceholderText(tr("What do you want to do?"))
        self.line.setAccessibleName(tr("Find an action"))
        self.line.textChanged.connect(self._search)
        self.line.installEventFilter(self)
        self.list = self._make_list()
        self._nothing = label(tr("Nothing found. Try another word."), "muted")
        vbox(self.line, fill(self.list), self._nothing, parent=self, margins=theme.GRID, spacing=theme.GRID)
        self.hide()

    def _make_list(self) -> QTreeView:
        found = QTreeView()
        as_list(found, tr("Matching actions"))
        found.setObjectName("found")
        found.setModel(self._found)
        found.header().setStretchLastSection(True)
        found.header().setMinimumSectionSize(_MIN_NOTE)
        found.header().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        found.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        found.clicked.connect(self._run)
        return found

    def open(self) -> None:
        """Show the palette with everything there is to do; what cannot be done now is dimmed."""
        self._entries = self._collect()
        self.line.clear()
        self._search("")
        self.show()
        self.raise_()
        self.line.setFocus()

    def texts(self) -> list[str]:
        """The texts of the results, in order."""
        return [self._found.item(row, 0).text() for row in range(self._found.rowCount())]

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
                self._run(self.list.currentIndex())
            case Qt.Key.Key_Down:
                self._move(1)
            case Qt.Key.Key_Up:
                self._move(-1)
            case _:
                return False
        return True

    def _move(self, step: int) -> None:
        rows = max(self._found.rowCount(), 1)
        self._choose((self.list.currentIndex().row() + step) % rows)

    def _choose(self, row: int) -> None:
        """Select a result and announce it: the keyboard focus stays in the search box."""
        index = self._found.index(row, 0)
        self.list.setCurrentIndex(index)
        if index.isValid():
            announce(self.line, str(index.data(Qt.ItemDataRole.AccessibleTextRole)))

    def _search(self, text: str) -> None:
        query = text.strip()
        scored = [(one.score(query), one) for one in self._entries]
        found = sorted((pair for pair in scored if pair[0]), key=lambda pair: _LESS * bool(pair[1].reason) - pair[0])
        self._found.removeRows(0, self._found.rowCount())
        for _, entry in found[:_MAX_FOUND]:
            self._found.appendRow(_row(entry))
        self._fit()
        self._choose(0)

    def _fit(self) -> None:
        rows = min(self._found.rowCount(), _MAX_ROWS)
        self.list.setVisible(rows > 0)
        self._nothing.setVisible(not rows)
        below = rows * self.list.sizeHintForRow(0) + 2 if rows else self._nothing.sizeHint().height()
        wanted = self.line.sizeHint().height() + 3 * theme.GRID + below
        width = min(_WIDTH, self._window.width() - 2 * theme.GRID)
        height = min(wanted, self._window.height() - _TOP - theme.GRID)
        self.setGeometry((self._window.width() - width) // 2, _TOP, width, height)
        room = width - 2 * theme.GRID - _MIN_NOTE
        self.list.header().resizeSection(0, min(self.list.sizeHintForColumn(0), room))  # a long note is cut, not a name

    def _run(self, index: QModelIndex) -> None:
        entry = index.siblingAtColumn(0).data(_ENTRY)
        if isinstance(entry, Entry) and not entry.reason:
            self._close()
            entry.run()

    def _close(self) -> None:
        self.hide()
        self._window.setFocus()


def _row(entry: Entry) -> list[QStandardItem]:
    """A row with what is done, and the shortcut or why it cannot be done now."""
    name, note = QStandardItem(entry.title), QStandardItem(entry.reason or entry.shortcut)
    note.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    spoken = tr("{action}, not available: {reason}", action=entry.title, reason=entry.reason)
    name.setData(spoken if entry.reason else entry.title, Qt.ItemDataRole.AccessibleTextRole)
    name.setData(entry, _ENTRY)
    muted = QColor(theme.current().muted)
    note.setForeground(muted)
    if entry.reason:
        name.setForeground(muted)
        note.setToolTip(entry.reason)
    return [name, note]
