"""What hardly anybody needs, behind a disclosure: how photos are divided, how it learns, and from what pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.training.recipe_defaults import DEFAULTS
from core.training.request import Depth, Recipe
from gui.training.wizard.preview import Preview
from gui.widgets import theme
from gui.widgets.basic import Choice, Panel

_DEFAULTS: Final = "as the recipe says"
_DEPTHS: Final = {Depth.EXIT_FLOW: "its last 2 blocks", Depth.WHOLE: "all of it"}


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """What is chosen; what the program proposes where nothing is.

    Attributes:
        validation: share of the photos to calibrate with, 0..1.
        test: share of them to judge by, 0..1.
        seed: of everything that is drawn.
        epochs: None for what the recipe takes by itself.
        learning_rate: likewise.
        depth: of fine-tune.
        augment: of fine-tune, whether photos are changed at random each time they are learnt from.
    """

    validation: float = 0.15
    test: float = 0.15
    seed: int = 0
    epochs: int | None = None
    learning_rate: float | None = None
    depth: Depth = Depth.EXIT_FLOW
    augment: bool = True


class Options(QWidget):
    """Options for those who want them; their fields are made when they are first wanted, which hardly ever happens.

    Attributes:
        opened: they are shown, so that the preview is wanted.
        changed: something that decides what the preview shows.
        others_wanted: the preview is to show other photos.
    """

    opened = Signal()
    changed = Signal()
    others_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.toggle = QToolButton()
        self.toggle.setText("Advanced options")
        self.toggle.setProperty("kind", "plain")
        self.toggle.setCheckable(True)
        self.toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.toggle.setArrowType(Qt.ArrowType.RightArrow)
        self.toggle.toggled.connect(lambda is_open: self._open(is_open=is_open))
        self._recipe = Recipe.QUICK
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self.toggle)

    @cached_property
    def fields(self) -> Fields:
        """What can be chosen, and what it comes to."""
        result = Fields(TrainingOptions())
        result.seed.valueChanged.connect(self.changed)
        result.preview.others_wanted.connect(self.others_wanted)
        result.show_recipe(self._recipe)
        result.hide()
        self._column.addWidget(result)
        return result

    @property
    def chosen(self) -> TrainingOptions:
        """What is chosen."""
        return self.fields.chosen if self._is_made else TrainingOptions()

    def show_recipe(self, recipe: Recipe) -> None:
        """Dim what means nothing for a recipe."""
        self._recipe = recipe
        if self._is_made:
            self.fields.show_recipe(recipe)

    @property
    def is_open(self) -> bool:
        """Whether they are shown."""
        return self.toggle.isChecked()

    @property
    def _is_made(self) -> bool:
        return "fields" in self.__dict__

    def _open(self, *, is_open: bool) -> None:
        self.toggle.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.fields.setVisible(is_open)
        if is_open:
            self.opened.emit()


class Fields(QWidget):
    """The options themselves, and beside them what the network sees."""

    def __init__(self, chosen: TrainingOptions) -> None:
        super().__init__()
        self.validation, self.test = _percent(chosen.validation), _percent(chosen.test)
        self.seed = QSpinBox(minimum=0, maximum=2**31 - 1, value=chosen.seed)
        self.epochs = QSpinBox(minimum=0, maximum=1000)
        self.rate = QDoubleSpinBox(minimum=0, maximum=1, decimals=5, singleStep=0.001)
        for field in (self.epochs, self.rate):
            field.setSpecialValueText(_DEFAULTS)
        self.how_deep = Choice()
        for depth, text in _DEPTHS.items():
            self.how_deep.addItem(text, depth)
        self.augment = QCheckBox("Change photos a little each time they are learnt from")
        self.augment.setChecked(chosen.augment)
        self.preview = Preview()
        self.augment.toggled.connect(lambda is_on: self.preview.show_augmentation(is_on=is_on))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * theme.GRID)
        row.addWidget(self._make_form())
        row.addWidget(self.preview, 1)

    @property
    def chosen(self) -> TrainingOptions:
        """What stands in them."""
        return TrainingOptions(
            validation=self.validation.value() / 100,
            test=self.test.value() / 100,
            seed=self.seed.value(),
            epochs=self.epochs.value() or None,
            learning_rate=self.rate.value() or None,
            depth=self.how_deep.currentData(),
            augment=self.augment.isChecked(),
        )

    def show_recipe(self, recipe: Recipe) -> None:
        """Dim what means nothing for a recipe."""
        is_deep = recipe is Recipe.FINE_TUNE
        for field in (self.epochs, self.rate):
            field.setEnabled(recipe.value in DEFAULTS)
        for widget in (self.how_deep, self.augment):
            widget.setEnabled(is_deep)
        self.preview.show_augmentation(is_on=self.augment.isChecked())
        self.preview.show_use(is_used=is_deep)

    def _make_form(self) -> Panel:
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
        return form


def _percent(fraction: float) -> QSpinBox:
    return QSpinBox(minimum=5, maximum=45, suffix=" %", value=round(100 * fraction))
