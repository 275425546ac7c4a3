"""The windows of the *Help* menu that explain the program, created when they are first opened."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMainWindow

from gui.shell.guide_window import GuideWindow
from gui.shell.shortcut_sheet import ShortcutSheet

if TYPE_CHECKING:
    from gui.convolutions.window import ConvolutionsWindow


class Help:
    """The user guide, the list of shortcuts, and the page on convolutions."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window

    @cached_property
    def guide(self) -> GuideWindow:
        """The user guide."""
        return GuideWindow(self._window)

    @cached_property
    def shortcuts(self) -> ShortcutSheet:
        """The list of shortcuts."""
        return ShortcutSheet(self._window.menuBar(), self._window)

    @cached_property
    def convolutions(self) -> ConvolutionsWindow:
        """The page *Why Xception is small*."""
        from gui.convolutions.window import ConvolutionsWindow

        return ConvolutionsWindow(self._window)
