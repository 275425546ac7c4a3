"""The rail on the left, which switches between the pages."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QPushButton, QStyle, QStyleOptionToolButton, QStylePainter, QWidget

from core.base.i18n import tr
from gui.widgets import icons, theme
from gui.widgets.layouts import SPACE, vbox

_WIDTH: Final = 88
_ICONS: Final = ("images", "folders", "boxes", "graduation-cap")


class Page(IntEnum):
    """The pages of the window, in the order of the rail."""

    PHOTOS = 0
    FOLDERS = 1
    MODELS = 2
    TRAINING = 3


class Rail(QWidget):
    """A column with one button for each page.

    Attributes:
        buttons: the buttons, in the order of the pages.
    """

    def __init__(self, places: Sequence[QAction], parent: QWidget) -> None:
        """`places` are the actions that show the pages."""
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAccessibleName(tr("Pages"))
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(_WIDTH)
        self._group = QButtonGroup(self)
        self.buttons = [_PageButton(*place) for place in zip(places, _ICONS, strict=True)]
        for number, one in enumerate(self.buttons):
            self._group.addButton(one, number)
        vbox(*self.buttons, SPACE, parent=self, margins=(8, 12, 8, 12), spacing=theme.GRID)
        self.show_page(Page.PHOTOS)

    def show_page(self, page: Page) -> None:
        """Check the button of this page."""
        self._group.button(page).setChecked(True)


class _PageButton(QPushButton):
    """A push button painted like a tool button: for screen readers a tool button would be a checkbox."""

    def __init__(self, action: QAction, icon: str) -> None:
        super().__init__(action.text().replace("&", ""))
        self.setProperty("kind", "place")
        self.setCheckable(True)
        self.setAutoExclusive(True)  # so that screen readers take it for a radio button
        self.setToolTip(action.shortcut().toString())
        self.setIcon(icons.icon(icon, "muted", checked="accent"))
        self.setIconSize(QSize(24, 24))
        self.setFixedSize(_WIDTH - 16, 60)
        self.clicked.connect(action.trigger)

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionToolButton()
        option.initFrom(self)
        option.text, option.icon, option.iconSize = self.text(), self.icon(), self.iconSize()
        option.toolButtonStyle = Qt.ToolButtonStyle.ToolButtonTextUnderIcon
        option.subControls = QStyle.SubControl.SC_ToolButton
        option.font = self.font()
        option.state |= QStyle.StateFlag.State_On if self.isChecked() else QStyle.StateFlag.State_Off
        if self.isDown():
            option.state |= QStyle.StateFlag.State_Sunken
        QStylePainter(self).drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)
