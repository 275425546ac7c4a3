"""A folder to train with, requests, and the other end of the pipe to the training process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import core
from core import api
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.training import trainer_process
from core.training.request import TrainRequest
from core.training.trainer_program import TrainerProgram
from core.training.values import TrainingResult
from tests import teaching
from tests.calling import Window

TRAINER = """
import os, sys, time
from core.training.protocol import *
from core.base.progress import Progress, StageKind
def send(event):
    print(write_event(event), flush=True)
send(Progress("starting", 0, 1, None, StageKind.STARTING))
send(Epoch(0, 2, None, None, 1.0, 0.5, 0.1))
"""
"""The beginning of every fake trainer."""


@pytest.fixture(autouse=True)
def _tiny_backbone(home: Path) -> None:
    teaching.replace_backbone(home)


@pytest.fixture
def window(home: Path) -> Iterator[Window]:
    made = Window()
    yield made
    made.close()
    assert not made.worker.is_alive()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teaching.write_labelled(tmp_path_factory.mktemp("labelled") / "pictures", 20)


def request(folder: Path, **changes: object) -> TrainRequest:
    made = TrainRequest(
        folder=folder,
        name="mine",
        validation=0.25,
        test=0.25,
        seed=0,
        provider=ProviderPreference.CPU,
        precision=Precision.AUTO,
    )
    return replace(made, **changes)


def fake_trainer(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Replace the trainer by a fake one that runs this script."""
    program = TrainerProgram(
        (sys.executable, "-c", TRAINER + script), {"PYTHONPATH": str(Path(core.__file__).parents[1])}
    )
    monkeypatch.setattr(trainer_process, "find_program", lambda: program)


def trained(wanted: TrainRequest, *, against: str | None = None, reports: list[object] | None = None) -> TrainingResult:
    return api.train(wanted, against, report=([] if reports is None else reports).append, token=CancelToken())
