"""From an empty home to a model in use, as a person gets there, with a trainer that is killed on the way.

Real photos, the shipped backbone, real processes and real events; what is asserted is what the person sees.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core import paths, settings
from core.library.library import open_library
from core.settings import Settings
from gui.actions import Act
from gui.wizard.window import Step
from tests.gui import dragging
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.gui.wizard.walking import click, in_use, texts

pytestmark = [
    pytest.mark.qt_log_ignore("does not support propagateSizeHints|does not support raise"),
    pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX"),
    pytest.mark.timeout(900),
]


def test_from_nothing_to_a_model_in_use(qtbot: QtBot, home: Path, photos: Path) -> None:
    assert not home.exists()
    window = show_window(qtbot)
    try:
        window.actions_by_act[Act.NEW_MODEL].trigger()
        wizard = window.teaching.wizard
        assert wizard is not None
        assert "Drop a folder of photos here" in texts(wizard)
        assert not wizard.next.isEnabled()

        assert dragging.drop(wizard, dragging.files([photos]))
        qtbot.waitUntil(lambda: wizard.photos.can_go_on, timeout=4 * PATIENCE_MS)
        assert "196 photos in 8 classes" in texts(wizard)
        assert "Class bird, " in texts(wizard)
        qtbot.waitUntil(lambda: "look nearly the same" in texts(wizard), timeout=PATIENCE_MS)
        click(qtbot, wizard.next)
        assert wizard.how.name.text() == "photos"
        assert wizard.next.text() == "Train"
        click(qtbot, wizard.next)

        assert wizard.step is Step.TRAINING
        qtbot.waitUntil(lambda: "photos/s" in wizard.training.speed.text(), timeout=4 * PATIENCE_MS)
        number = wizard.client.process_id
        assert number is not None
        os.kill(number, signal.SIGKILL)
        qtbot.waitUntil(wizard.training.again.isVisible, timeout=PATIENCE_MS)
        assert "The training ended before its work did" in texts(wizard)
        assert "what was computed and learnt is kept" in texts(wizard)
        assert wizard.training.again.text() == "Go on where it stopped"
        click(qtbot, wizard.training.again)
        qtbot.waitUntil(lambda: wizard.step is Step.RESULT, timeout=20 * PATIENCE_MS)
        assert wizard.client.process_id != number
        assert wizard.result.facts is not None
        assert wizard.result.facts.computed < 196, "what was computed before the kill was kept"

        headline = wizard.result.headline.text()
        assert "photos it had not seen are named rightly" in headline
        assert float(headline.split("%")[0]) >= 85
        assert "With so many photos, that means" in texts(wizard)
        qtbot.waitUntil(lambda: wizard.result.matrix is not None, timeout=PATIENCE_MS)
        click(qtbot, wizard.result.use)
        qtbot.waitUntil(lambda: in_use(window) == "photos", timeout=4 * PATIENCE_MS)
        assert wizard.result.use.text() == "In use"
        qtbot.waitUntil(lambda: window.top_bar.switcher.currentText() == "photos", timeout=PATIENCE_MS)
        assert open_library().find("photos").version == 1
        assert settings.load(paths.settings_file()) != Settings()
    finally:
        window.close()
