"""Second step: the model's name, and which recipe, each with how long it would take on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QRadioButton,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.learning.recipes import DEFAULTS
from core.learning.request import Recipe
from core.services.training_messages import Forecasted
from gui import theme
from gui.widgets import Panel, label
from gui.wizard.durations import duration

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_TITLES: Final[Mapping[Recipe, str]] = {
    Recipe.QUICK: "Quick",
    Recipe.DENSE: "Dense",
    Recipe.FINE_TUNE: "Fine-tune",
}
_TEXTS: Final[Mapping[Recipe, str]] = {
    Recipe.QUICK: "Learns on top of what the network sees already. Right for most photos, and can be repeated at once.",
    Recipe.DENSE: "A small network of two hidden layers on the same. Worth a try where classes are hard to draw apart.",
    Recipe.FINE_TUNE: "Teaches the network itself to see anew, from photos cropped, turned and recoloured. Takes long.",
}
_MEASURING: Final = "measuring this machine …"
_USUAL: Final = "as the recipe says"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the person wants.

    Attributes:
        name: of the model.
        recipe: how it is trained.
        validation: share of the photos to calibrate with, 0..1.
        test: share of them to judge by, 0..1.
        seed: of everything that is drawn.
        epochs: None for what the recipe takes by itself.
        learning_rate: likewise.
    """

    name: str
    recipe: Recipe
    validation: float
    test: float
    seed: int
    epochs: int | None
    learning_rate: float | None


class HowStep(QWidget):
    """Asks how.

    Attributes:
        changed: whether one can go on may have changed.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the model")
        self.name.textChanged.connect(self._check_name)
        self._name_trouble = label(kind="danger", wrap=True)
        self.cards = {recipe: _Card(recipe) for recipe in Recipe}
        self._group = QButtonGroup(self)
        for card in self.cards.values():
            self._group.addButton(card.choice)
        self.cards[Recipe.QUICK].choice.setChecked(True)
        self._group.buttonToggled.connect(lambda: self._show_recipe())
        self.options = _Options()
        self._lay_out()
        self._show_recipe()

    def suggest(self, folder_name: str) -> None:
        """Propose a name from a folder's, unless the person wrote one."""
        if not self.name.isModified():
            plain = re.sub(r"[^a-z0-9]+", "-", folder_name.lower()).strip("-")[:63].strip("-")
            self.name.setText(plain or "my-model")

    def show_forecast(self, forecast: Forecasted) -> None:
        """Show how long a recipe would take, or why it cannot run."""
        self.cards[forecast.recipe].show_forecast(forecast)
        if forecast.error is not None and self.recipe is forecast.recipe:
            self.cards[Recipe.QUICK].choice.setChecked(True)
        self.changed.emit()

    def begin_forecast(self) -> None:
        """Show that it is being measured."""
        for card in self.cards.values():
            card.wait()

    @property
    def recipe(self) -> Recipe:
        """The recipe that is chosen."""
        return next(recipe for recipe, card in self.cards.items() if card.choice.isChecked())

    @property
    def plan(self) -> Plan:
        """What the person wants."""
        options = self.options
        return Plan(
            name=self.name.text(),
            recipe=self.recipe,
            validation=options.validation.value() / 100,
            test=options.test.value() / 100,
            seed=options.seed.value(),
            epochs=options.epochs.value() or None,
            learning_rate=options.rate.value() or None,
        )

    @property
    def can_go_on(self) -> bool:
        """Whether a training can begin."""
        return _NAME.fullmatch(self.name.text()) is not None and self.cards[self.recipe].can_run

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.GRID)
        naming = QHBoxLayout()
        title = label("Name of the model", "heading")
        title.setBuddy(self.name)
        self.name.setMaximumWidth(320)
        naming.addWidget(title)
        naming.addWidget(self.name)
        naming.addWidget(self._name_trouble, 1)
        naming.addStretch()
        column.addLayout(naming)
        cards = QHBoxLayout()
        cards.setSpacing(2 * theme.GRID)
        for card in self.cards.values():
            cards.addWidget(card, 1)
        column.addLayout(cards)
        column.setStretchFactor(cards, 0)
        column.addWidget(self.options)
        column.addStretch()

    def _check_name(self, text: str) -> None:
        is_good = _NAME.fullmatch(text) is not None
        self._name_trouble.setText("" if is_good else "Small letters, digits and hyphens, such as “my-birds”.")
        self.changed.emit()

    def _show_recipe(self) -> None:
        for card in self.cards.values():
            card.show_choice()
        self.options.show_recipe(self.recipe)
        self.changed.emit()


