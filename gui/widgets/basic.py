"""Small widgets used on several pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QGridLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QToolButton,
    QTreeView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.base.i18n import tr
from gui.widgets import icons, theme
from gui.widgets.layouts import Item, Margins, vbox
from gui.widgets.painting import paint_bar

ButtonKind = Literal["", "primary", "link", "picture", "offer", "chip"]
Kind = Literal["plain", "muted", "danger", "warning", "title", "display", "heading", "number"]
_SELECTABLE: Final = ("plain", "danger", "warning")


def label(text: str = "", kind: Kind = "plain", *, wrap: bool = False, shrinks: bool = False) -> QLabel:
    """A label in one of the window's text styles; values and errors can be selected and copied, titles cannot.

    One that `shrinks` cuts a long word, such as a file name, rather than all that is shown above and below it.
    """
    result = QLabel(text)
    result.setProperty("kind", kind)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setWordWrap(wrap)
    if shrinks:
        result.setMinimumWidth(1)
    if kind in _SELECTABLE:
        result.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return result


def caption(text: str, field: QWidget, kind: Kind = "muted") -> QLabel:
    """The label of a field, for screen readers too."""
    result = label(text, kind)
    result.setBuddy(field)
    return result


def show_text(shown: QLabel, text: str) -> None:
    """Show a text in a label, and hide the label if there is none."""
    shown.setText(text)
    shown.setVisible(bool(text))


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a property on which the style of a widget depends."""
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def button(
    text: str, on_click: Callable[[], object] | None = None, *, kind: ButtonKind = "", hint: str = "", name: str = ""
) -> QPushButton:
    """A button in one of the window's styles, with a tool tip and an accessible name if they say more than its text."""
    result = QPushButton(text)
    result.setProperty("kind", kind)
    result.setToolTip(hint)
    result.setAccessibleName(name)
    result.setAutoDefault(True)  # Enter presses it, also outside dialogs
    if on_click is not None:
        result.clicked.connect(lambda: on_click())  # drops the argument of the signal
    return result


def link(text: str, on_click: Callable[[], object] | None = None, *, hint: str = "", name: str = "") -> QPushButton:
    """A button that looks like a link; see `button`."""
    return button(text, on_click, kind="link", hint=hint, name=name)


def action_button(action: QAction, kind: ButtonKind = "") -> QPushButton:
    """A button that triggers an action, with its shortcut as the tool tip."""
    return button(action.text().replace("&", ""), action.trigger, kind=kind, hint=action.shortcut().toString())


