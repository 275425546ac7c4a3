"""The three recipes as cards, each with what it does and how long it would take here; a click anywhere chooses one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QRadioButton, QSizePolicy, QVBoxLayout

from core.services.training_values import Forecast
from core.training.request import Recipe
from gui.widgets import theme
from gui.widgets.basic import label
from gui.widgets.durations import duration

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


class RecipeCard(QFrame):
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

    def show_measuring(self) -> None:
        """Show that its time is being measured."""
        self.time.setText(_MEASURING)
        self._basis.setText("")

    def show_forecast(self, forecast: Forecast) -> None:
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
