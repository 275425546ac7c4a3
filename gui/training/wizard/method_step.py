"""Second step: the name of the model, and a recipe, each with its expected time on this computer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QWidget

from core.base.errors import FoveaError
from core.base.i18n import tr, tr_n
from core.base.settings import Settings
from core.card import ModelCard
from core.training.request import Recipe, TrainRequest
from core.training.values import Forecast, Previewed
from gui.training.wizard.options import KEPT_ASIDE, Options
from gui.training.wizard.recipe_cards import RecipeCard
from gui.widgets import theme
from gui.widgets.basic import CheckBox, ScrollColumn, label, show_text
from gui.widgets.layouts import SPACE, Placed, fill, hbox, vbox

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_MAX_SUGGESTED: Final = 58
"""Characters of a suggested name, which leave room for a number."""


class MethodStep(QWidget):
    """Asks how to train.

    Attributes:
        changed: `can_continue` may have changed.
        preview_wanted: draw the preview; how often other photos were requested.
        keep: whether the new model keeps the classes of `kept_model`.
        kept_model: the name of the model whose classes can be kept; empty if there is none.
    """

    changed = Signal()
    preview_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QLineEdit()
        self.name.setAccessibleName(tr("Model name"))
        self.name.textChanged.connect(self._check_name)
        self._name_error, self._name_note = label(kind="danger", wrap=True), label(kind="muted", wrap=True)
        self._names: dict[str, bool] = {}
        self._suggested_for: str | None = None
        self.keep, self._keep_note = CheckBox(""), label(kind="muted", wrap=True)
        self.kept_model = ""
        self.cards = {recipe: RecipeCard(recipe) for recipe in Recipe}
        self._group = QButtonGroup(self)
        for card in self.cards.values():
            self._group.addButton(card.choice)
        self.cards[Recipe.QUICK].choice.setChecked(True)
        self._group.buttonToggled.connect(lambda: self._show_recipe())
        self.options = Options()
        self._others = 0
        self.options.changed.connect(self._request_preview)
        self.options.others_wanted.connect(self._request_others)
        self._lay_out()
        self._show_recipe()

    def suggest(self, folder_name: str) -> None:
        """Suggest a new name for a model of another folder than before; no other model has it."""
        if folder_name == self._suggested_for:
            return
        self._suggested_for = folder_name
        plain = re.sub(r"[^a-z0-9]+", "-", folder_name.lower()).strip("-")[:_MAX_SUGGESTED].strip("-") or "my-model"
        names = (plain, *(f"{plain}-{number}" for number in range(2, len(self._names) + 3)))
        self.name.setText(next(name for name in names if name not in self._names))

    def show_names(self, names: Mapping[str, bool]) -> None:
        """Warn before the name of one of these models is used, by name; True for a built-in one."""
        self._names = dict(names)
        self._check_name(self.name.text())

    def offer_to_keep(self, model: ModelCard | None, *, is_needed: bool) -> None:
        """Offer to keep the classes of a model; None offers nothing.

        Args:
            model: the card of the model.
            is_needed: whether there is no other way, as the photos have only one class.
        """
        self.kept_model = model.name if model else ""
        self._keeping.setVisible(model is not None)
        if model is None:
            self.keep.setChecked(False)
            return
        count = len(model.classes)
        self.keep.setText(
            tr_n("Keep the {count:,} class of “{model}”", "Keep the {count:,} classes of “{model}”", count,
                 model=model.title)
        )  # fmt: skip
        self._keep_note.setText(
            tr("The new model then recognises these classes and yours. Most other photos keep their predictions.")
        )
        if is_needed:
            self.keep.setChecked(True)
        self.keep.setEnabled(not is_needed)

    def show_forecasts(self, forecasts: Sequence[Forecast]) -> None:
        """Show the expected times of the recipes, or why they cannot run."""
        for forecast in forecasts:
            self.cards[forecast.recipe].show_forecast(forecast)
            if forecast.error is not None and self.recipe is forecast.recipe:
                self.cards[Recipe.QUICK].choice.setChecked(True)
        self.changed.emit()

    def show_no_forecast(self, error: FoveaError) -> None:
        """Show why no recipe can run."""
        self.show_forecasts([Forecast(recipe, None, error=error) for recipe in Recipe])

    def show_preview(self, drawn: Previewed) -> None:
        """Show the preview."""
        self.options.fields.preview.show_drawn(drawn)
        self.options.show_recipe(self.recipe)

    def show_no_preview(self, error: FoveaError) -> None:
        """Show why there is no preview."""
        self.options.fields.preview.show_error(error)

    def begin_forecast(self) -> None:
        """Show that the expected times are being measured."""
        for card in self.cards.values():
            card.show_measuring()

    @property
    def recipe(self) -> Recipe:
        """The chosen recipe."""
        return next(recipe for recipe, card in self.cards.items() if card.choice.isChecked())

    def request(self, folder: Path, settings: Settings) -> TrainRequest:
        """The request to train as chosen on the photos in a folder."""
        request = TrainRequest(
            folder=folder,
            name=self.name.text(),
            validation=KEPT_ASIDE,
            test=KEPT_ASIDE,
            seed=0,
            provider=settings.provider,
            precision=settings.precision,
            recipe=self.recipe,
            keep_classes_of=self.kept_model if self.keep.isChecked() else "",
        )
        return self.options.complete(request)

    @property
    def can_continue(self) -> bool:
        """Whether a training can begin."""
        return not self._name_error.text() and self.cards[self.recipe].can_run

    def _lay_out(self) -> None:
        title = label(tr("Model name"), "heading")
        title.setBuddy(self.name)
        self.name.setMaximumWidth(320)
        naming = hbox(title, self.name, fill(vbox(self._name_error, self._name_note)), SPACE)
        self._keeping = QWidget()
        vbox(self.keep, self._keep_note, parent=self._keeping, spacing=theme.GRID // 2)
        self._keeping.hide()
        cards = hbox(*map(fill, self.cards.values()), spacing=2 * theme.GRID)
        area = ScrollColumn(tr("Training method"), self)  # first: reparenting restyles everything inside
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.show_column(naming, self._keeping, cards, self.options, Placed(None, 1)).setSpacing(2 * theme.GRID)
        vbox(area, parent=self)

    def _request_preview(self) -> None:
        if self.options.is_open:
            self.preview_wanted.emit(self._others)

    def _request_others(self) -> None:
        self._others += 1
        self._request_preview()

    def _check_name(self, text: str) -> None:
        is_builtin = self._names.get(text)
        error = note = ""
        if _NAME.fullmatch(text) is None:
            error = tr("Use lowercase letters, digits and hyphens, such as “my-birds”.")
        elif is_builtin:
            error = tr("“{name}” is a built-in model. Choose another name.", name=text)
        elif is_builtin is not None:
            note = tr("You have a model “{name}”. This adds a new version to it.", name=text)
        show_text(self._name_error, error)
        show_text(self._name_note, note)
        self.changed.emit()

    def _show_recipe(self) -> None:
        for card in self.cards.values():
            card.show_choice()
        self.options.show_recipe(self.recipe)
        self.changed.emit()