class ToolButton(QToolButton):
    """A button without a frame, which Enter presses like other buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)


def icon_button(icon: str, title: str, on_click: Callable[[], object]) -> QToolButton:
    """A button that shows only an icon; its title is the tool tip and the accessible name."""
    result = ToolButton()
    result.setIcon(icons.icon(icon, "text"))
    result.setIconSize(QSize(20, 20))
    result.setToolTip(title)
    result.setAccessibleName(title)
    result.clicked.connect(lambda: on_click())
    return result


class ScrollColumn(QScrollArea):
    """A column of widgets, which scrolls if it is too high."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """`name` is the accessible name: the keyboard reaches the column, as it may hold nothing but text to scroll."""
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(name)

    def show_column(self, *items: Item, margins: Margins = (0, 0, theme.GRID, 0)) -> QVBoxLayout:
        """Show these items instead of the earlier ones."""
        body = QWidget()
        body.setObjectName("inspector")
        result = vbox(*items, parent=body, margins=margins, spacing=theme.GRID)
        self.setWidget(body)
        return result


class Icon(QWidget):
    """A standalone icon in a colour of the current theme."""

    def __init__(self, name: str, role: icons.ColorRole, side: int) -> None:
        super().__init__()
        self.setFixedSize(side, side)
        self._name, self._role = name, role

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        icons.paint(painter, self._name, QRectF(self.rect()), icons.color_of(self._role))
        painter.end()


class Panel(QFrame):
    """A panel on a page, with a heading unless it has no title."""

    def __init__(self, title: str | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.heading = label(title or "", "heading")
        self.body = vbox(self.heading, parent=self, margins=(16, 12, 16, 16), spacing=theme.GRID)
        if title is None:
            self.heading.hide()


class PropertyList(QWidget):
    """Names on the left and values on the right; values wrap and can be copied."""

    def __init__(self, rows: int = 0) -> None:
        """Create this many rows; further ones are created when they are first shown."""
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QLabel, QLabel]] = []
        for _ in range(rows):
            self._add_row()

    def show_properties(self, properties: Sequence[tuple[str, str]]) -> None:
        """Show these names and values, reusing existing labels."""
        while len(self._rows) < len(properties):
            self._add_row()
        for row, (name, value) in enumerate(self._rows):
            shown = row < len(properties)
            name.setVisible(shown)
            value.setVisible(shown)
            if shown:
                title, text = properties[row]
                name.setText(title)
                value.setText(text)
                value.setAccessibleName(tr("{name}: {value}", name=title, value=text))

    def _add_row(self) -> None:
        row = len(self._rows)
        name, value = label(kind="muted"), label(wrap=True, shrinks=True)
        value.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(value, row, 1)
        self._rows.append((name, value))


class Form(QFormLayout):
    """Captions on the left and fields on the right."""

    def add_field(self, text: str, field: QWidget) -> None:
        """Append a field; its caption is also its accessible name."""
        field.setAccessibleName(text)
        name = caption(text, field, "plain")
        name.setMinimumHeight(field.sizeHint().height())  # so that their middles are level
        self.addRow(name, field)


def search_field(hint: str, name: str = "") -> QLineEdit:
    """A field to type what is searched for; the hint in it is also its accessible name unless there is another."""
    result = QLineEdit(placeholderText=hint, clearButtonEnabled=True)
    result.setAccessibleName(name or hint)
    return result


def as_list(tree: QTreeView, name: str) -> None:
    """Have a tree show rows only: no hierarchy, no titles, no editing."""
    tree.setObjectName("choices")
    tree.setAccessibleName(name)
    tree.setRootIsDecorated(False)
    tree.setUniformRowHeights(True)
    tree.setHeaderHidden(True)
    tree.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
    tree.header().setStretchLastSection(False)


def plain_list(name: str, columns: Sequence[str], widest: int) -> QTreeWidget:
    """A flat list with these column titles; the column with this number takes the remaining width."""
    result = QTreeWidget()
    as_list(result, name)
    result.setHeaderHidden(False)
    result.setHeaderLabels(list(columns))
    result.setAllColumnsShowFocus(True)
    result.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    result.header().setTextElideMode(Qt.TextElideMode.ElideRight)
    result.header().setSectionResizeMode(widest, QHeaderView.ResizeMode.Stretch)
    return result


def list_item(columns: Sequence[str], texts: Sequence[str]) -> QTreeWidgetItem:
    """A row of a plain list; a screen reader reads the title of each column, marked for translation, with its text."""
    item = QTreeWidgetItem(list(texts))
    spoken = ", ".join(f"{tr(column)} {text}" for column, text in zip(columns, texts, strict=True))
    item.setData(0, Qt.ItemDataRole.AccessibleTextRole, spoken)
    return item


def fit_rows(tree: QTreeView, maximum: int) -> None:
    """Fit the height of a flat tree to its rows, up to a maximum, so that the page scrolls instead of the list."""
    rows = min(max(tree.model().rowCount(), 1), maximum)
    row = max(tree.sizeHintForRow(0), tree.fontMetrics().height() + 2 * theme.GRID)
    tree.setFixedHeight(tree.header().sizeHint().height() + rows * row + theme.GRID)


_BAR_HEIGHT: Final = 8
_MARK: Final = 2
"""By how much a mark is higher than its bar on each side, in pixels."""


class Bar(QWidget):
    """A horizontal bar filled from the left; its number is shown beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_BAR_HEIGHT)
        self._fraction = 0.0
        self._is_strong = True
        self._mark: float | None = None

    def show_fraction(self, fraction: float, *, is_strong: bool, mark: float | None = None) -> None:
        """Fill this fraction, 0..1, and mark another one; a strong bar has the accent colour."""
        self._fraction, self._is_strong, self._mark = fraction, is_strong, mark
        self.setFixedHeight(_BAR_HEIGHT if mark is None else _BAR_HEIGHT + 2 * _MARK)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(80, _BAR_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        box = QRectF(self.rect()) if self._mark is None else QRectF(self.rect()).adjusted(0, _MARK, 0, -_MARK)
        paint_bar(painter, box, self._fraction, is_strong=self._is_strong, mark=self._mark)
        painter.end()


class ProgressBar(QProgressBar):
    """A progress bar without text; its number is shown beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextVisible(False)

    def setValue(self, value: int) -> None:
        """Show a value at the next repaint: Qt repaints all pending parts of the window at once, which takes 30 ms."""
        self.setUpdatesEnabled(False)
        super().setValue(value)
        self.setUpdatesEnabled(True)


class CheckBox(QCheckBox):
    """A checkbox with a check mark, or a dash if it is partly checked, which a style sheet cannot draw."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.checkState() is Qt.CheckState.Unchecked:
            return
        option, painter = QStyleOptionButton(), QPainter(self)
        self.initStyleOption(option)
        box = QRectF(self.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self))
        mark = "check" if self.checkState() is Qt.CheckState.Checked else "minus"
        icons.paint(painter, mark, box.adjusted(2, 2, -2, -2), icons.color_of("on_accent"))
        painter.end()


