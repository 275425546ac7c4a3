"""The other end of the pipe to the training process, and what a viewer of jobs says."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from typing import TypeVar

import pytest

import core
from core.learning import trainer
from core.learning.request import TrainRequest
from core.learning.trainer_program import TrainerProgram
from core.providers import Precision, ProviderWish
from core.services import batch_messages
from core.services.batch_views import Viewer
from core.services.training import TrainingService
from core.services.training_messages import (
    Job,
    Order,
    Train,
    TrainDone,
)
from core.services.training_values import TrainedFacts
from tests import teaching

Kind = TypeVar("Kind")
PATIENCE_S = 60

TRAINER = """
import os, sys, time
from core.learning.protocol import *
from core.progress import Progress
def say(event):
    print(write_event(event), flush=True)
say(Progress("starting", 0, 1, None))
say(Epoch(0, 2, None, None, 1.0, 0.5, 0.1))
"""
"""What the trainers here begin with."""


class Window:
    """The other end of the pipe."""

    def __init__(self) -> None:
        self._ours, theirs = Pipe()
        self.heard: list[object] = []
        self.service = threading.Thread(target=self._serve, args=(theirs,), daemon=True)
        self.service.start()

    def _serve(self, connection) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        TrainingService(connection).run()
        connection.close()

    def send(self, *messages: Job | Order) -> None:
        for message in messages:
            self._ours.send(message)

    def wait(self, kind: type[Kind], ticket: int = 1) -> Kind:
        """The next message of a kind that answers a ticket; what comes before it is kept in `heard`."""
        until = time.monotonic() + PATIENCE_S
        while self._ours.poll(max(0.0, until - time.monotonic())):
            message = self._ours.recv()
            self.heard.append(message)
            if isinstance(message, kind) and getattr(message, "ticket", ticket) == ticket:
                return message
        pytest.fail(f"no {kind.__name__} came, but {self.heard}")

    def is_silent(self, seconds: float) -> bool:
        return not self._ours.poll(seconds)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [message for message in self.heard if isinstance(message, kind)]

    def close(self) -> None:
        self._ours.close()
        self.service.join(PATIENCE_S)


@pytest.fixture
def window(home: Path) -> Iterator[Window]:
    teaching.replace_backbone(home)
    made = Window()
    yield made
    made.close()
    assert not made.service.is_alive()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teaching.write_labelled(tmp_path_factory.mktemp("labelled") / "pictures", 20)


@pytest.fixture
def told() -> queue.Queue[batch_messages.Answer]:
    """What the viewer of jobs said."""
    return queue.Queue()


@pytest.fixture
def viewer(told: queue.Queue[batch_messages.Answer]) -> Iterator[Viewer]:
    """Works until the test ends."""
    made = Viewer(told.put)
    yield made
    made.close()


def request(folder: Path, **changes: object) -> TrainRequest:
    made = TrainRequest(
        folder=folder,
        name="mine",
        validation=0.25,
        test=0.25,
        seed=0,
        provider=ProviderWish.CPU,
        precision=Precision.AUTO,
    )
    return replace(made, **changes)


def speaking(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Have the trainer be another program."""
    program = TrainerProgram(
        (sys.executable, "-c", TRAINER + script), {"PYTHONPATH": str(Path(core.__file__).parents[1])}
    )
    monkeypatch.setattr(trainer, "find_program", lambda: program)


def trained(window: Window, asked: TrainRequest, *, against: str | None = None) -> TrainedFacts:
    window.send(Train(1, asked, against))
    return window.wait(TrainDone).facts
