"""The three recipes as cards, each with what it does and how long it would take on this computer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QRadioButton, QSizePolicy

from core.base.i18n import mark, tr
from core.training.request import Recipe
from core.training.values import Forecast
from gui.widgets import theme
from gui.widgets.basic import label
from gui.widgets.formats import duration
from gui.widgets.layouts import SPACE, vbox

_TITLES: Final[Mapping[Recipe, str]] = {
    Recipe.QUICK: mark("Quick"),
    Recipe.DENSE: mark("Dense"),
    Recipe.FINE_TUNE: mark("Fine-tune"),
}
_TEXTS: Final[Mapping[Recipe, str]] = {
    Recipe.QUICK: mark(
        "Trains a classifier on the features the network already computes. Best for most photos, and fast to repeat."
    ),
    Recipe.DENSE: mark("A small neural network on the same features. Try it when classes are hard to separate."),
    Recipe.FINE_TUNE: mark(
        "Trains the network itself, on photos that are randomly cropped, rotated and recoloured. Takes a long time."
    ),
}
_MEASURING: Final = mark("Measuring this computer…")


class RecipeCard(QFrame):
    """One recipe; a click anywhere chooses it."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)  # all are as high as the highest
        self.can_run = True
        self.choice = QRadioButton(tr(_TITLES[recipe]))
        self.choice.setProperty("kind", "heading")
        self.time = label(tr(_MEASURING), "number", wrap=True)
        self._basis = label(kind="muted", wrap=True)
        text = label(tr(_TEXTS[recipe]), wrap=True)
        for one, lines in ((text, 4), (self._basis, 4)):
            one.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            one.setMinimumHeight(lines * one.fontMetrics().lineSpacing())  # nothing below moves when the time is known
        shown = (self.choice, text, self.time, self._basis)
        for widget in shown:
            widget.installEventFilter(self)
        vbox(*shown, SPACE, parent=self, margins=16, spacing=theme.GRID)
        self.choice.setAccessibleDescription(tr(_TEXTS[recipe]))

    def show_measuring(self) -> None:
        """Show that its time is being measured."""
        self.time.setText(tr(_MEASURING))
        self._basis.setText("")

    def show_forecast(self, forecast: Forecast) -> None:
        """Show the expected time, or why the recipe cannot run and what to do."""
        self.can_run = forecast.error is None
        self.choice.setEnabled(self.can_run)
        if forecast.error is not None:
            self.time.setText(forecast.error.what)
            self._basis.setText(forecast.error.hint)
        elif forecast.seconds is not None:
            self.time.setText(tr("About {duration}", duration=duration(forecast.seconds)))
            self._basis.setText(forecast.basis)
        self.choice.setAccessibleDescription(f"{self.time.text()}. {self._basis.text()}")

    def show_choice(self) -> None:
        """Highlight the card if it is chosen."""
        self.setProperty("chosen", self.choice.isChecked())
        self.style().polish(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.choice.isEnabled():
            self.choice.setChecked(True)
            self.choice.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Treat a click on a text as a click on the card."""
        if (
            event.type() is QEvent.Type.MouseButtonPress
            and watched is not self.choice
            and isinstance(event, QMouseEvent)
        ):
            self.mousePressEvent(event)
        return False
