"""One way to build a convolution: its weights against a plain one's, its diagram, its steps, and why it is built so."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QRadioButton, QWidget

from core.base.i18n import tr
from gui.convolutions import step_text
from gui.convolutions.block_list import tab_to_checked
from gui.convolutions.diagram import BlockDiagram
from gui.convolutions.kinds import EXPLANATIONS, ORDERS, TITLES, BlockKind, Setup
from gui.widgets import theme
from gui.widgets.basic import PropertyList, label
from gui.widgets.layouts import SPACE, hbox, vbox


class OrderChoice(QWidget):
    """The two orders of a separable convolution's halves, with the weights of each.

    Attributes:
        changed: the user chose whether the pointwise half is first.
    """

    changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.depthwise_first, self.pointwise_first = QRadioButton(), QRadioButton()
        self._group = QButtonGroup(self)
        for one in (self.depthwise_first, self.pointwise_first):
            self._group.addButton(one)
            one.clicked.connect(lambda: self.changed.emit(self.pointwise_first.isChecked()))
        rows = hbox(self.depthwise_first, self.pointwise_first, SPACE, spacing=2 * theme.GRID)
        vbox(label(tr("Order of the two halves"), "number"), rows, label(tr(ORDERS), "muted", wrap=True), parent=self,
             spacing=theme.GRID // 2)  # fmt: skip

    def show_setup(self, setup: Setup) -> None:
        """Show the weights of both orders, and which is chosen."""
        (self.pointwise_first if setup.pointwise_first else self.depthwise_first).setChecked(True)
        for is_first, choice in ((False, self.depthwise_first), (True, self.pointwise_first)):
            block = replace(setup, pointwise_first=is_first).block(BlockKind.SEPARABLE)
            choice.setText(_order_text(block.weights, pointwise_first=is_first))
        tab_to_checked(self._group)


def _order_text(weights: int, *, pointwise_first: bool) -> str:
    if pointwise_first:
        return tr("Pointwise first (paper): {weights:,}", weights=weights)
    return tr("Depthwise first: {weights:,}", weights=weights)


class BlockView(QFrame):
    """Shows the chosen block."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.heading, self.verdict = label(kind="heading"), label(wrap=True)
        self.explanation = label(wrap=True)
        self.diagram, self.steps, self.orders = BlockDiagram(), PropertyList(), OrderChoice()
        legend = label(tr(
            "Each column is a stack of channels. Crossing lines mix channels; parallel lines keep them apart. "
            "Squares are the pixels that a kernel looks at."), "muted", wrap=True)  # fmt: skip
        parts = (self.heading, self.verdict, self.diagram, legend, self.steps, self.explanation, self.orders, SPACE)
        vbox(*parts, parent=self, margins=(16, 12, 16, 16), spacing=theme.GRID)

    def show_setup(self, setup: Setup) -> None:
        block, plain = setup.block(setup.kind), setup.block(BlockKind.PLAIN)
        title = tr(TITLES[setup.kind])
        self.heading.setText(tr("{title}: {weights:,} weights", title=title, weights=block.weights))
        self.verdict.setText(verdict(block.weights, plain.weights, is_plain=setup.kind is BlockKind.PLAIN))
        self.diagram.show_block(title, block)
        rows = [(step_text.title(step), step_text.product(step)) for step in block.steps]
        total = [(tr("Together"), step_text.formula(block))] if len(rows) > 1 else []
        self.steps.show_properties([*rows, *total])
        self.explanation.setText(tr(EXPLANATIONS[setup.kind]))
        self.orders.setVisible(setup.kind is BlockKind.SEPARABLE)
        self.orders.show_setup(setup)


def verdict(weights: int, plain: int, *, is_plain: bool) -> str:
    """How a block compares with a plain convolution, as a sentence."""
    if is_plain:
        return tr("What the others are compared with.")
    if weights > plain:
        return tr("{factor:.2f} times as many as the {plain:,} of a plain convolution.", factor=weights / plain,
                  plain=plain)  # fmt: skip
    return tr("{part:.1%} of the {plain:,} of a plain convolution: {factor:.1f} times fewer.", part=weights / plain,
              plain=plain, factor=plain / weights)  # fmt: skip
