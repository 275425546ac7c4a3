"""The last notices in a list, opened by a button."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtWidgets import QFrame, QWidget

from core.base.i18n import tr
from gui.widgets import icons, theme
from gui.widgets.basic import ScrollColumn, ToolButton, label
from gui.widgets.layouts import SPACE, TOP, Placed, fill, hbox, vbox
from gui.widgets.notices import KeptNotice, Notices, described, notice_icon, offered

_MIN_SIZE: Final = QSize(440, 120)
_MAX_SIZE: Final = QSize(440, 400)


class NoticesButton(ToolButton):
    """A bell that opens the list of the last notices; disabled while there is none."""

    def __init__(self, notices: Notices) -> None:
        super().__init__()
        self._notices = notices
        self.popup: QFrame | None = None
        self.setIcon(icons.icon("bell", "muted"))
        self.setToolTip(tr("Recent notices"))
        self.setAccessibleName(tr("Recent notices"))
        self.clicked.connect(self.open)
        notices.changed.connect(self._show_state)
        self._show_state()

    def open(self) -> None:
        """Show the list above the button, newest first; Escape and a click elsewhere close it."""
        self.popup = _popup(self._notices, self.window())
        size = self.popup.sizeHint().expandedTo(_MIN_SIZE)
        size = size.boundedTo(_MAX_SIZE).boundedTo(self.window().size() - QSize(4 * theme.GRID, 12 * theme.GRID))
        corner = self.mapToGlobal(QPoint(self.width(), 0))
        self.popup.setGeometry(corner.x() - size.width(), corner.y() - size.height(), size.width(), size.height())
        self.popup.show()

    def _show_state(self) -> None:
        self.setEnabled(bool(self._notices.kept))


def _popup(notices: Notices, parent: QWidget) -> QFrame:
    popup = QFrame(parent, Qt.WindowType.Popup)
    popup.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    popup.setObjectName("palette")
    popup.setAccessibleName(tr("Recent notices"))
    column = ScrollColumn(tr("Recent notices"))
    texts = [_row(kept, popup) for kept in reversed(notices.kept)] or [label(tr("No notices yet."), "muted")]
    rows = column.show_column(*texts, SPACE)
    height = rows.heightForWidth(_MIN_SIZE.width() - 6 * theme.GRID)
    column.setMinimumHeight(max(0, min(height, _MAX_SIZE.height() - 80)))
    vbox(label(tr("Recent notices"), "heading"), fill(column), parent=popup, margins=16, spacing=theme.GRID)
    return popup


def _row(kept: KeptNotice, popup: QFrame) -> QWidget:
    """A notice with its time and its action."""
    row, notice = QWidget(), kept.notice
    message = label(notice.text, wrap=True)
    message.setAccessibleName(described(notice))
    time = label(tr("{time:%H:%M}", time=kept.shown_at), "muted")
    texts = vbox(message, hbox(time, SPACE, *offered(notice, popup.close)), spacing=0)
    hbox(Placed(notice_icon(notice.kind), alignment=TOP), fill(texts), parent=row, margins=(0, 4, 0, 4), spacing=12)
    return row
