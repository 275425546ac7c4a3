"""From an empty home to a model in use, with a training process that is killed on the way.

Real photos, the shipped backbone, real processes and real events; what is asserted is what the user sees. The command
line then trains on the same photos in the same home, so that Xception need not compute their features again.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.base import paths, settings
from core.models.library import open_library
from core.prediction import Prediction
from gui.photos.empty_state import SAMPLES
from gui.shell.actions import ActionId
from gui.shell.main_window import MainWindow
from gui.training.wizard.window import TrainingWizard, WizardStep
from tests.core.cli import conftest as cli
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.gui.training.wizard.walking import click, in_use, texts

fovea = cli.fovea
ROCKET = next(sample for sample in SAMPLES if sample.stem == "rocket")
SOME = 24
"""Photos whose features are computed before the accident."""
LONG_MS = 5 * PATIENCE_MS
"""A minute at most on a quiet machine; on a busy one the engine's threads wait for each other."""

pytestmark = [
    pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise"),
    pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("user") / "home"


@pytest.fixture(autouse=True)
def _one_home(own_home: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEA_HOME", str(own_home))


def test_from_nothing_to_a_model_in_use(qtbot: QtBot, own_home: Path, photos: Path) -> None:
    assert not own_home.exists()
    window = show_window(qtbot)
    try:
        window.actions_by_id[ActionId.NEW_MODEL].trigger()
        wizard = window.wizard_controller.wizard
        assert wizard is not None
        drop_photos(qtbot, wizard, photos)
        train_with_an_accident(qtbot, window, wizard)
        use_the_result(qtbot, window, wizard)
        wizard.close()
        correct_and_retrain(qtbot, window)
    finally:
        window.close()


def drop_photos(qtbot: QtBot, wizard: TrainingWizard, photos: Path) -> None:
    """Drop the folder on the first step, and go to the second."""
    assert "Drop a folder of photos here" in texts(wizard)
    assert not wizard.next.isEnabled()
    assert dragging.drop(wizard, dragging.files([photos]))
    qtbot.waitUntil(lambda: wizard.photos.can_continue, timeout=PATIENCE_MS)
    assert "196 photos in 8 classes" in texts(wizard)
    assert "Class bird, " in texts(wizard)
    qtbot.waitUntil(lambda: "look nearly the same" in texts(wizard), timeout=PATIENCE_MS)
    click(qtbot, wizard.next)
    assert wizard.method.step.name.text() == "photos"
    assert wizard.next.text() == "Train"


def train_with_an_accident(qtbot: QtBot, window: MainWindow, wizard: TrainingWizard) -> None:
    """Train; the process is killed while it computes features, and the training is resumed."""
    training = wizard.training.step
    click(qtbot, wizard.next)
    assert wizard.step is WizardStep.TRAINING
    has_some = lambda: training.stage.text() == "Computing features" and training.bar.value() >= SOME  # noqa: E731
    qtbot.waitUntil(has_some, timeout=LONG_MS)
    qtbot.waitUntil(lambda: "photos/s" in training.speed.text(), timeout=PATIENCE_MS)
    number = window.session.training.process_id
    assert number is not None
    os.kill(number, signal.SIGKILL)
    qtbot.waitUntil(training.again.isVisible, timeout=PATIENCE_MS)
    assert "Training failed" in texts(wizard)
    assert "finished work is kept" in texts(wizard)
    assert training.again.text() == "Resume"
    click(qtbot, training.again)
    qtbot.waitUntil(lambda: wizard.step is WizardStep.RESULT, timeout=LONG_MS)
    assert window.session.training.process_id != number
    assert wizard.result.step.result is not None
    assert wizard.result.step.result.computed <= 196 - SOME, "what was computed before the kill was kept"


def use_the_result(qtbot: QtBot, window: MainWindow, wizard: TrainingWizard) -> None:
    """Read the accuracy, and use the model from now on."""
    headline = wizard.result.step.headline.text()
    assert "correct on" in headline
    assert float(headline.split("%")[0]) >= 90
    assert "95% confidence interval: " in texts(wizard)
    qtbot.waitUntil(lambda: wizard.result.step.view.matrix is not None, timeout=PATIENCE_MS)
    click(qtbot, wizard.result.step.use)
    qtbot.waitUntil(lambda: in_use(window) == "photos", timeout=PATIENCE_MS)
    assert wizard.result.step.use.text() == "In use"
    qtbot.waitUntil(lambda: window.top_bar.switcher.currentText() == "photos · v1", timeout=PATIENCE_MS)
    assert open_library().find("photos").version == 1
    qtbot.waitUntil(lambda: settings.load(paths.settings_file()).model == "photos", timeout=PATIENCE_MS)


def correct_and_retrain(qtbot: QtBot, window: MainWindow) -> None:
    """Correct one prediction in *Photos*, retrain, and undo that."""
    page, photos = window.photos_page, window.session.photos
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=PATIENCE_MS)
    window.session.photo_list.add([ROCKET])
    qtbot.waitUntil(lambda: classified_by(window, 1), timeout=PATIENCE_MS)
    page.gallery.setFocus()
    page.gallery.select_row(0)
    qtbot.keyClick(window, Qt.Key.Key_F2)
    chooser = page.browser.chooser
    assert chooser is not None
    assert chooser.isVisible()
    qtbot.keyClicks(chooser.line, "tool")
    qtbot.keyClick(chooser.line, Qt.Key.Key_Return)
    assert "tool\nModel: monument" in texts(page.inspector), "the label is the headline, the prediction is below it"
    strip = page.strip
    qtbot.waitUntil(strip.retrain.isVisible, timeout=PATIENCE_MS)
    assert strip.retrain.text() == "Retrain with 1 correction"
    click(qtbot, strip.retrain)
    qtbot.waitUntil(strip.undo.isVisible, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: classified_by(window, 2), timeout=PATIENCE_MS)
    assert open_library().find("photos").version == 2
    assert photos.rowCount() == 1
    qtbot.waitUntil(strip.undo.isEnabled, timeout=PATIENCE_MS)
    click(qtbot, strip.undo)
    qtbot.waitUntil(lambda: classified_by(window, 1), timeout=PATIENCE_MS)
    assert open_library().find("photos").version == 1
    qtbot.waitUntil(lambda: strip.retrain.text() == "Retrain with 1 correction", timeout=PATIENCE_MS)


def classified_by(window: MainWindow, version: int) -> bool:
    """Whether the photo was classified by that version of the model."""
    if not window.session.photos.rowCount():
        return False
    photo = window.session.photos.photo(0)
    return isinstance(photo.outcome, Prediction) and (photo.outcome.model, photo.version) == ("photos", version)


def test_the_command_line_trains_on_the_same_photos(fovea: cli.Fovea, own_home: Path, photos: Path) -> None:
    """The acceptance of the recipe `quick`, with the backbone that comes with the program."""
    first = json.loads(fovea("train", photos, "--name", "t", "--recipe", "quick", "--format", "json").out)
    second = json.loads(fovea("train", photos, "--name", "t", "--recipe", "quick", "--format", "json").out)
    assert first["computed"] in (0, 196), "the window computed all of them, or nothing where this test runs alone"
    assert second["computed"] == 0
    assert first["accuracy"] >= 0.90
    assert first["version"] + 1 == second["version"]
    heads = {(own_home / "models" / "t" / str(number) / "head.npz").read_bytes() for number in (1, 2)}
    assert len(heads) == 1


def test_the_built_in_model_on_its_training_photos(fovea: cli.Fovea, photos: Path, tmp_path: Path) -> None:
    """It proves the path, not the model."""
    ran = fovea("evaluate", photos, "--model", "everyday", "--format", "json", "--report", tmp_path / "report.html")
    content = json.loads(ran.out)
    assert (ran.code, content["images"]) == (0, 196)
    assert content["accuracy"] >= 0.95
    assert sum(map(sum, content["confusion"])) == 196
