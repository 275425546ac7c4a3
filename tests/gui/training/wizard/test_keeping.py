"""The method step offers to keep the classes of a model that cannot be retrained."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.base.errors import UsageError
from core.base.settings import Settings
from core.training.request import Recipe
from core.training.values import Forecast
from gui.training.wizard.method_step import MethodStep
from tests import tiny

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


@pytest.fixture
def step(qtbot: QtBot) -> MethodStep:
    made = MethodStep()
    qtbot.addWidget(made)
    made.show()
    return made


def kept(step: MethodStep) -> str:
    return step.request(Path("photos"), Settings()).keep_classes_of


def test_it_is_offered_only_for_a_model_that_cannot_be_retrained(step: MethodStep) -> None:
    assert not step.keep.isVisible()
    step.offer_to_keep(tiny.model_card("colours", title="Colours"), is_needed=False)
    assert step.keep.isVisible()
    assert step.keep.text() == "Keep the 3 classes of “Colours”"
    assert kept(step) == ""
    step.keep.click()
    assert kept(step) == "colours"
    step.offer_to_keep(None, is_needed=False)
    assert not step.keep.isVisible()
    assert kept(step) == ""


def test_with_one_class_there_is_no_other_way(step: MethodStep) -> None:
    step.offer_to_keep(tiny.model_card("colours"), is_needed=True)
    assert step.keep.isChecked()
    assert not step.keep.isEnabled()


def test_a_recipe_that_cannot_keep_classes_gives_way_to_quick(step: MethodStep) -> None:
    step.cards[Recipe.DENSE].choice.setChecked(True)
    error = UsageError("Only the recipe quick can keep a model's classes.", hint="Use it.")
    step.show_forecasts([Forecast(Recipe.QUICK, 2.0, "measured"), Forecast(Recipe.DENSE, None, error=error)])
    assert step.recipe is Recipe.QUICK
    assert not step.cards[Recipe.DENSE].choice.isEnabled()
    step.show_forecasts([Forecast(Recipe.DENSE, 2.0, "measured")])
    assert step.cards[Recipe.DENSE].choice.isEnabled()
