"""The list of models selects by name, whatever is listed when."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from gui.models.model_list import ModelLine, ModelList


@pytest.fixture
def listed(qtbot: QtBot) -> ModelList:
    made = ModelList()
    qtbot.addWidget(made)
    lines = {"birds": ModelLine("Birds", "3 classes"), "trees": ModelLine("Trees", "5 classes · in use", True)}
    made.show_models(lines, "trees")
    return made


def lines(*titles: str) -> dict[str, ModelLine]:
    return {title.lower(): ModelLine(title, "") for title in titles}


def test_the_model_in_use_is_selected_first(listed: ModelList) -> None:
    assert [listed.item(row).text() for row in range(listed.count())] == [
        "Birds\n3 classes",
        "Trees\n5 classes · in use",
    ]
    assert listed.name == "trees"


def test_the_selection_survives_changes_of_the_list(listed: ModelList) -> None:
    listed.select("birds")
    listed.show_models(lines("Ants", "Birds", "Trees"), "trees")
    assert listed.name == "birds"
    listed.show_models(lines("Ants", "Trees"), "trees")
    assert listed.name == "trees", "the selected model was removed"


def test_a_model_is_selected_once_it_is_listed(listed: ModelList) -> None:
    listed.select("ants")
    assert listed.name == "trees"
    listed.show_models(lines("Ants", "Birds", "Trees"), "trees")
    assert listed.name == "ants"
    listed.select("birds")
    listed.show_models(lines("Birds", "Trees"), "trees")
    assert listed.name == "birds", "the request was met before"


def test_nothing_is_selected_in_an_empty_list(listed: ModelList) -> None:
    listed.show_models({}, "")
    assert listed.name == ""
