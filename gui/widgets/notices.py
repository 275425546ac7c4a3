"""Notices: what went wrong or is worth knowing, in the window, until the person dismisses it; each can be copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from core.base.errors import FoveaError
from gui.widgets import icons, theme
from gui.widgets.basic import Icon, label

_MAX_VISIBLE: Final = 3
_MIN_HEIGHT: Final = 720
"""Height of the window from which all of them are shown; below it they would take the room of what they are about."""


class Notices(QWidget):
    """The newest notice at the top; at most a few, the oldest give way. In a low window all but one wait to be seen."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 8, 16, 0)
        self._column.setSpacing(theme.GRID)
        self._shown: list[_Notice] = []
        self._wants_all = False
        parent.installEventFilter(self)
        self.hide()

    def show_notice(self, text: str, *, action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Show a notice; the same text is never there twice. `action` is a button with what it does."""
        for known in [notice for notice in self._shown if notice.text == text]:
            self._dismiss(known)
        while len(self._shown) >= _MAX_VISIBLE:
            self._dismiss(self._shown[0])
        notice = _Notice(text, action, self._dismiss, self._show_all)
        self._shown.append(notice)
        self._column.insertWidget(0, notice)
        self._fit()

    def show_error(self, error: FoveaError) -> None:
        """Show what happened and what to do."""
        self.show_notice(str(error))

    def texts(self) -> list[str]:
        """What is shown now, oldest first."""
        return [notice.text for notice in self._shown]

    def _dismiss(self, notice: _Notice) -> None:
        if notice not in self._shown:  # dismissed already, and only not deleted yet
            return
        self._shown.remove(notice)
        self._column.removeWidget(notice)
        notice.hide()
        notice.deleteLater()
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize:
            self._fit()
        return super().eventFilter(watched, event)

    def _show_all(self) -> None:
        self._wants_all = True
        self._fit()

    def _fit(self) -> None:
        """Show as many as there is room for, the newest first."""
        self._wants_all = self._wants_all and len(self._shown) > 1
        is_low = self.window().height() < _MIN_HEIGHT and not self._wants_all
        waiting = self._shown[:-1] if is_low else []
        for notice in self._shown:
            notice.setHidden(notice in waiting)
            notice.more.setText(f"Show {len(waiting)} more")
            notice.more.setVisible(bool(waiting))
        self.setVisible(bool(self._shown))


class _Notice(QFrame):
    def __init__(
        self,
        text: str,
        action: tuple[str, Callable[[], object]] | None,
        dismiss: Callable[[_Notice], None],
        show_all: Callable[[], None],
    ) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.text = text
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        sign = Icon("triangle-alert", "warning", 18)
        words = label(text, wrap=True)
        words.setAccessibleName(f"Notice: {text}")
        row.addWidget(sign, alignment=Qt.AlignmentFlag.AlignTop)
        row.addWidget(words, 1)
        if action is not None:
            button = _link(*action)
            button.clicked.connect(lambda: dismiss(self))
            row.addWidget(button)
        self.more = _link("", show_all)
        self.more.setAccessibleName("Show the other notices")
        self.more.hide()
        row.addWidget(self.more)
        row.addWidget(_sign("copy", "Copy this notice", lambda: QGuiApplication.clipboard().setText(text)))
        row.addWidget(_sign("x", "Dismiss this notice", lambda: dismiss(self)))


def _link(name: str, action: Callable[[], object]) -> QPushButton:
    button = QPushButton(name)
    button.setProperty("kind", "link")
    button.clicked.connect(lambda: action())  # without what the signal says: it would be taken for an argument
    return button


def _sign(name: str, title: str, action: Callable[[], object]) -> QToolButton:
    button = QToolButton()
    button.setProperty("kind", "plain")
    button.setIcon(icons.icon(name, "text"))
    button.setToolTip(title)
    button.setAccessibleName(title)
    button.clicked.connect(action)
    return button
