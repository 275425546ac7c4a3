"""Learning from corrections through the training process, over a real pipe."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import core
from core import corrections
from core.corrections import Correction
from core.errors import ModelError
from core.learning.request import RetrainRequest
from core.library.library import open_library
from core.providers import ProviderWish
from core.services.training_messages import (
    Retrain,
    RetrainDone,
    Stage,
    Stop,
    Stopped,
    TrainFailed,
    Use,
    Used,
)
from core.services.training_values import RetrainedFacts
from tests import tiny
from tests.core.services.conftest import Window, request, trained


@pytest.fixture
def greys(tmp_path: Path) -> list[Correction]:
    photos = [tiny.write_solid(tmp_path / f"{side}.png", "grey", size=(side, side)) for side in (40, 44, 48)]
    made = [Correction(photo, "red", 0.5, "blue", "mine") for photo in photos]
    corrections.change("mine", add=made)
    return made


def learn(made: list[Correction], version: int = 1) -> Retrain:
    return Retrain(2, RetrainRequest("mine", version, tuple(made), ProviderWish.CPU))


def test_what_it_fixed_and_broke_is_told(window: Window, folder: Path, greys: list[Correction]) -> None:
    first = trained(window, request(folder))
    window.send(learn(greys))
    facts = window.wait(RetrainDone, ticket=2).facts
    assert (facts.name, facts.version, facts.from_version, facts.classes) == ("mine", 2, 1, first.classes)
    assert [one.correction for one in facts.learnt] == greys
    assert all(one.is_right and one.now == "blue" != one.before for one in facts.learnt)
    assert first.evaluation is not None
    tests = facts.tests
    assert tests is not None
    assert (tests.name, tests.version, tests.learnt) == ("mine", 1, 0)
    assert (tests.images, tests.accuracy_before) == (first.evaluation.images, first.evaluation.accuracy)
    assert facts.left_out == ()
    assert facts.seconds > 0
    assert {one.progress.stage for one in window.of(Stage)} >= {"looking at the images", "fitting the head"}
    assert pickle.loads(pickle.dumps(facts)) == facts


def test_it_is_undone(window: Window, folder: Path, greys: list[Correction]) -> None:
    trained(window, request(folder))
    window.send(learn(greys))
    window.wait(RetrainDone, ticket=2)
    window.send(Use(3, "mine", 1))
    assert window.wait(Used, ticket=3).error is None
    lineage = corrections.lineage(open_library().find("mine").card.training)
    assert all(one.waits(lineage) for one in corrections.load("mine").values())


def test_what_cannot_learn_says_so(window: Window, greys: list[Correction]) -> None:
    card, files = tiny.packaged_model("mine")
    open_library().install(card, files)
    window.send(learn(greys))
    failed = window.wait(TrainFailed, ticket=2)
    assert type(failed.error) is ModelError
    assert not failed.can_resume


def test_it_is_called_off(window: Window, folder: Path, greys: list[Correction]) -> None:
    trained(window, request(folder))
    window.send(learn(greys), Stop(2))
    assert window.wait(Stopped, ticket=2) == Stopped(2)
    assert open_library().numbers("mine") == (1,)


def test_photos_left_out_are_told(window: Window, folder: Path, greys: list[Correction], tmp_path: Path) -> None:
    trained(window, request(folder))
    gone = Correction(tmp_path / "gone.png", "red", 0.5, "blue", "mine")
    window.send(learn([*greys, gone]))
    facts: RetrainedFacts = window.wait(RetrainDone, ticket=2).facts
    assert [one.path for one in facts.left_out] == [gone.path]
    assert len(facts.learnt) == 3


def test_what_is_told_needs_nothing_heavy() -> None:
    heavy = {"numpy", "PIL", "onnx", "onnxruntime", "sqlite3"}
    code = f"import sys, core.services.training_messages; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(core.__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