class PercentBox(QSpinBox):
    """Asks for a fraction, in percent."""

    def __init__(self, fraction: float, name: str = "") -> None:
        super().__init__()
        self.setRange(0, 100)
        self.setSingleStep(5)
        self.setSuffix(tr("%"))
        self.setAccessibleName(name)
        self.show_fraction(fraction)

    def fraction(self) -> float:
        """The fraction, 0..1."""
        return self.value() / 100

    def show_fraction(self, fraction: float) -> None:
        """Show a fraction, 0..1."""
        self.setValue(round(fraction * 100))


class Choice(QComboBox):
    """A combo box with a custom arrow, as a style sheet removes the default one, and a popup that fits its entries.

    A text that is too long for it ends in an ellipsis, which a style sheet would leave out.
    """

    def __init__(self, name: str = "", entries: Mapping[Any, str] | None = None) -> None:
        """`name` is the accessible name; `entries` are the texts of values, marked for translation."""
        super().__init__()
        self.setAccessibleName(name)
        self.offer({value: tr(text) for value, text in (entries or {}).items()})
        self.setCurrentIndex(0)

    def offer(self, entries: Mapping[Any, str], chosen: object = None) -> None:
        """Offer these values with their texts, without a signal; `chosen` or else the first one is chosen."""
        with QSignalBlocker(self):
            self.clear()
            for value, text in entries.items():
                self.addItem(text, value)
            self.setCurrentIndex(max(0, self.findData(chosen)))

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        super().initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self).width()
        text: str = option.currentText
        option.currentText = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)

    def showPopup(self) -> None:
        view = self.view()
        bar = view.verticalScrollBar().sizeHint().width() if self.count() > self.maxVisibleItems() else 0
        width = view.sizeHintForColumn(0) + bar + 2 * view.frameWidth()
        view.setMinimumWidth(min(width, self.screen().availableGeometry().width() // 2))
        super().showPopup()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        box = QRectF(self.width() - 28, self.height() / 2 - 8, 16, 16)
        icons.paint(painter, "chevron-down", box, theme.current().muted)
        painter.end()
