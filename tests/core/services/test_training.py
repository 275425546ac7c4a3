"""The training process over a real pipe: trainings done, failed, paused and called off."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import core
from core import paths
from core.errors import TrainerError, UsageError
from core.learning import protocol, trainer
from core.learning.request import Recipe
from core.library.library import open_library
from core.services.folder_messages import FolderRead, ReadFolder
from core.services.training_messages import (
    EpochDone,
    Forecast,
    Pause,
    Resume,
    Stage,
    Stop,
    Stopped,
    Train,
    TrainDone,
    TrainFailed,
    Use,
    Used,
)
from tests import teaching, tiny
from tests.core.services.conftest import Window, request, speaking, trained

# ---- the training


def test_the_result_carries_all_that_a_page_shows(window: Window, folder: Path) -> None:
    facts = trained(window, request(folder))
    assert (facts.name, facts.version, facts.in_use, facts.recipe) == ("mine", 1, True, Recipe.QUICK)
    assert facts.classes == ("blue", "green", "red")
    assert (facts.fitted, sum(facts.parts.values()), facts.computed) == (60, 60, 60)
    assert facts.training["command"].startswith(f"fovea train {folder.name} --name mine --recipe quick")
    found = facts.evaluation
    assert found is not None
    assert found.images == facts.parts["test"] == len(found.tested) == sum(map(sum, found.confusion))
    assert [one.name for one in found.per_class] == list(facts.classes)
    right = sum(one.label == one.predicted for one in found.tested)
    assert found.accuracy == right / found.images == sum(found.confusion[at][at] for at in range(3)) / found.images
    assert found.interval[0] <= found.accuracy <= found.interval[1]
    assert all(one.path.parent.name == one.label for one in found.tested)
    assert sum(one.images for one in found.reliability) == found.images
    assert sum(one.images for one in found.reliability_before) == found.images
    assert any("had not seen" in note for note in facts.notes)
    assert {one.progress.stage for one in window.of(Stage)} >= {"computing features", "fitting the head"}
    assert facts.seconds > 0


def test_mistakes_are_listed_surest_first(window: Window, tmp_path: Path, folder: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "wrong")
    for number in range(10):  # lies
        (place / "red" / f"{number}.png").rename(place / "blue" / f"red{number}.png")
    found = trained(window, request(place)).evaluation
    assert found is not None
    assert found.mistakes
    assert all(one.label != one.predicted for one in found.mistakes)
    assert [one.confidence for one in found.mistakes] == sorted((m.confidence for m in found.mistakes), reverse=True)
    assert set(found.mistakes) <= set(found.tested)


def test_it_is_compared_with_the_model_in_use(window: Window, folder: Path, tmp_path: Path) -> None:
    first = trained(window, request(teaching.write_labelled(tmp_path / "others", 4, seed=5)))
    facts = trained(window, request(folder), against="mine")
    assert (first.version, facts.version) == (1, 2)
    against = facts.against
    assert against is not None
    assert facts.evaluation is not None
    assert (against.name, against.version, against.learnt) == ("mine", 1, 0)
    assert (against.images, against.accuracy_now) == (facts.evaluation.images, facts.evaluation.accuracy)
    won = against.only_now_right - against.only_before_right
    assert against.accuracy_before == pytest.approx(against.accuracy_now - won / against.images)
    again = trained(window, request(folder), against="mine")
    assert again.against is not None
    assert again.against.learnt == again.against.images
    assert any("flattered" in note for note in again.notes)


def test_a_class_that_the_model_in_use_does_not_know_is_left_out(window: Window, folder: Path, tmp_path: Path) -> None:
    two = teaching.write_labelled(tmp_path / "two", 6, classes=["red", "green"], seed=3)
    trained(window, request(two))
    facts = trained(window, request(folder), against="mine")
    assert facts.against is not None
    assert facts.evaluation is not None
    assert facts.against.images == sum(one.label != "blue" for one in facts.evaluation.tested)


@pytest.mark.parametrize(("against", "word"), [("no-such-model", "no model called"), ("letters", "knows none")])
def test_what_cannot_be_compared_is_said(window: Window, folder: Path, against: str, word: str) -> None:
    card, files = tiny.packaged_model("letters", classes=("a", "b", "c"))
    open_library().install(card, files)
    facts = trained(window, request(folder), against=against)
    assert facts.against is None
    assert any(word in note for note in facts.notes)


def test_a_request_that_cannot_be_is_refused(window: Window, folder: Path) -> None:
    window.send(Train(1, request(folder, name="../mine")))
    failed = window.wait(TrainFailed)
    assert isinstance(failed.error, UsageError)
    assert not failed.can_resume


@pytest.mark.parametrize("pause", [False, True])
def test_a_training_is_called_off(window: Window, tmp_path: Path, pause: bool) -> None:
    window.send(Train(1, request(teaching.write_labelled(tmp_path, 100))))
    window.wait(Stage)
    window.send(*([Pause(1)] if pause else []), Stop(1))
    assert window.wait(Stopped) == Stopped(1, can_resume=False)
    assert not open_library().versions("mine")


def test_a_paused_training_waits(window: Window, tmp_path: Path) -> None:
    window.send(Train(1, request(teaching.write_labelled(tmp_path, 100))), Pause(1))
    while not window.is_silent(0.8):
        window.wait(Stage)
    assert window.is_silent(0.5)
    window.send(Resume(1))
    assert window.wait(TrainDone).facts.version == 1


def test_two_things_are_done_at_once(window: Window, folder: Path, tmp_path: Path) -> None:
    window.send(Train(1, request(teaching.write_labelled(tmp_path, 60))), Pause(1), ReadFolder(2, folder))
    assert window.wait(FolderRead, ticket=2).images == 60
    window.send(Resume(1))
    window.wait(TrainDone)


def test_a_version_is_put_into_use(window: Window, folder: Path) -> None:
    for _ in range(2):
        trained(window, request(folder))
    assert open_library().find("mine").version == 2
    window.send(Use(3, "mine", 1))
    assert window.wait(Used, ticket=3) == Used(3, "mine", 1, None)
    assert open_library().find("mine").version == 1
    window.send(Use(4, "mine", 9))
    assert "no version 9" in str(window.wait(Used, ticket=4).error)


def test_a_window_that_goes_takes_the_training_with_it(home: Path, tmp_path: Path) -> None:
    teaching.replace_backbone(home)
    window = Window()
    window.send(Train(1, request(teaching.write_labelled(tmp_path, 100))))
    window.wait(Stage)
    window.send(Pause(1))
    window.close()
    assert not window.service.is_alive()
    assert not open_library().versions("mine")


# ---- the trainer process


def test_a_trainer_that_dies_leaves_a_training_that_goes_on(
    window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking(monkeypatch, "raise SystemExit('no memory')")
    window.send(Train(1, request(folder, recipe=Recipe.DENSE)))
    failed = window.wait(TrainFailed)
    assert type(failed.error) is TrainerError, "the window knows no other"
    assert "no memory" in failed.error.what
    assert failed.can_resume
    assert [one.epoch.number for one in window.of(EpochDone)] == [0]


def test_a_trainer_that_gives_up_leaves_nothing_to_go_on_with(
    window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking(monkeypatch, 'say(Failed("trainer", "It went astray.", "Try less."))')
    window.send(Train(1, request(folder, recipe=Recipe.DENSE)))
    assert not window.wait(TrainFailed).can_resume


def test_a_diverged_training_is_thrown_away(window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = f"open(os.path.join(sys.argv[2], {protocol.CHECKPOINT!r}), 'w').close()\n"
    speaking(monkeypatch, kept + 'say(Failed("diverged", "The training diverged.", "Train with a smaller rate."))')
    window.send(Train(1, request(folder, recipe=Recipe.DENSE, learning_rate=10.0)))
    failed = window.wait(TrainFailed)
    assert failed.error.what == "The training diverged."
    assert not failed.can_resume
    assert not (paths.unfinished_runs() / "mine").exists()
    window.send(Train(2, request(folder, recipe=Recipe.DENSE, learning_rate=0.01)))
    assert window.wait(TrainFailed, 2).error.what == "The training diverged.", "it was not refused for the other rate"


@pytest.mark.parametrize("discard", [False, True])
def test_who_calls_it_off_says_what_becomes_of_the_work(
    window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch, discard: bool
) -> None:
    kept = f"open(os.path.join(sys.argv[2], {protocol.CHECKPOINT!r}), 'w').close()\n"
    speaking(monkeypatch, kept + "say(Epoch(1, 2, 1.0, 0.5, 1.0, 0.5, 0.1))\nsys.stdin.read()")
    window.send(Train(1, request(folder, recipe=Recipe.DENSE)))
    while window.wait(EpochDone).epoch.number < 1:
        pass
    window.send(Stop(1, discard=discard))
    assert window.wait(Stopped).can_resume is not discard
    assert (paths.unfinished_runs() / "mine").exists() is not discard


def test_a_training_with_nothing_learnt_yet_leaves_nothing(
    window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking(monkeypatch, "sys.stdin.read()")
    window.send(Train(1, request(folder, recipe=Recipe.DENSE)))
    window.wait(EpochDone)
    window.send(Stop(1))
    assert not window.wait(Stopped).can_resume
    assert not (paths.unfinished_runs() / "mine").exists()


def test_the_trainer_is_told_to_wait(window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaking(
        monkeypatch,
        "heard = sys.stdin.buffer.read(2)\nsay(Failed('trainer', heard.decode(), '-'))",
    )
    window.send(Train(1, request(folder, recipe=Recipe.DENSE)))
    window.wait(EpochDone)
    window.send(Pause(1))
    assert window.is_silent(0.5)
    window.send(Resume(1))
    assert window.wait(TrainFailed).error.what == (trainer.PAUSE + trainer.RESUME).decode()


# ---- lightness


def test_what_the_window_hears_needs_nothing_heavy(window: Window, folder: Path, tmp_path: Path) -> None:
    teaching.write_labelled(tmp_path / "one", 3, classes=["red"])
    window.send(ReadFolder(1, folder), ReadFolder(2, tmp_path / "one"))
    window.wait(FolderRead, ticket=2)
    window.send(Train(3, request(folder), "mine"))
    window.wait(TrainDone, ticket=3)
    window.send(Forecast(4, request(folder)), Train(5, request(folder, name="")))
    window.wait(TrainFailed, ticket=5)
    (tmp_path / "heard.pickle").write_bytes(pickle.dumps(window.heard))
    code = f"""
import pickle, sys
from pathlib import Path
heard = pickle.loads(Path({str(tmp_path / "heard.pickle")!r}).read_bytes())
print(len(heard), sorted({{"numpy", "PIL", "onnx", "onnxruntime", "tensorflow", "rich"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(core.__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{len(window.heard)} []"
