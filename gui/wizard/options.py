"""What hardly anybody needs, behind a disclosure: how photos are divided, how it learns, and from what pixels."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.learning.recipes import DEFAULTS
from core.learning.request import Depth, Recipe
from gui import theme
from gui.widgets import Panel
from gui.wizard.preview import Preview

_USUAL: Final = "as the recipe says"
_DEPTHS: Final = {Depth.EXIT_FLOW: "its end (blocks 13 and 14)", Depth.WHOLE: "all of it"}


class Options(QWidget):
    """Options for those who want them.

    Attributes:
        opened: they are shown, so that the preview is wanted.
        changed: something that decides what the preview shows.
    """

    opened = Signal()
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.toggle = QToolButton()
        self.toggle.setText("Advanced options")
        self.toggle.setProperty("kind", "plain")
        self.toggle.setCheckable(True)
        self.toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.toggle.setArrowType(Qt.ArrowType.RightArrow)
        self.toggle.toggled.connect(lambda is_open: self._open(is_open=is_open))
        self.validation = _percent(15)
        self.test = _percent(15)
        self.seed = QSpinBox(minimum=0, maximum=2**31 - 1)
        self.epochs = QSpinBox(minimum=0, maximum=1000)
        self.rate = QDoubleSpinBox(minimum=0, maximum=1, decimals=5, singleStep=0.001)
        self.how_deep = QComboBox()
        for depth, text in _DEPTHS.items():
            self.how_deep.addItem(text, depth)
        self.augment = QCheckBox("Change photos a little each time they are learnt from")
        self.augment.setChecked(True)
        self.preview = Preview()
        self.epochs.setSpecialValueText(_USUAL)
        self.rate.setSpecialValueText(_USUAL)
        self.seed.valueChanged.connect(lambda _: self.changed.emit())
        self.augment.toggled.connect(lambda is_on: self.preview.show_augmentation(is_on=is_on))
        self._body: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self.toggle)

    def show_recipe(self, recipe: Recipe) -> None:
        """Dim what means nothing for a recipe."""
        is_deep = recipe is Recipe.FINE_TUNE
        for field in (self.epochs, self.rate):
            field.setEnabled(recipe.value in DEFAULTS)
        for widget in (self.how_deep, self.augment):
            widget.setEnabled(is_deep)
        self.preview.show_augmentation(is_on=self.augment.isChecked())
        self.preview.show_use(is_used=is_deep)

    @property
    def is_open(self) -> bool:
        """Whether they are shown."""
        return self.toggle.isChecked()

    def _make_body(self) -> QWidget:
        """Made when it is first wanted, which hardly ever is."""
        body = QWidget()
        form, rows = Panel(""), QFormLayout()
        form.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        form.heading.hide()
        rows.setSpacing(theme.GRID)
        for text, field in (
            ("Share of the photos to calibrate with", self.validation),
            ("Share of the photos to judge by", self.test),
            ("Seed of everything that is drawn", self.seed),
            ("Epochs", self.epochs),
            ("Learning rate", self.rate),
            ("What of the network fine-tune trains", self.how_deep),
        ):
            field.setAccessibleName(text)
            field.setMinimumWidth(168)
            if isinstance(field, QAbstractSpinBox):
                field.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)  # the arrow keys do the same
            rows.addRow(text, field)
        form.body.addLayout(rows)
        form.body.addWidget(self.augment)
        form.body.addStretch()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * theme.GRID)
        row.addWidget(form)
        row.addWidget(self.preview, 1)
        return body

    def _open(self, *, is_open: bool) -> None:
        self.toggle.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        if self._body is None:
            self._body = self._make_body()
            self._column.addWidget(self._body)
        self._body.setVisible(is_open)
        if is_open:
            self.opened.emit()


def _percent(value: int) -> QSpinBox:
    return QSpinBox(minimum=5, maximum=45, suffix=" %", value=value)
