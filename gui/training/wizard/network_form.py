"""Adding a published network as a backbone: only what exists can be chosen."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSpinBox, QWidget

from core.base.i18n import mark, tr
from core.training.networks import BACKBONES, MAX_SIDE, NETWORKS, BackboneRequest
from gui.tasks.task import Task
from gui.widgets import theme
from gui.widgets.basic import Choice, Form, button, label, show_text
from gui.widgets.files import ask_for_file
from gui.widgets.layouts import SPACE, hbox, vbox
from gui.widgets.work_strip import WorkStrip


class Weights(Enum):
    """Where the weights of a network come from."""

    DOWNLOAD = auto()
    FILE = auto()
    NONE = auto()


_WEIGHTS: Final = {
    Weights.DOWNLOAD: mark("ImageNet, downloaded by Keras"),
    Weights.FILE: mark("A file…"),
    Weights.NONE: mark("None: train from scratch"),
}
_FIRST: Final = "mobilenet-v2"
_KINDS: Final = mark("Weights of Keras (*.h5);;All files (*)")


class NetworkForm(QWidget):
    """Asks for a network, its width, its image size and its weights.

    Attributes:
        wanted: add the network of this `BackboneRequest`.
    """

    wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.network, self.alpha, self.weights = Choice(), Choice(), Choice()
        self.side = QSpinBox(suffix=tr(" pixels"))
        self.side.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self._rows = Form()
        self._rows.setSpacing(theme.GRID)
        self._rows.add_field(tr("Network"), self.network)
        self._rows.add_field(tr("Width (alpha)"), self.alpha)
        self._rows.add_field(tr("Image size"), self.side)
        self._rows.add_field(tr("Weights"), self.weights)
        self.add = button(tr("Add network"), self._submit)
        self.strip = WorkStrip(tr("Progress of adding the network"), tr("Stop adding the network"))
        self.error_text = label(kind="danger", wrap=True)
        self.error_text.hide()
        parts = self._rows, hbox(self.add, SPACE), self.strip, self.error_text
        vbox(*parts, parent=self, margins=(2 * theme.GRID, 0, 0, 2 * theme.GRID), spacing=theme.GRID)
        self.network.offer({name: NETWORKS[name].title for name in BACKBONES}, _FIRST)
        self.network.currentIndexChanged.connect(lambda: self._show_possible())
        self._show_possible()

    def show_adding(self, task: Task) -> None:
        """Show that the network is being added, and if that fails, why."""
        self.error_text.hide()
        self.add.setEnabled(False)
        self.strip.run(task, tr("Adding the network…"))
        task.failed.connect(lambda error: show_text(self.error_text, str(error)))
        task.ended.connect(lambda: self.add.setEnabled(True))

    def _show_possible(self) -> None:
        """Offer the widths, image sizes and weights that the chosen network has."""
        network = NETWORKS[self.network.currentData()]
        self.alpha.offer({alpha: f"{alpha:g}" for alpha in network.alphas}, 1.0)
        self._rows.setRowVisible(self.alpha, bool(network.alphas))
        self.side.setRange(network.min_size, MAX_SIDE)
        self.side.setValue(network.size)
        possible = {weights: tr(text) for weights, text in _WEIGHTS.items()}
        if not network.is_in_keras:
            del possible[Weights.DOWNLOAD]
        self.weights.offer(possible)

    def _submit(self) -> None:
        if self.weights.currentData() is Weights.FILE:
            ask_for_file(self, tr("Weights of the network"), tr(_KINDS), self._want)
        else:
            self._want(None)

    def _want(self, file: Path | None) -> None:
        alpha, is_untrained = self.alpha.currentData(), self.weights.currentData() is Weights.NONE
        self.wanted.emit(
            BackboneRequest(self.network.currentData(), alpha, self.side.value(), file, untrained=is_untrained)
        )
