"""Notices in the window: errors and information, shown until dismissed; each can be copied."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QToolButton, QWidget

from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from gui.widgets import icons, theme
from gui.widgets.basic import Icon, button, label
from gui.widgets.layouts import TOP, Placed, fill, hbox, vbox

_MAX_VISIBLE: Final = 3
_MIN_HEIGHT: Final = 720
"""Height of the window, in pixels, below which only the newest notice is shown, to leave room for the page."""


class Notices(QWidget):
    """A short stack of notices, newest first; the oldest is dropped. A low window shows only the newest."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._column = vbox(parent=self, margins=(16, 8, 16, 0), spacing=theme.GRID)
        self._shown: list[_Notice] = []
        self._wants_all = False
        parent.installEventFilter(self)
        self.hide()

    def show_notice(self, text: str, *, action: tuple[str, Callable[[], object]] | None = None) -> None:
        """Show a notice, replacing one with the same text; `action` is the text and the function of a button."""
        for known in [notice for notice in self._shown if notice.text == text]:
            self._dismiss(known)
        while len(self._shown) >= _MAX_VISIBLE:
            self._dismiss(self._shown[0])
        notice = _Notice(text, action, self._dismiss, self._show_all)
        self._shown.append(notice)
        self._column.insertWidget(0, notice)
        self._fit()

    def show_error(self, error: FoveaError) -> None:
        """Show an error with its hint."""
        self.show_notice(str(error))

    def texts(self) -> list[str]:
        """The texts of all notices, oldest first."""
        return [notice.text for notice in self._shown]

    def _dismiss(self, notice: _Notice) -> None:
        if notice not in self._shown:  # already dismissed, but not deleted yet
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
        """Show as many notices as the height of the window allows."""
        self._wants_all = self._wants_all and len(self._shown) > 1
        is_low = self.window().height() < _MIN_HEIGHT and not self._wants_all
        waiting = self._shown[:-1] if is_low else []
        for notice in self._shown:
            notice.setHidden(notice in waiting)
            notice.more.setText(tr_n("Show {count:,} more", "Show {count:,} more", len(waiting)))
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
        message = label(text, wrap=True)
        message.setAccessibleName(tr("Notice: {text}", text=text))
        self.more = button("", show_all, kind="link", name=tr("Show the other notices"))
        self.more.hide()
        links = [self.more]
        if action is not None:
            offer = button(*action, kind="link")
            offer.clicked.connect(lambda: dismiss(self))
            links.insert(0, offer)
        copy = _icon_button("copy", tr("Copy this notice"), lambda: QGuiApplication.clipboard().setText(text))
        close = _icon_button("x", tr("Dismiss this notice"), lambda: dismiss(self))
        icon = Placed(Icon("triangle-alert", "warning", 18), alignment=TOP)
        hbox(icon, fill(message), *links, copy, close, parent=self, margins=(12, 8, 8, 8))


def _icon_button(name: str, title: str, action: Callable[[], object]) -> QToolButton:
    button = QToolButton()
    button.setProperty("kind", "plain")
    button.setIcon(icons.icon(name, "text"))
    button.setToolTip(title)
    button.setAccessibleName(title)
    button.clicked.connect(action)
    return button
