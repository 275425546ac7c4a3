"""The wizard, opened from the menu of a real window; its trainings use the tiny backbone."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.services import processes
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.training.wizard.window import TrainingWizard
from tests import teaching
from tests.gui.serving import serve_training_held


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = teaching.write_labelled(tmp_path_factory.mktemp("labelled") / "My Pictures", 20)
    (made / "red" / "broken.png").write_bytes(b"no image at all")
    return made


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training goes no further than its first progress before the test releases or stops it."""
    monkeypatch.setattr(processes, "serve_training", serve_training_held)


@pytest.fixture
def wizard(window: MainWindow, home: Path, qtbot: QtBot) -> TrainingWizard:
    teaching.replace_backbone(home)
    window.actions_by_id[ActionId.NEW_MODEL].trigger()
    made = window.wizard_controller.wizard
    assert made is not None
    qtbot.waitExposed(made)
    return made
