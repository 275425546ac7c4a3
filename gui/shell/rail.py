"""The rail on the left, which switches between the pages."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QButtonGroup, QWidget

from gui.widgets import icons, theme
from gui.widgets.basic import ToolButton
from gui.widgets.layouts import SPACE, vbox

_WIDTH: Final = 88


class Page(IntEnum):
    """The pages of the window, in the order of the rail."""

    PHOTOS = 0
    FOLDERS = 1
    MODELS = 2
    TRAINING = 3


class Rail(QWidget):
    """A column with one button for each page."""

    def __init__(self, places: Sequence[tuple[QAction, str]], parent: QWidget) -> None:
        """`places` are the actions that show the pages, each with the name of its icon."""
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(_WIDTH)
        self._group = QButtonGroup(self)
        buttons = [self._button(number, *place) for number, place in enumerate(places)]
        vbox(*buttons, SPACE, parent=self, margins=(8, 12, 8, 12), spacing=theme.GRID)
        self.show_page(Page.PHOTOS)

    def show_page(self, page: Page) -> None:
        """Check the button of this page."""
        self._group.button(page).setChecked(True)

    def _button(self, number: int, action: QAction, icon: str) -> ToolButton:
        button = ToolButton("place")
        button.setCheckable(True)
        button.setText(action.text().replace("&", ""))
        button.setToolTip(action.shortcut().toString())
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIcon(icons.icon(icon, "muted", checked="accent"))
        button.setIconSize(QSize(24, 24))
        button.setFixedSize(_WIDTH - 16, 60)
        button.clicked.connect(action.trigger)
        self._group.addButton(button, number)
        return button
