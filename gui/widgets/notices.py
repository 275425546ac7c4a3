"""Notices: below the page, in four kinds, and the last ten in a list."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QEnterEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QPushButton, QWidget
from shiboken6 import isValid

from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from gui.tasks.notice import Action, Notice, NoticeKind
from gui.widgets import theme
from gui.widgets.accessible import give_role
from gui.widgets.announcing import announce
from gui.widgets.basic import Icon, icon_button, label, link
from gui.widgets.icons import ColorRole
from gui.widgets.layouts import Item, fill, hbox, vbox

KEPT: Final = 10
"""How many notices the list keeps."""
_MAX_VISIBLE: Final = 3
_MIN_HEIGHT: Final = 720
"""Height of the window, in pixels, below which only the newest notice is shown, to leave room for the page."""
_SECONDS: Final = {NoticeKind.SUCCESS: 8, NoticeKind.INFORMATION: 12}
"""How long a notice stays; other kinds, and information with an action, stay until they are dismissed."""
_ICONS: Final[dict[NoticeKind, tuple[str, ColorRole]]] = {
    NoticeKind.INFORMATION: ("info", "accent"),
    NoticeKind.SUCCESS: ("circle-check", "success"),
    NoticeKind.WARNING: ("triangle-alert", "warning"),
    NoticeKind.ERROR: ("circle-x", "danger"),
}
_ROLES: Final = {
    NoticeKind.INFORMATION: QAccessible.Role.Notification,
    NoticeKind.SUCCESS: QAccessible.Role.Notification,
    NoticeKind.WARNING: QAccessible.Role.AlertMessage,
    NoticeKind.ERROR: QAccessible.Role.AlertMessage,
}


@dataclass(frozen=True, slots=True, eq=False)
class KeptNotice:
    """A notice of the list, and when it was shown."""

    notice: Notice
    shown_at: datetime


class Notices(QWidget):
    """A short stack of toasts, newest first; the oldest is dropped. A low window shows only the newest.

    It has a place of its own in a layout, so that it covers no controls.

    Attributes:
        kept: the last notices, oldest first.
        changed: the list of kept notices changed.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._column = vbox(parent=self, margins=(16, 0, 16, 12), spacing=theme.GRID)
        self._toasts: list[Toast] = []
        self._wants_all = False
        self._focus_before = parent
        self.kept: deque[KeptNotice] = deque(maxlen=KEPT)
        parent.installEventFilter(self)
        QApplication.instance().focusChanged.connect(self._on_focus)  # type: ignore[union-attr]
        self.hide()

    def show_notice(
        self,
        text: str,
        kind: NoticeKind = NoticeKind.INFORMATION,
        *,
        action: Action | None = None,
        key: str = "",
    ) -> None:
        """Show a notice with one action or none; see `Notice`."""
        self.show_one(Notice(text, kind, (action,) if action else (), key))

    def show_success(self, text: str, *, action: Action | None = None, key: str = "") -> None:
        """Confirm that what the user asked for was done."""
        self.show_notice(text, NoticeKind.SUCCESS, action=action, key=key)

    def show_warning(self, text: str) -> None:
        """Show a warning."""
        self.show_notice(text, NoticeKind.WARNING)

    def show_error(self, error: FoveaError) -> None:
        """Show an error with its hint."""
        self.show_one(Notice.of(error))

    def show_one(self, notice: Notice) -> None:
        """Show a notice, replacing one with the same key or the same text."""
        for toast in [one for one in self._toasts if _is_same(one.notice, notice)]:
            self._dismiss(toast)
        for old in [one for one in self.kept if _is_same(one.notice, notice)]:
            self.kept.remove(old)
        while len(self._toasts) >= _MAX_VISIBLE:
            self._dismiss(next((one for one in self._toasts if one.leaves), self._toasts[0]))
        toast = Toast(notice, self._dismiss, self._show_all)
        self._toasts.append(toast)
        self._column.insertWidget(0, toast)
        self.kept.append(KeptNotice(notice, datetime.now()))
        self._fit()
        self._keep_time()
        self._announce(notice)
        self.changed.emit()

    def remove(self, key: str) -> None:
        """Remove the notice with this key, as it no longer applies."""
        for toast in [one for one in self._toasts if one.notice.key == key]:
            self._dismiss(toast)
        for old in [one for one in self.kept if one.notice.key == key]:
            self.kept.remove(old)
            self.changed.emit()

    def texts(self) -> list[str]:
        """The texts of all toasts, oldest first."""
        return [toast.notice.text for toast in self._toasts]

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._keep_time()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._keep_time()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize:
            self._fit()
        return super().eventFilter(watched, event)

    def _dismiss(self, toast: Toast) -> None:
        if toast not in self._toasts:  # already dismissed, but not deleted yet
            return
        if _has_focus(toast):
            (self._focus_before if isValid(self._focus_before) else self.window()).setFocus()
        self._toasts.remove(toast)
        self._column.removeWidget(toast)
        toast.timer.stop()
        toast.hide()
        toast.deleteLater()
        self._fit()

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None and new is not None and self.isAncestorOf(new) and not self.isAncestorOf(old):
            self._focus_before = old
        self._keep_time()

    def _show_all(self) -> None:
        self._wants_all = True
        self._fit()

    def _keep_time(self) -> None:
        """Let no toast leave while one is read: while the pointer or the focus is on one."""
        is_read = self.underMouse() or _has_focus(self)
        for toast in self._toasts:
            toast.keep_time(is_paused=is_read)

    def _announce(self, notice: Notice) -> None:
        """Have a screen reader read the notice out, at once if it is an error."""
        announce(self, described(notice), is_urgent=notice.kind in (NoticeKind.WARNING, NoticeKind.ERROR))

    def _fit(self) -> None:
        """Show as many toasts as the height of the window allows."""
        self._wants_all = self._wants_all and len(self._toasts) > 1
        is_low = self.window().height() < _MIN_HEIGHT and not self._wants_all
        waiting = self._toasts[:-1] if is_low else []
        for toast in self._toasts:
            toast.setHidden(toast in waiting)
            toast.more.setText(tr_n("Show {count:,} more", "Show {count:,} more", len(waiting)))
            toast.more.setVisible(bool(waiting))
        self.setVisible(bool(self._toasts))


