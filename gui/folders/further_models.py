"""The choice of further models for a job, beside its first one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtWidgets import QSizePolicy, QWidget

from core.base.i18n import tr
from core.models.values import InstalledModel
from gui.widgets import theme
from gui.widgets.basic import CheckBox, label
from gui.widgets.flow import FlowRow
from gui.widgets.layouts import SPACE, fill, hbox, vbox

_DROP: Final = 5
"""How far the caption is below the top, in pixels, so that it is level with the checkboxes."""


class FurtherModels(QWidget):
    """A checkbox for each model but the first one; hidden if there is no other.

    Attributes:
        boxes: the checkboxes by the names of the models.
    """

    def __init__(self, caption_width: int) -> None:
        super().__init__()
        self.boxes: dict[str, CheckBox] = {}
        self._row = FlowRow(spacing=2 * theme.GRID)
        self._about = label(tr("Filters, labels, review and sorting go by the model above."), kind="muted", wrap=True)
        caption, choices = label(tr("Also ask"), "muted"), QWidget()
        caption.setFixedWidth(caption_width)
        choices.setLayout(self._row)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        choices.setSizePolicy(policy)
        column = vbox(choices, self._about, spacing=4)
        hbox(vbox(_DROP, caption, SPACE), fill(column), parent=self, spacing=16)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the chosen models."""
        return tuple(name for name, box in self.boxes.items() if box.isEnabled() and box.isChecked())

    def show_models(self, installed: Mapping[str, InstalledModel], first: str) -> None:
        """Offer these models, without the first one."""
        for name in installed:
            if name not in self.boxes:
                self._add(name)
        for name, box in self.boxes.items():
            box.setText(installed[name].card.title.replace("&", "&&") if name in installed else name)
            box.setEnabled(name in installed and name != first)
            box.setVisible(box.isEnabled())
        self.setVisible(any(box.isEnabled() for box in self.boxes.values()))
        self._show_about()

    def _add(self, name: str) -> None:
        box = self.boxes[name] = CheckBox("")
        box.toggled.connect(self._show_about)
        self._row.addWidget(box)

    def _show_about(self) -> None:
        self._about.setVisible(bool(self.names))
