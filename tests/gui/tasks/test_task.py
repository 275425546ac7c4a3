"""Calls in real helper processes: finished, superseded, stopped, killed and restarted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

import core
from core import api
from core.base.errors import FoveaError, TrainerDiedError
from core.base.providers import Precision, ProviderPreference
from core.models.library import open_library
from core.services.processes import serve_training
from core.training.request import TrainRequest
from gui.tasks.task import Task, Tasks
from tests import teaching
from tests.gui.conftest import PATIENCE_MS
from tests.gui.serving import RELEASE, die_at_once, serve_training_held

DEATH = TrainerDiedError("It died.", hint="Try again.")

posix = pytest.mark.skipif(os.name == "nt", reason="SIGKILL exists only on POSIX")


@pytest.fixture
def tasks(home: Path, qtbot: QtBot) -> Iterator[Tasks]:
    teaching.replace_backbone(home)
    parent = QObject()
    made = Tasks(serve_training, DEATH, parent)
    yield made
    made.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teaching.write_labelled(tmp_path_factory.mktemp("labelled") / "pictures", 20)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teaching.write_labelled(tmp_path_factory.mktemp("labelled") / "many", 200, seed=1)


def train(tasks: Tasks, folder: Path) -> Task:
    request = TrainRequest(folder, "mine", 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO)
    return tasks.start(api.train, request, None)


def test_it_is_imported_without_anything_heavy() -> None:
    heavy = {"numpy", "PIL", "onnx", "onnxruntime", "tensorflow", "rich", "sqlite3"}
    code = f"import sys, core.api, gui.tasks.task; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(core.__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_folder_is_read_and_used_for_training(tasks: Tasks, qtbot: QtBot, folder: Path) -> None:
    assert tasks.process_id is None, "no process is started before the first call"
    reading = tasks.start(api.read_folder, folder)
    with qtbot.waitSignals([reading.progressed, reading.succeeded, reading.ended], timeout=PATIENCE_MS):
        assert not reading.is_over
    assert reading.is_over
    training = train(tasks, folder)
    with qtbot.waitSignal(training.succeeded, timeout=PATIENCE_MS) as done:
        pass
    assert (done.args[0].name, done.args[0].version) == ("mine", 1)
    assert open_library().find("mine").version == 1


def test_a_failed_call_reports_the_error(tasks: Tasks, qtbot: QtBot) -> None:
    with qtbot.waitSignal(tasks.start(api.activate, "no-such-model", 1).failed, timeout=PATIENCE_MS) as failed:
        pass
    assert isinstance(failed.args[0], FoveaError)


def test_an_abandoned_call_emits_nothing(tasks: Tasks, qtbot: QtBot, folder: Path, many: Path) -> None:
    heard: list[object] = []
    first = tasks.start(api.read_folder, many)
    for signal_ in (first.progressed, first.succeeded, first.failed):
        signal_.connect(heard.append)
    first.abandon()
    with qtbot.waitSignal(tasks.start(api.read_folder, folder).succeeded, timeout=PATIENCE_MS) as read:
        pass
    assert read.args[0].images == 60
    assert not heard


def test_a_paused_training_is_stopped(tasks: Tasks, qtbot: QtBot, many: Path) -> None:
    tasks._process._serve = serve_training_held
    task = train(tasks, many)
    with qtbot.waitSignal(task.progressed, timeout=PATIENCE_MS):
        pass
    task.pause()
    with qtbot.waitSignal(task.stopped, timeout=PATIENCE_MS):
        task.cancel()
    assert not open_library().versions("mine")


@posix
def test_a_killed_training_fails_and_the_next_call_starts_the_process_again(
    tasks: Tasks, qtbot: QtBot, many: Path, tmp_path: Path
) -> None:
    tasks._process._serve = serve_training_held
    task = train(tasks, many)
    with qtbot.waitSignal(task.progressed, timeout=PATIENCE_MS):
        pass
    number = tasks.process_id
    assert number is not None
    with qtbot.waitSignals([task.failed, tasks.died], timeout=PATIENCE_MS):
        os.kill(number, signal.SIGKILL)
    assert tasks.process_id is None
    (tmp_path / RELEASE).touch()
    with qtbot.waitSignal(train(tasks, many).succeeded, timeout=PATIENCE_MS) as done:
        pass
    assert done.args[0].version == 1
    assert tasks.process_id != number


@posix
def test_a_call_that_repeats_is_made_again_after_a_crash(tasks: Tasks, qtbot: QtBot, folder: Path, many: Path) -> None:
    with qtbot.waitSignal(tasks.start(api.read_folder, folder).succeeded, timeout=PATIENCE_MS):
        pass
    number = tasks.process_id
    assert number is not None
    os.kill(number, signal.SIGSTOP)  # so that the call cannot end before the process is killed
    task = tasks.start(api.read_folder, many, repeats=True)
    with qtbot.waitSignals([task.succeeded, task.ended], timeout=PATIENCE_MS):
        os.kill(number, signal.SIGKILL)
    assert tasks.process_id != number


def test_calls_fail_where_the_process_cannot_be_started(tasks: Tasks, qtbot: QtBot, folder: Path) -> None:
    tasks._process._serve = die_at_once
    for _ in range(4):  # more often than a helper may die without a message
        with qtbot.waitSignal(tasks.start(api.read_folder, folder).failed, timeout=PATIENCE_MS) as failed:
            pass
        assert failed.args == [DEATH]
