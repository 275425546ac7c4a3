"""Adding a network in the wizard's options: only what exists is offered, and what was added is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.services import processes
from core.training.networks import BACKBONES, BackboneRequest, check_request
from gui.training.wizard.network_form import NetworkForm, Weights
from gui.training.wizard.window import TrainingWizard
from tests.gui.conftest import PATIENCE_MS
from tests.gui.serving import serve_training_that_adds_tiny_networks
from tests.gui.training.wizard.walking import click, texts, to_method

pytestmark = pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise")


@pytest.fixture
def form(qtbot: QtBot) -> NetworkForm:
    made = NetworkForm()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.mark.parametrize("name", BACKBONES)
def test_everything_that_is_offered_exists(form: NetworkForm, name: str) -> None:
    form.network.setCurrentIndex(form.network.findData(name))
    alphas = [form.alpha.itemData(at) for at in range(form.alpha.count())] or [None]
    weights = [form.weights.itemData(at) for at in range(form.weights.count())]
    assert form.alpha.isVisible() == (alphas != [None])
    assert (Weights.DOWNLOAD in weights) == (not name.startswith("efficientnet"))
    for alpha in alphas:
        for side in (form.side.minimum(), form.side.maximum()):
            check_request(BackboneRequest(name, alpha, side, untrained=True))


def test_nothing_else_can_be_typed(form: NetworkForm, qtbot: QtBot) -> None:
    form.network.setCurrentIndex(form.network.findData("mobilenet-v1"))
    assert [form.alpha.itemText(at) for at in range(form.alpha.count())] == ["0.25", "0.5", "0.75", "1"]
    assert (form.alpha.currentText(), form.side.value()) == ("1", 224)
    form.side.selectAll()
    qtbot.keyClicks(form.side, "30")
    qtbot.keyClick(form.side, Qt.Key.Key_Tab)
    assert form.side.value() == 224
    form.side.selectAll()
    qtbot.keyClicks(form.side, "96")
    form.alpha.setCurrentIndex(0)
    with qtbot.waitSignal(form.wanted) as wanted:
        click(qtbot, form.add)
    assert wanted.args == [BackboneRequest("mobilenet-v1", 0.25, 96)]


@pytest.fixture
def tiny_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The training process of the window that is opened next adds the tiny backbone for every network."""
    monkeypatch.setattr(processes, "serve_training", serve_training_that_adds_tiny_networks)


def test_a_network_is_added_and_chosen(qtbot: QtBot, tiny_networks: None, wizard: TrainingWizard, folder: Path) -> None:
    to_method(qtbot, wizard, folder)
    options = wizard.method.step.options
    options.toggle.click()
    fields, form = options.fields, options.fields.network
    assert not form.isVisible()
    click(qtbot, fields.adds_network)
    form.network.setCurrentIndex(form.network.findData("vgg16"))
    form.weights.setCurrentIndex(form.weights.findData(Weights.NONE))
    click(qtbot, form.add)
    assert not form.add.isEnabled()
    qtbot.waitUntil(form.add.isEnabled, timeout=PATIENCE_MS)
    assert "No weights for VGG16." in texts(form)
    form.network.setCurrentIndex(form.network.findData("mobilenet-v2"))
    form.alpha.setCurrentIndex(0)
    form.weights.setCurrentIndex(form.weights.findData(Weights.NONE))
    click(qtbot, form.add)
    name = "mobilenet-v2-0.35-224-untrained"
    qtbot.waitUntil(lambda: fields.backbone.currentText() == name, timeout=PATIENCE_MS)
    assert not form.isVisible()
    assert wizard.method.request().backbone == name
    assert "No weights" not in texts(form)
