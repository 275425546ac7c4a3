"""Adding a published network as a backbone: only what exists can be chosen."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QSpinBox, QWidget

from core.base.errors import FoveaError
from core.base.i18n import mark, tr
from core.training.networks import BACKBONES, MAX_SIDE, NETWORKS, BackboneRequest
from gui.widgets import theme
from gui.widgets.basic import Choice, button, label, show_text
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
        cancel_wanted: cancel adding it.
    """

    wanted = Signal(object)
    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.network, self.alpha, self.weights = Choice(), Choice(), Choice()
        self.side = QSpinBox(suffix=tr(" pixels"))
        self.side.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self._rows = QFormLayout()
        self._rows.setSpacing(theme.GRID)
        for text, field in (
            (tr("Network"), self.network),
            (tr("Width (alpha)"), self.alpha),
            (tr("Image size"), self.side),
            (tr("Weights"), self.weights),
        ):
            field.setAccessibleName(text)
            caption = label(text)
            caption.setMinimumHeight(field.sizeHint().height())  # so that their middles are level
            caption.setBuddy(field)
            self._rows.addRow(caption, field)
        self.add = button(tr("Add network"), self._submit)
        self.strip = WorkStrip(tr("Progress of adding the network"), tr("Stop adding the network"))
        self.strip.cancel_wanted.connect(self.cancel_wanted)
        self.error_text = label(kind="danger", wrap=True)
        self.error_text.hide()
        parts = self._rows, hbox(self.add, SPACE), self.strip, self.error_text
        vbox(*parts, parent=self, margins=(2 * theme.GRID, 0, 0, 2 * theme.GRID), spacing=theme.GRID)
        for name in BACKBONES:
            self.network.addItem(NETWORKS[name].title, name)
        self.network.currentIndexChanged.connect(lambda: self._show_possible())
        self.network.setCurrentIndex(self.network.findData(_FIRST))

    def begin(self) -> None:
        """Show that the network is being added."""
        self.error_text.hide()
        self.add.setEnabled(False)
        self.strip.begin(tr("Adding the network…"))

    def end(self, error: FoveaError | None = None) -> None:
        """Show that it was added, or why not."""
        self.add.setEnabled(True)
        self.strip.end()
        show_text(self.error_text, "" if error is None else str(error))

    def _show_possible(self) -> None:
        """Offer the widths, image sizes and weights that the chosen network has."""
        network = NETWORKS[self.network.currentData()]
        self.alpha.clear()
        for alpha in network.alphas:
            self.alpha.addItem(f"{alpha:g}", alpha)
        self.alpha.setCurrentIndex(self.alpha.findData(1.0))
        self._rows.setRowVisible(self.alpha, bool(network.alphas))
        self.side.setRange(network.min_size, MAX_SIDE)
        self.side.setValue(network.size)
        self.weights.clear()
        for weights, text in _WEIGHTS.items():
            if network.is_in_keras or weights is not Weights.DOWNLOAD:
                self.weights.addItem(tr(text), weights)

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
