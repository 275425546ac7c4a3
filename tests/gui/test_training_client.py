"""The window's side of the training process, with real processes: it reads, trains, stops, dies and goes on."""

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
from core.learning.request import Recipe, TrainRequest
from core.library.library import open_library
from core.providers import Precision, ProviderWish
from core.services.folder_messages import FolderRead
from core.services.training_messages import (
    Forecasted,
    Stopped,
    TrainDone,
    TrainFailed,
)
from gui.training_client import TrainingClient
from tests import teaching
from tests.gui.conftest import PATIENCE_MS
from tests.gui.serving import die_at_once

posix = pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")


@pytest.fixture
def client(home: Path, qtbot: QtBot) -> Iterator[TrainingClient]:
    teaching.replace_backbone(home)
    parent = QObject()
    made = TrainingClient(parent)
    yield made
    made.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teaching.write_labelled(tmp_path_factory.mktemp("labelled") / "pictures", 20)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teaching.write_labelled(tmp_path_factory.mktemp("labelled") / "many", 200, seed=1)


def request(folder: Path) -> TrainRequest:
    return TrainRequest(folder, "mine", 0.25, 0.25, 0, ProviderWish.CPU, Precision.AUTO)


def test_it_is_imported_without_anything_heavy() -> None:
    heavy = {"numpy", "PIL", "onnx", "onnxruntime", "tensorflow", "rich", "sqlite3"}
    code = f"import sys, gui.training_client; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(core.__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_folder_is_read_and_learnt_from(client: TrainingClient, qtbot: QtBot, folder: Path) -> None:
    assert client.process_id is None, "nothing is started before it is needed"
    read: list[FolderRead] = []
    client.folder_read.connect(read.append)
    with qtbot.waitSignals([client.folder_progress, client.folder_read], timeout=PATIENCE_MS):
        ticket = client.read_folder(folder)
    assert [(one.ticket, one.images) for one in read] == [(ticket, 60)]
    done: list[TrainDone] = []
    client.done.connect(done.append)
    with qtbot.waitSignals([client.stage, client.done], timeout=PATIENCE_MS):
        ticket = client.train(request(folder))
        assert client.is_training
    assert not client.is_training
    assert [(one.ticket, one.facts.name, one.facts.version) for one in done] == [(ticket, "mine", 1)]
    assert open_library().find("mine").version == 1
    with qtbot.waitSignal(client.used, timeout=PATIENCE_MS) as used:
        client.use("mine", 1)
    assert used.args[0].error is None


def test_each_recipe_is_forecast_once(client: TrainingClient, qtbot: QtBot, folder: Path) -> None:
    heard: list[Forecasted] = []
    client.forecasted.connect(heard.append)
    client.forecast(request(folder))
    ticket = client.forecast(request(folder))
    qtbot.waitUntil(lambda: len(heard) == 3, timeout=PATIENCE_MS)
    assert [(one.ticket, one.recipe) for one in heard] == [(ticket, recipe) for recipe in Recipe]


def test_only_the_latest_folder_is_heard_of(client: TrainingClient, qtbot: QtBot, folder: Path, many: Path) -> None:
    read: list[FolderRead] = []
    stopped: list[Stopped] = []
    client.folder_read.connect(read.append)
    client.stopped.connect(stopped.append)
    client.read_folder(many)
    ticket = client.read_folder(folder)
    qtbot.waitUntil(lambda: bool(read), timeout=PATIENCE_MS)
    with qtbot.waitSignal(client.used, timeout=PATIENCE_MS):
        client.use("mine", 1)
    assert [one.ticket for one in read] == [ticket]
    assert not stopped


def test_a_training_is_stopped(client: TrainingClient, qtbot: QtBot, many: Path) -> None:
    with qtbot.waitSignal(client.stage, timeout=PATIENCE_MS):
        ticket = client.train(request(many))
    client.pause(ticket)
    with qtbot.waitSignal(client.stopped, timeout=PATIENCE_MS) as stopped:
        client.stop(ticket)
    assert stopped.args == [Stopped(ticket)]
    assert not client.is_training
    assert not open_library().versions("mine")


@posix
def test_a_killed_training_is_offered_again_and_goes_on(client: TrainingClient, qtbot: QtBot, many: Path) -> None:
    failed: list[TrainFailed] = []
    client.failed.connect(failed.append)
    with qtbot.waitSignal(client.stage, timeout=PATIENCE_MS):
        ticket = client.train(request(many))
    number = client.process_id
    assert number is not None
    with qtbot.waitSignal(client.died, timeout=PATIENCE_MS):
        os.kill(number, signal.SIGKILL)
    assert [(one.ticket, one.can_resume) for one in failed] == [(ticket, True)]
    assert not client.is_training
    assert client.process_id is None
    with qtbot.waitSignal(client.done, timeout=PATIENCE_MS) as done:
        client.train(request(many))
    assert done.args[0].facts.version == 1
    assert client.process_id != number


def test_whoever_waits_is_told_that_the_process_cannot_be_started(
    client: TrainingClient, qtbot: QtBot, folder: Path
) -> None:
    client._process._serve = die_at_once
    for _ in range(4):  # more often than a helper may die without a word
        read: list[FolderRead] = []
        client.folder_read.connect(read.append)
        with qtbot.waitSignal(client.died, timeout=PATIENCE_MS):
            client.read_folder(folder)
        assert "ended before" in str(read[0].error)
