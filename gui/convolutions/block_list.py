"""The ways to build a convolution, each with its weights as a number and a bar, to choose one of them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QRadioButton, QWidget

from core.base.i18n import tr
from gui.convolutions.kinds import TITLES, BlockKind, Setup
from gui.widgets import theme
from gui.widgets.basic import Bar, label, restyle
from gui.widgets.layouts import fill, hbox, vbox

_PADDING: Final = (12, 6, 12, 10)


class BlockRow(QFrame):
    """One way to build it; a click anywhere chooses it."""

    def __init__(self, kind: BlockKind) -> None:
        super().__init__()
        self.setObjectName("card")
        self._title = tr(TITLES[kind])
        self.choice = QRadioButton(self._title)
        self.weights, self.bar = label(kind="number"), Bar()
        self.weights.setTextInteractionFlags(self.weights.textInteractionFlags().NoTextInteraction)
        head = hbox(fill(self.choice), self.weights, spacing=theme.GRID)
        vbox(head, self.bar, parent=self, margins=_PADDING, spacing=4)

    def show_weights(self, weights: int, most: int) -> None:
        """Show this number of weights, as a part of the largest."""
        self.weights.setText(f"{weights:,}")
        self.bar.show_fraction(weights / most, is_strong=self.choice.isChecked())
        self.choice.setAccessibleName(tr("{title}: {weights:,} weights", title=self._title, weights=weights))
        restyle(self, "chosen", self.choice.isChecked())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.choice.click()
            self.choice.setFocus(Qt.FocusReason.MouseFocusReason)


class BlockList(QWidget):
    """All of them.

    Attributes:
        chosen: the user chose this kind of block.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Ways to build a convolution"))
        self.rows = {kind: BlockRow(kind) for kind in BlockKind}
        self._group = QButtonGroup(self)
        for kind, row in self.rows.items():
            self._group.addButton(row.choice)
            row.choice.clicked.connect(lambda _, kind=kind: self.chosen.emit(kind))
        vbox(*self.rows.values(), parent=self, spacing=theme.GRID // 2)

    def show_setup(self, setup: Setup) -> None:
        """Show the weights of each, and which is chosen."""
        weights = {kind: setup.block(kind).weights for kind in BlockKind}
        self.rows[setup.kind].choice.setChecked(True)
        for kind, row in self.rows.items():
            row.show_weights(weights[kind], max(weights.values()))
        tab_to_checked(self._group)


def tab_to_checked(group: QButtonGroup) -> None:
    """Let Tab lead to the button of a group that is checked; Qt does so only once one of them had the focus."""
    for one in group.buttons():
        one.setFocusPolicy(Qt.FocusPolicy.StrongFocus if one.isChecked() else Qt.FocusPolicy.ClickFocus)
