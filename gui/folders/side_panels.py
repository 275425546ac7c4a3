"""A splitter whose side panels are shown while there is room, or as the user chose."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

_LEFT_FROM: Final = 960
_RIGHT_FROM: Final = 700
"""Minimum widths, in pixels, for showing these panels unless the user chose otherwise; the right one comes first."""


class SidePanels(QSplitter):
    """Shows a panel on each side of a widget.

    Attributes:
        panels_changed: a panel was shown or hidden.
    """

    panels_changed = Signal()

    def __init__(self, left: QWidget, middle: QWidget, right: QWidget, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._left, self._right = left, right
        self._wanted: dict[QWidget, bool] = {}
        for widget, width in ((left, 264), (middle, 240), (right, 280)):
            self.addWidget(widget)
            widget.setMinimumWidth(width)
        self.setSizes([264, 700, 320])
        self.setStretchFactor(1, 1)
        self.setChildrenCollapsible(False)

    def show_panel(self, panel: QWidget, *, shown: bool) -> None:
        """Show or hide one of the panels, whatever the width."""
        self._wanted[panel] = shown
        self._fit()

    def toggle(self, panel: QWidget) -> None:
        """Show one of the panels if it is hidden, and hide it otherwise."""
        self.show_panel(panel, shown=panel.isHidden())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show the panels that fit; in a narrow page, only those that the user asked for."""
        has_left = self._wanted.get(self._left, self.width() >= _LEFT_FROM)
        has_right = self._wanted.get(self._right, self.width() >= (_LEFT_FROM if has_left else _RIGHT_FROM))
        for panel, shown in ((self._left, has_left), (self._right, has_right)):
            if panel.isHidden() == shown:
                panel.setVisible(shown)
                QTimer.singleShot(0, self, self.panels_changed.emit)