class _Card(QFrame):
    """One recipe; a click anywhere chooses it."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.can_run = True
        self.choice = QRadioButton(_TITLES[recipe])
        self.choice.setProperty("kind", "heading")
        self.time = label(_MEASURING, "number", wrap=True)
        self._basis = label(kind="muted", wrap=True)
        text = label(_TEXTS[recipe], wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(theme.GRID)
        for widget in (self.choice, text, self.time, self._basis):
            widget.installEventFilter(self)
            column.addWidget(widget)
        column.addStretch()
        self.choice.setAccessibleDescription(_TEXTS[recipe])

    def wait(self) -> None:
        """Show that its time is being measured."""
        self.time.setText(_MEASURING)
        self._basis.setText("")

    def show_forecast(self, forecast: Forecasted) -> None:
        """Show its time, or what is missing and how to get it."""
        self.can_run = forecast.error is None
        self.choice.setEnabled(self.can_run)
        if forecast.error is not None:
            self.time.setText(forecast.error.what)
            self._basis.setText(forecast.error.hint)
        elif forecast.seconds is not None:
            self.time.setText(f"about {duration(forecast.seconds)}")
            self._basis.setText(forecast.basis)
        self.choice.setAccessibleDescription(f"{self.time.text()}. {self._basis.text()}")

    def show_choice(self) -> None:
        """Stand out where it is chosen."""
        self.setProperty("chosen", self.choice.isChecked())
        self.style().polish(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.choice.isEnabled():
            self.choice.setChecked(True)
            self.choice.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A click on its texts is a click on the card, too."""
        if (
            event.type() is QEvent.Type.MouseButtonPress
            and watched is not self.choice
            and isinstance(event, QMouseEvent)
        ):
            self.mousePressEvent(event)
        return False


class _Options(QWidget):
    """What hardly anybody needs, behind a disclosure."""

    def __init__(self) -> None:
        super().__init__()
        self._toggle = QToolButton()
        self._toggle.setText("Advanced options")
        self._toggle.setProperty("kind", "plain")
        self._toggle.setCheckable(True)
        self._toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._toggle.setArrowType(Qt.ArrowType.RightArrow)
        self._toggle.toggled.connect(lambda is_open: self._open(is_open=is_open))
        self.validation = _percent(15, "Share to calibrate with")
        self.test = _percent(15, "Share to judge by")
        self.seed = QSpinBox(minimum=0, maximum=2**31 - 1)
        self.epochs = QSpinBox(minimum=0, maximum=1000)
        self.rate = QDoubleSpinBox(minimum=0, maximum=1, decimals=5, singleStep=0.001)
        self.epochs.setSpecialValueText(_USUAL)
        self.rate.setSpecialValueText(_USUAL)
        self._form = Panel("")
        self._form.heading.hide()
        rows = QFormLayout()
        rows.setSpacing(theme.GRID)
        for text, field in (
            ("Share of the photos to calibrate with", self.validation),
            ("Share of the photos to judge by", self.test),
            ("Seed of everything that is drawn", self.seed),
            ("Epochs", self.epochs),
            ("Learning rate", self.rate),
        ):
            field.setAccessibleName(text)
            field.setMinimumWidth(200)
            rows.addRow(text, field)
        self._form.body.addLayout(rows)
        self._form.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._toggle)
        column.addWidget(self._form)

    def show_recipe(self, recipe: Recipe) -> None:
        """Dim what means nothing for a recipe."""
        for field in (self.epochs, self.rate):
            field.setEnabled(recipe.value in DEFAULTS)

    def _open(self, *, is_open: bool) -> None:
        self._toggle.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self._form.setVisible(is_open)


def _percent(value: int, name: str) -> QSpinBox:
    made = QSpinBox(minimum=5, maximum=45, suffix=" %", value=value)
    made.setAccessibleName(name)
    return made
