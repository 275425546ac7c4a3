"""A class chooser for keyboard and mouse: type to filter, then press Enter, or press a number.

Among many classes, what is typed is a new class unless it is the name of one, or a whole word of only one. Among a few,
any letters that only one has choose it.

Where a photo may have several classes, each choice adds or removes one, until Enter is pressed without a choice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QAbstractTableModel, QEvent, QObject, QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QGraphicsDropShadowEffect, QHeaderView, QLineEdit, QTreeView, QWidget

from core.base.i18n import tr
from core.base.label_sets import label_of
from core.base.text import natural_sort_key
from core.datasets.class_labels import normalize_label
from gui.widgets import icons, theme
from gui.widgets.basic import as_list, button, label, show_text
from gui.widgets.indexes import NOWHERE, Index
from gui.widgets.layouts import vbox

_WIDTH: Final = 440
_MAX_SHOWN: Final = 11
"""Visible rows; the rest is reached by scrolling."""
_SIGN: Final = 16
NUMBERED: Final = 9
"""How many classes have a digit as their key, here and in the review."""
_MAX_UNSORTED: Final = 16
"""Up to this many classes keep their order, so that users can remember their positions."""
_KEYS: Final = {Qt.Key(Qt.Key.Key_1 + number): number for number in range(NUMBERED)}
_WHOLE_WORD, _ANYWHERE = 1, 4
"""How `_distance` ranks a class that has the typed letters as a whole word, or anywhere."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """A row: a class, or a name to add as a new class."""

    label: str
    is_new: bool = False

    @property
    def text(self) -> str:
        return tr("Add “{label}” as a new class", label=self.label) if self.is_new else self.label


def ordered_classes(classes: Sequence[str], likely: Sequence[str]) -> tuple[str, ...]:
    """The classes in the order in which the digits choose them, everywhere.

    A few keep their order, so each always has the same digit. Of many, the likely ones come first, the others follow in
    natural order.
    """
    if len(classes) <= _MAX_UNSORTED:
        return tuple(classes)
    available = frozenset(classes)
    first = [one for one in dict.fromkeys(likely) if one in available]
    return (*first, *sorted(available.difference(first), key=natural_sort_key))


class ClassChooser(QFrame):
    """A list over the window, shown until a class is chosen, Escape is pressed, or something else is clicked.

    Attributes:
        chosen: the class, which may be a new one; or the label of several or of none, see `core.base.label_sets`.
        cancelled: the chooser was closed, with or without a choice; emitted after `chosen`.
    """

    chosen = Signal(str)
    cancelled = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("palette")
        self._window = window
        self._focus_before: QWidget | None = None
        self._classes: tuple[str, ...] = ()
        self._likely: frozenset[str] = frozenset()
        self._beside: QWidget | None = None
        self._rows = _Rows(self)
        self.done = button(tr("Done"), self._finish, kind="primary", hint=tr("Enter"))
        self.done.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._title = label(kind="heading", wrap=True)
        self._about = label(kind="muted", wrap=True)
        self.line = QLineEdit(placeholderText=tr("Type a class, or press its number"))
        self.line.textChanged.connect(self._search)
        for watched in (self.line, window):
            watched.installEventFilter(self)
        self.list = self._make_list()
        margins = (2 * theme.GRID, 2 * theme.GRID, 2 * theme.GRID, theme.GRID)
        shown = (self._title, self._about, self.line, self.list, self.done)
        self._column = vbox(*shown, parent=self, margins=margins, spacing=theme.GRID)
        shadow = QGraphicsDropShadowEffect(self, blurRadius=32, offset=QPointF(0, 6))
        shadow.setColor(QColor(0, 0, 0, 96))
        self.setGraphicsEffect(shadow)
        self.hide()

    def _make_list(self) -> QTreeView:
        found = QTreeView()
        as_list(found, tr("Classes"))
        found.setModel(self._rows)
        found.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        found.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        found.clicked.connect(self._choose)
        return found

    def open(
        self,
        classes: Sequence[str],
        *,
        title: str,
        about: str = "",
        likely: Sequence[str] = (),
        current: str = "",
        several: Collection[str] | None = None,
        beside: QWidget | None = None,
    ) -> None:
        """Let the user choose.

        Args:
            classes: the classes to choose from, shown as `ordered_classes` orders them.
            title: the question, such as "What is in this photo?".
            about: additional information.
            likely: the likely classes, most likely first.
            current: the class chosen before, which is selected initially. Without it nothing is selected until the
                user types or presses an arrow key, so that Enter alone chooses nothing.
            several: the classes chosen before, if a photo may have several or none; None to choose exactly one.
            beside: what shows the photo; the list appears on its left or, if there is no room, at its right edge.
        """
        self._likely, self._beside = frozenset(likely), beside
        self._classes = ordered_classes(classes, likely)
        self._rows.chosen = None if several is None else frozenset(several)
        self.done.setHidden(several is None)
        if several is not None:
            about = " ".join((about, tr("Choose every class that fits, then press Enter."))).strip()
        self._show_question(title, about)
        self._focus_before = self._window.focusWidget()
        self.show()  # before measuring, as hidden rows have no style yet
        self.raise_()
        self.line.clear()
        self._search("")
        self._place()
        if current in self._classes:
            self._mark(self._classes.index(current))
        self.line.setFocus(Qt.FocusReason.PopupFocusReason)

    def _show_question(self, title: str, about: str) -> None:
        self._title.setText(title)
        show_text(self._about, about)
        instructions = tr("Type to filter, then use the arrow keys and Enter to choose.")
        self.line.setAccessibleName(f"{title} {about} {instructions}")

    def texts(self) -> list[str]:
        """The texts of all rows, from the top."""
        return [choice.text for choice in self._rows.choices]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window:
            if isinstance(event, QResizeEvent) and self.isVisible():
                self._place()
        elif isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            return self._handle_key(event)
        elif event.type() is QEvent.Type.FocusOut and self.isVisible():
            self._close(restore_focus=False)
        return False

    def _handle_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        match key:
            case Qt.Key.Key_Escape:
                self._close()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._choose(self.list.currentIndex())
            case Qt.Key.Key_Down | Qt.Key.Key_Up:
                self._move(1 if key is Qt.Key.Key_Down else -1)
            case Qt.Key.Key_PageDown | Qt.Key.Key_PageUp:
                self._page(1 if key is Qt.Key.Key_PageDown else -1)
            case _ if key in _KEYS and not self.line.text():
                self._choose(self._rows.index(_KEYS[key], 0))
            case _:
                return False
        return True

    def _move(self, step: int) -> None:
        count, row = max(len(self._rows.choices), 1), self.list.currentIndex().row()
        self._mark((max(row, 0) - 1 if step < 0 else row + 1) % count)

    def _page(self, step: int) -> None:
        rows = max(1, self.list.viewport().height() // max(1, self.list.sizeHintForRow(0)) - 1)
        last = len(self._rows.choices) - 1
        self._mark(min(max(self.list.currentIndex().row() + step * rows, 0), last))

    def _mark(self, row: int) -> None:
        index = self._rows.index(row, 0)
        self.list.setCurrentIndex(index)
        self.list.scrollTo(index)
        # The keyboard focus stays in the line, so it announces the selected row.
        count = len(self._rows.choices)
        if index.isValid():
            position = tr("{label}, {row:,} of {count:,}", label=self._rows.spoken(row), row=row + 1, count=count)
            self.line.setAccessibleDescription(position)
        else:
            self.line.setAccessibleDescription("" if count else tr("No matching class"))

    def _search(self, text: str) -> None:
        typed = normalize_label(text)
        found = [_Choice(one) for one in _found(self._classes, typed)]
        are_many = len(self._classes) > _MAX_UNSORTED
        is_clear = bool(typed) and _is_clear(found, typed, self._likely, _WHOLE_WORD if are_many else _ANYWHERE)
        if typed and typed.casefold() not in {one.casefold() for one in self._classes}:
            is_new = not is_clear and (are_many or not found)
            found.insert(0 if is_new else len(found), _Choice(typed, is_new=True))
            is_clear = is_clear or is_new
        self._rows.show(found, numbered=not text)
        self._mark(0 if is_clear else -1)

    def _choose(self, index: Index) -> None:
        if self._rows.chosen is not None:
            self._toggle(self._rows.chosen, index)
        elif index.isValid():
            choice = self._rows.choices[index.row()]
            self._close(notify=False)
            self.chosen.emit(choice.label)
            self.cancelled.emit()

    def _toggle(self, chosen: frozenset[str], index: Index) -> None:
        """Add or remove a class of several; without one, all are chosen."""
        if not index.isValid():
            self._finish()
            return
        choice = self._rows.choices[index.row()]
        self._classes += (choice.label,) if choice.is_new else ()
        self._rows.chosen = chosen ^ {choice.label}
        self.line.clear()
        self._search("")
        is_in = choice.label in self._rows.chosen
        state = tr("{label}: chosen", label=choice.label) if is_in else tr("{label}: not chosen", label=choice.label)
        self.line.setAccessibleDescription(state)

    def _finish(self) -> None:
        chosen = self._rows.chosen or ()
        self._close(notify=False)
        self.chosen.emit(label_of(chosen))
        self.cancelled.emit()

    def _close(self, *, restore_focus: bool = True, notify: bool = True) -> None:
        self.hide()
        if restore_focus and self._focus_before is not None:
            self._focus_before.setFocus()
        if notify:
            self.cancelled.emit()

    def _place(self) -> None:
        """Place it at the top, as high as its rows need but never larger than the window."""
        room = self._window.rect().adjusted(theme.GRID, 9 * theme.GRID, -theme.GRID, -5 * theme.GRID)
        rows = min(len(self._classes) + 1, _MAX_SHOWN)
        self.list.setFixedHeight(rows * self.list.sizeHintForRow(0) + 2 * self.list.frameWidth())
        width = min(_WIDTH, room.width())
        height = min(self._column.totalHeightForWidth(width), room.height())
        self.list.setMinimumHeight(0)  # in a small window, the list shrinks
        self.setGeometry(QRect(self._left(room, width), room.top(), width, height))

    def _left(self, room: QRect, width: int) -> int:
        """The left edge: beside what shows the photo, otherwise in the middle."""
        if self._beside is None or not self._beside.isVisible():
            return room.center().x() - width // 2
        shown = QRect(self._beside.mapTo(self._window, QPoint()), self._beside.size())
        left = shown.left() - theme.GRID - width
        return left if left >= room.left() else max(room.left(), min(shown.right(), room.right()) - theme.GRID - width)


class _Rows(QAbstractTableModel):
    """The choices; the first ones show the number key that chooses them."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.choices: list[_Choice] = []
        self.chosen: frozenset[str] | None = None
        self._is_numbered = False
        self._check, space = icons.icon("check", "accent"), QPixmap(_SIGN, _SIGN)
        space.fill(Qt.GlobalColor.transparent)
        self._blank = QIcon(space)

    def show(self, choices: list[_Choice], *, numbered: bool) -> None:
        self.beginResetModel()
        self.choices, self._is_numbered = choices, numbered
        self.endResetModel()

    def spoken(self, row: int) -> str:
        """The text of a row for a screen reader."""
        choice = self.choices[row]
        return tr("{label}: chosen", label=choice.text) if choice.label in (self.chosen or ()) else choice.text

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.choices)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, is_key = index.row(), index.column() == 1
        match role:
            case Qt.ItemDataRole.DisplayRole if is_key:
                return str(row + 1) if self._is_numbered and row < NUMBERED else ""
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.ToolTipRole if not is_key:
                return self.choices[row].text
            case Qt.ItemDataRole.AccessibleTextRole if not is_key:
                return self.spoken(row)
            case Qt.ItemDataRole.DecorationRole if not is_key and self.chosen is not None:
                return self._check if self.choices[row].label in self.chosen else self._blank
            case Qt.ItemDataRole.TextAlignmentRole if is_key:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


def _found(classes: Sequence[str], typed: str) -> list[str]:
    """The classes that contain these letters, best matches first."""
    letters = typed.casefold()
    found = [one for one in classes if letters in one.casefold()]
    return sorted(found, key=lambda one: _distance(one.casefold(), letters))


def _is_clear(choices: Sequence[_Choice], typed: str, likely: Collection[str], enough: int) -> bool:
    """Whether Enter may choose the first class: what was typed matches it at least as well as the rank `enough`.

    Nothing else may match as well, unless only the first is likely. Among many classes, their start is not enough: who
    types “bird” does not mean “birdhouse”.
    """
    letters = typed.casefold()
    ranks = [_distance(one.label.casefold(), letters) for one in choices]
    if not ranks or ranks[0] > enough:
        return False
    best = [one.label in likely for one, rank in zip(choices, ranks, strict=True) if rank == ranks[0]]
    return len(best) == 1 or best == [True] + [False] * (len(best) - 1)


def _distance(name: str, letters: str) -> int:
    """Rank how a class matches the typed letters: equal, a whole word, its start, the start of a word, or anywhere."""
    matches = (name == letters, f" {letters} " in f" {name} ", name.startswith(letters), f" {letters}" in name, True)
    return matches.index(True)
