"""Trainings done, failed, paused and stopped, some of them over a worker's pipe."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import core
from core import api
from core.base import paths
from core.base.errors import DivergedError, TrainerError, UsageError
from core.base.progress import Progress, StageKind
from core.models.library import open_library
from core.training import protocol, trainer_process
from core.training.protocol import Epoch
from core.training.request import Recipe
from core.worker import Error, Event, Order, Result, Stopped
from tests import teaching, tiny
from tests.calling import Window
from tests.core.api.conftest import fake_trainer, request, trained

# ---- the training


def test_the_summary_has_everything_the_window_shows(folder: Path) -> None:
    reports: list[object] = []
    facts = trained(request(folder), reports=reports)
    assert (facts.name, facts.version, facts.in_use) == ("mine", 1, True)
    assert facts.card.classes == ("blue", "green", "red")
    assert (facts.fitted, sum(facts.subsets.values()), facts.computed) == (60, 60, 60)
    assert facts.card.training["command"].startswith(f"fovea train {folder.name} --name mine --recipe quick")
    found = facts.evaluation
    assert found is not None
    assert found.images == facts.subsets["test"] == len(found.predictions) == sum(map(sum, found.confusion))
    assert [one.label for one in found.per_class] == list(facts.card.classes)
    right = sum(one.label == one.predicted for one in found.predictions)
    assert found.accuracy == right / found.images == sum(found.confusion[at][at] for at in range(3)) / found.images
    assert found.interval[0] <= found.accuracy <= found.interval[1]
    assert all(one.path.parent.name == one.label for one in found.predictions)
    assert sum(one.images for one in found.calibrated.bins) == found.images
    assert sum(one.images for one in found.raw.bins) == found.images
    assert any("had not seen" in note for note in facts.notes)
    stages = {one.stage: one.kind for one in reports if isinstance(one, Progress)}
    assert stages["computing features"] is stages["looking at the images"] is StageKind.IMAGES
    assert stages["fitting the head"] is StageKind.OTHER
    assert facts.seconds > 0


def test_mistakes_are_listed_most_confident_first(tmp_path: Path, folder: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "wrong")
    for number in range(10):  # wrong labels
        (place / "red" / f"{number}.png").rename(place / "blue" / f"red{number}.png")
    found = trained(request(place)).evaluation
    assert found is not None
    assert found.mistakes
    assert all(one.label != one.predicted for one in found.mistakes)
    assert [one.confidence for one in found.mistakes] == sorted((m.confidence for m in found.mistakes), reverse=True)
    assert set(found.mistakes) <= set(found.predictions)


def test_it_is_compared_with_the_model_in_use(folder: Path, tmp_path: Path) -> None:
    first = trained(request(teaching.write_labelled(tmp_path / "others", 4, seed=5)))
    facts = trained(request(folder), against="mine")
    assert (first.version, facts.version) == (1, 2)
    against = facts.baseline
    assert against is not None
    assert facts.evaluation is not None
    assert (against.name, against.version, against.training_overlap) == ("mine", 1, 0)
    found = against.result
    assert (found.b.images, found.b.fraction) == (facts.evaluation.images, facts.evaluation.accuracy)
    won = found.only_b_correct - found.only_a_correct
    assert found.a.fraction == pytest.approx(found.b.fraction - won / found.b.images)
    again = trained(request(folder), against="mine")
    assert again.baseline is not None
    assert again.baseline.training_overlap == again.baseline.result.a.images


def test_a_class_that_the_model_in_use_does_not_know_is_left_out(folder: Path, tmp_path: Path) -> None:
    two = teaching.write_labelled(tmp_path / "two", 6, classes=["red", "green"], seed=3)
    trained(request(two))
    facts = trained(request(folder), against="mine")
    assert facts.baseline is not None
    assert facts.evaluation is not None
    assert facts.baseline.result.a.images == sum(one.label != "blue" for one in facts.evaluation.predictions)


@pytest.mark.parametrize(
    ("against", "word"), [("no-such-model", "no model named"), ("letters", "has none of these classes")]
)
def test_what_cannot_be_compared_is_said(folder: Path, against: str, word: str) -> None:
    card, files = tiny.packaged_model("letters", classes=("a", "b", "c"))
    open_library().install(card, files)
    facts = trained(request(folder), against=against)
    assert facts.baseline is None
    assert any(word in note for note in facts.notes)


def test_an_invalid_request_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError) as refused:
        trained(request(folder, name="../mine"))
    assert not refused.value.can_resume


def train(window: Window, folder: Path, **changes: object) -> None:
    """Begin a training as call 1."""
    window.call(1, api.train, request(folder, **changes), None)


@pytest.mark.parametrize("pause", [False, True])
def test_a_training_is_stopped(window: Window, tmp_path: Path, pause: bool) -> None:
    train(window, teaching.write_labelled(tmp_path, 100))
    window.wait(Event)
    if pause:
        window.steer(1, Order.PAUSE)
    window.steer(1, Order.CANCEL)
    window.wait(Stopped)
    assert not api.settle_run(request(tmp_path), discard=False)
    assert not open_library().versions("mine")


def test_a_paused_training_waits(window: Window, tmp_path: Path) -> None:
    train(window, teaching.write_labelled(tmp_path, 100))
    window.steer(1, Order.PAUSE)
    while not window.is_silent(0.8):
        window.wait(Event)
    assert window.is_silent(0.5)
    window.steer(1, Order.RESUME)
    assert window.wait(Result).value.version == 1


def test_a_folder_is_read_during_a_training(window: Window, folder: Path, tmp_path: Path) -> None:
    train(window, teaching.write_labelled(tmp_path, 60))
    window.steer(1, Order.PAUSE)
    window.call(2, api.read_folder, folder)
    assert window.wait(Result, 2).value.images == 60
    window.steer(1, Order.RESUME)
    window.wait(Result)


def test_a_training_ends_when_the_window_closes(tmp_path: Path) -> None:
    window = Window()
    train(window, teaching.write_labelled(tmp_path, 100))
    window.wait(Event)
    window.steer(1, Order.PAUSE)
    window.close()
    assert not window.worker.is_alive()
    assert not open_library().versions("mine")


# ---- the trainer process


def test_a_trainer_that_dies_leaves_a_training_that_can_be_resumed(
    window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_trainer(monkeypatch, "raise SystemExit('no memory')")
    train(window, folder, recipe=Recipe.DENSE)
    error = window.wait(Error).error
    assert isinstance(error, TrainerError)
    assert "no memory" in error.what
    assert error.can_resume
    assert [one.value.number for one in window.of(Event) if isinstance(one.value, Epoch)] == [0]


def test_a_trainer_that_reports_failure_leaves_nothing_to_resume(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_trainer(monkeypatch, 'send(TrainerFailed("trainer", "It failed.", "Try less."))')
    with pytest.raises(TrainerError) as failed:
        trained(request(folder, recipe=Recipe.DENSE))
    assert not failed.value.can_resume


def test_a_diverged_training_is_discarded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = f"open(os.path.join(sys.argv[2], {protocol.CHECKPOINT!r}), 'w').close()\n"
    fake_trainer(
        monkeypatch, kept + 'send(TrainerFailed("diverged", "The training diverged.", "Train with a smaller rate."))'
    )
    for rate in (10.0, 0.01):  # the second rate is not refused because of the first run
        with pytest.raises(DivergedError, match=r"The training diverged\.") as failed:
            trained(request(folder, recipe=Recipe.DENSE, learning_rate=rate))
        assert not failed.value.can_resume
        assert not (paths.unfinished_runs() / "mine").exists()


def wait_for_epoch(window: Window, number: int) -> None:
    while getattr(window.wait(Event).value, "number", -1) < number:
        pass


@pytest.mark.parametrize("discard", [False, True])
def test_the_progress_of_a_stopped_training_is_kept_or_discarded(
    window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch, discard: bool
) -> None:
    kept = f"open(os.path.join(sys.argv[2], {protocol.CHECKPOINT!r}), 'w').close()\n"
    fake_trainer(monkeypatch, kept + "send(Epoch(1, 2, 1.0, 0.5, 1.0, 0.5, 0.1))\nsys.stdin.read()")
    train(window, folder, recipe=Recipe.DENSE)
    wait_for_epoch(window, 1)
    window.steer(1, Order.CANCEL)
    window.wait(Stopped)
    assert api.settle_run(request(folder), discard=discard) is not discard
    assert (paths.unfinished_runs() / "mine").exists() is not discard


def test_a_training_stopped_before_its_first_epoch_leaves_nothing(
    window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_trainer(monkeypatch, "sys.stdin.read()")
    train(window, folder, recipe=Recipe.DENSE)
    wait_for_epoch(window, 0)
    window.steer(1, Order.CANCEL)
    window.wait(Stopped)
    assert not api.settle_run(request(folder), discard=False)
    assert not (paths.unfinished_runs() / "mine").exists()


def test_the_trainer_is_paused(window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_trainer(
        monkeypatch,
        "orders = sys.stdin.buffer.read(2)\nsend(TrainerFailed('trainer', orders.decode(), '-'))",
    )
    train(window, folder, recipe=Recipe.DENSE)
    wait_for_epoch(window, 0)
    window.steer(1, Order.PAUSE)
    assert window.is_silent(0.5)
    window.steer(1, Order.RESUME)
    assert window.wait(Error).error.what == (trainer_process.PAUSE + trainer_process.RESUME).decode()


# ---- lightness


def test_messages_to_the_window_need_no_heavy_imports(window: Window, folder: Path, tmp_path: Path) -> None:
    teaching.write_labelled(tmp_path / "one", 3, classes=["red"])
    calls = (
        (api.read_folder, folder),
        (api.read_folder, tmp_path / "one"),
        (api.train, request(folder), None),
        (api.train, request(folder), "mine"),
        (api.forecast, request(folder)),
        (api.preview_training, request(folder), (folder / "red" / "0.png",)),
        (api.list_library,),
    )
    for number, (verb, *arguments) in enumerate(calls):
        window.call(number, verb, *arguments)
        window.wait(Result, number)
    window.call(99, api.train, request(folder, name=""), None)
    window.wait(Error, 99)
    (tmp_path / "received.pickle").write_bytes(pickle.dumps(window.received))
    code = f"""
import pickle, sys
from pathlib import Path
received = pickle.loads(Path({str(tmp_path / "received.pickle")!r}).read_bytes())
print(len(received), sorted({{"numpy", "PIL", "onnx", "onnxruntime", "tensorflow", "rich"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(core.__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{len(window.received)} []"