class Toast(QFrame):
    """One notice with its buttons; its accessible name begins with its kind."""

    def __init__(self, notice: Notice, dismiss: Callable[[Toast], None], show_all: Callable[[], None]) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setProperty("kind", notice.kind.value)
        self.setAccessibleName(described(notice))
        give_role(self, _ROLES[notice.kind])
        self.notice, self._dismiss = notice, dismiss
        self.leaves = notice.kind in _SECONDS and (notice.kind is NoticeKind.SUCCESS or not notice.actions)
        self.timer = QTimer(self, singleShot=True, interval=1000 * _SECONDS.get(notice.kind, 0))
        self.timer.timeout.connect(lambda: dismiss(self))
        message = label(notice.text, wrap=True)
        message.setAccessibleName(described(notice))
        self.more = link("", show_all, name=tr("Show the other notices"))
        self.more.hide()
        offers = offered(notice, lambda: dismiss(self))
        copy = icon_button("copy", tr("Copy this notice"), lambda: QGuiApplication.clipboard().setText(notice.text))
        close = icon_button("x", tr("Dismiss this notice"), lambda: dismiss(self))
        shown: tuple[Item, ...] = notice_icon(notice.kind), fill(message), *offers, self.more, copy, close
        hbox(*shown, parent=self, margins=(12, 8, 8, 8), spacing=theme.GRID)

    def keep_time(self, *, is_paused: bool) -> None:
        """Start or stop the time after which the notice leaves, if it does."""
        if is_paused or not self.leaves:
            self.timer.stop()
        elif not self.timer.isActive():
            self.timer.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._dismiss(self)
        else:
            super().keyPressEvent(event)


def offered(notice: Notice, close: Callable[[], object]) -> list[QPushButton]:
    """Buttons for the actions of a notice; `close` is called after each."""
    buttons = [link(*action) for action in notice.actions]
    for one in buttons:
        one.clicked.connect(close)
    return buttons


def notice_icon(kind: NoticeKind) -> Icon:
    """The icon of a kind of notice."""
    return Icon(*_ICONS[kind], side=18)


def described(notice: Notice) -> str:
    """A notice as a screen reader reads it, with its kind."""
    match notice.kind:
        case NoticeKind.ERROR:
            return tr("Error: {text}", text=notice.text)
        case NoticeKind.WARNING:
            return tr("Warning: {text}", text=notice.text)
        case NoticeKind.SUCCESS:
            return tr("Done: {text}", text=notice.text)
        case NoticeKind.INFORMATION:
            return tr("Notice: {text}", text=notice.text)


def _has_focus(widget: QWidget) -> bool:
    """Whether the keyboard focus is somewhere in this widget."""
    focused = QApplication.focusWidget()
    return focused is not None and widget.isAncestorOf(focused)


def _is_same(one: Notice, other: Notice) -> bool:
    return one.text == other.text or (bool(one.key) and one.key == other.key)
