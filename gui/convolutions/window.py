"""The window *Why Xception is small*."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from core.architectures import networks
from core.base.i18n import tr
from gui.convolutions.block_list import BlockList
from gui.convolutions.block_view import BlockView
from gui.convolutions.choices import Choices
from gui.convolutions.kinds import EXAMPLES, Setup
from gui.widgets import theme
from gui.widgets.announcing import announce
from gui.widgets.basic import ScrollColumn, label
from gui.widgets.layouts import SPACE, Placed, fill, hbox, vbox
from gui.widgets.second_window import SecondWindow

_LIST_WIDTHS: Final = (288, 320)
"""The least and the most, in pixels."""


class ConvolutionsWindow(SecondWindow):
    """Shows what each way of building a convolution costs, for the kernel and the channels that the user chooses."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(tr("Why Xception is small"), "convolutions", QSize(1080, 760), QSize(720, 480), parent)
        self.setup = EXAMPLES[0]
        self.choices, self.list, self.view = Choices(self.setup), BlockList(), BlockView()
        self.choices.changed.connect(self._show)
        self.list.chosen.connect(lambda kind: self._show(replace(self.setup, kind=kind)))
        self.view.orders.changed.connect(self._on_order)
        self._lay_out()
        self._show(self.setup)

    def _lay_out(self) -> None:
        head = vbox(label(self.windowTitle(), "title"), label(_introduction(), wrap=True), spacing=theme.GRID // 2)
        left, right = ScrollColumn(tr("Ways to build a convolution")), ScrollColumn(tr("The chosen block"))
        left.show_column(self.list, SPACE)
        left.setMinimumWidth(_LIST_WIDTHS[0])
        left.setMaximumWidth(_LIST_WIDTHS[1])
        right.show_column(fill(self.view))
        body = hbox(Placed(left, 2), Placed(right, 3), spacing=theme.GRID)
        vbox(head, self.choices, Placed(body, 1), parent=self, margins=2 * theme.GRID, spacing=theme.GRID * 3 // 2)

    def _on_order(self, pointwise_first: bool) -> None:  # noqa: FBT001 - a signal's argument
        self._show(replace(self.setup, pointwise_first=pointwise_first))

    def _show(self, setup: Setup) -> None:
        is_new = setup != self.setup
        self.setup = setup
        self.choices.show_setup(setup)
        self.list.show_setup(setup)
        self.view.show_setup(setup)
        if is_new:
            announce(self, f"{self.view.heading.text()}. {self.view.verdict.text()}")


def _introduction() -> str:
    """What the separable convolutions save in Xception as a whole."""
    xception = networks.xception()
    return tr(
        "A convolution looks for patterns across pixels and across channels; Xception separates the two. It has "
        "{weights:.1f} million weights. With plain convolutions, it would have {plain:.1f} million.",
        weights=xception.weights / 1e6,
        plain=(xception.weights + xception.separable_savings) / 1e6,
    )
