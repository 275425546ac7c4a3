"""The window paints before its pages exist; they are created in the background or on first use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from gui.shell.actions import NEEDS_JOB, ActionId
from gui.shell.main_window import MainWindow
from gui.shell.pages import PageStack
from gui.shell.rail import Page
from tests.gui.conftest import PATIENCE_MS, show_window
from tests.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
LATER = (
    *("gui.folders.page", "gui.models.page", "gui.training.page", "gui.training.wizard.window", "gui.models.compare"),
    *(
        "gui.shell.command_palette",
        "gui.shell.licences_dialog",
        "gui.app.crash_report",
        "importlib.metadata",
        "statistics",
        "sqlite3",
    ),
    *("core.services.job_values", "core.api.jobs", "core.api", "core.training.values"),
)
START = f"""
import json, linecache, sys, time
from PySide6.QtCore import QEventLoop, QTimer
from gui.app import application
def later(): return [name for name in {LATER!r} if name in sys.modules]
if __name__ == "__main__":
    made, window = application.open_window([])
    window.grab()
    before, end = later(), time.monotonic() + 60
    alarm = QTimer(interval=50)
    alarm.start()
    while "gui.models.compare" not in sys.modules and time.monotonic() < end:
        made.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
    pages = [type(window.pages.widget(number)).__name__ for number in range(window.pages.count())]
    helpers = [window.pages.folders.tasks.process_id, window.session.library.tasks.process_id]
    window.close()
    print(json.dumps({{"before": before, "pages": pages, "helpers": helpers, "plots": "numpy" in sys.modules,
        "sources": [name for name in linecache.cache if "folders" in name]}}))
"""


@pytest.fixture
def early(qtbot: QtBot, tiny_model: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """The window before any page but *Photos* is created."""
    monkeypatch.setattr(PageStack, "preload", lambda _: None)
    window = show_window(qtbot)
    yield window
    window.close()


def test_pages_are_created_after_the_first_paint_without_helpers(home: Path, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(START)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert json.loads(done.stdout) == {
        "before": [],
        "pages": ["PhotosPage", "FoldersPage", "ModelsPage", "TrainingPage"],
        "helpers": [None, None],
        "plots": False,
        "sources": [],
    }


def test_a_page_is_created_when_it_is_first_shown(early: MainWindow) -> None:
    places = (
        (ActionId.SHOW_TRAINING, Page.TRAINING),
        (ActionId.SHOW_MODELS, Page.MODELS),
        (ActionId.SHOW_FOLDERS, Page.FOLDERS),
    )
    for created, (act, place) in enumerate(places, start=1):
        assert early.pages.count() == created
        early.actions_by_id[act].trigger()
        assert early.pages.current_page is place
    assert early.pages.count() == len(Page)
    assert early.pages.currentWidget() is early.pages.folders


@pytest.mark.qt_log_ignore("does not support propagateSizeHints")
def test_an_action_creates_the_page_it_needs(early: MainWindow) -> None:
    early.actions_by_id[ActionId.CLASSIFY_FOLDER].trigger()
    assert early.pages.current_page is Page.FOLDERS
    assert early.pages.folders.stack.form.isVisible()
    early.pages.folders.stack.form.findChildren(QFileDialog)[-1].close()


def test_job_actions_are_disabled_without_a_job(early: MainWindow) -> None:
    acts = early.actions_by_id
    assert all(acts[act].reason == "Open a classified folder first." for act in NEEDS_JOB)
    assert early.pages.folders.job is None
    assert not any(acts[act].isEnabled() for act in NEEDS_JOB), "also after the page is created"
    acts[ActionId.ALL_JOBS].trigger()
    assert early.pages.current_page is Page.FOLDERS


def test_models_listed_before_the_page_was_created_are_shown(early: MainWindow, qtbot: QtBot) -> None:
    models = early.session.models
    qtbot.waitUntil(lambda: models.in_use is not None and bool(models.installed), timeout=PATIENCE_MS)
    choices = early.pages.models.choices
    assert sum("in use" in choices.item(row).text() for row in range(choices.count())) == 1
    assert choices.currentItem() is not None


def test_a_running_training_is_shown(early: MainWindow) -> None:
    early.wizard_controller.show_progress("Training “leaves”: epoch 2 of 9")
    early.actions_by_id[ActionId.SHOW_TRAINING].trigger()
    QApplication.processEvents()
    assert early.pages.training.running.isVisible()
    assert early.pages.training.line.text() == "Training “leaves”: epoch 2 of 9"
    early.wizard_controller.show_progress("")
    assert not early.pages.training.running.isVisible()


def test_on_other_pages_the_status_bar_says_what_is_stopped(
    window: MainWindow, solids: dict[str, Path], qtbot: QtBot
) -> None:
    window.session.engine.classify(solids.values())
    stop = next(one for one in window.status.findChildren(QPushButton) if one.text() == "Stop")
    window.actions_by_id[ActionId.SHOW_MODELS].trigger()
    assert stop.text() == "Stop classifying 3 photos"
    window.session.engine.forget_all()
    qtbot.waitUntil(lambda: not stop.isVisible(), timeout=PATIENCE_MS)
