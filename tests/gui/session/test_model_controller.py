"""Which model is opened when the engine dies; without an engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from core import api
from core.base.providers import ComputePrecision, Provider
from core.models.values import OpenedModel
from gui.session.model_controller import ModelController
from gui.session.settings_store import SettingsStore
from gui.tasks import engine_client
from gui.tasks.engine_client import EngineClient
from gui.tasks.notice import Notice
from tests.gui.tasks.test_engine_client import FakeTasks


@pytest.fixture
def models(home: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelController]:
    monkeypatch.setattr(engine_client, "Tasks", FakeTasks)
    parent = QObject()
    settings = SettingsStore(parent)
    yield ModelController(EngineClient(parent), settings, parent)
    settings.close()
    parent.deleteLater()


def engine(models: ModelController) -> FakeTasks:
    return cast("FakeTasks", models._engine.tasks)


def opened(name: str) -> OpenedModel:
    card = SimpleNamespace(name=name, title=name.capitalize())
    model = SimpleNamespace(card=card, name=name, version=1)
    return OpenedModel(model, Provider.CPU, ComputePrecision.FLOAT32, 1.0, 1.0, None)  # type: ignore[arg-type]


def requested(models: ModelController) -> list[object]:
    """The names of the models that were to be opened since the engine started."""
    return [arguments[0] for function, arguments, _ in engine(models).calls if function is api.open_model]


def test_the_model_in_use_is_opened_again(models: ModelController) -> None:
    models.open(model="colours")
    assert models.opening == "colours"
    engine(models).last(api.open_model).succeeded.emit(opened("colours"))
    assert (models.name, models.opening) == ("colours", "")
    engine(models).die()
    assert requested(models) == ["colours"]


def test_a_model_that_crashes_the_engine_is_refused(models: ModelController) -> None:
    notices: list[Notice] = []
    models.noticed.connect(notices.append)
    models.open(model="colours")
    engine(models).last(api.open_model).succeeded.emit(opened("colours"))
    models.open(model="deadly")
    engine(models).die()
    assert [one.text for one in notices] == [
        "Opening the model “deadly” crashed the engine. Choose another model or provider."
    ]
    assert requested(models) == ["colours"], "the one before is opened again"
    engine(models).die()
    assert requested(models) == []
    assert models.in_use is None, "the user can choose it again"
