"""The training process over a real pipe: folders read, and what recipes would take."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.errors import DatasetError, TrainerError
from core.learning import trainer_program
from core.learning.request import Recipe
from core.services import folders
from core.services.folder_messages import FolderProgress, FolderRead, ReadFolder
from core.services.training_messages import (
    Forecast,
    Forecasted,
    Stop,
    Stopped,
)
from tests import teaching
from tests.core.services.conftest import Window, request, speaking, trained

# ---- the folder


def test_a_folder_is_read(window: Window, folder: Path) -> None:
    window.send(ReadFolder(1, folder))
    found = window.wait(FolderRead)
    assert [(one.name, one.images, len(one.samples)) for one in found.classes] == [
        ("blue", 20, 12),
        ("green", 20, 12),
        ("red", 20, 12),
    ]
    assert (found.images, found.folder, found.has_parts, found.error) == (60, folder, False, None)
    assert all(sample.parent.name == one.name for one in found.classes for sample in one.samples)
    assert len({sample for one in found.classes for sample in one.samples}) == 36
    steps = [(progress.done, progress.total) for progress in window.of(FolderProgress)]
    assert (steps[0], steps[-1]) == ((0, 60), (60, 60))
    assert steps == sorted(steps)


def test_what_is_wrong_with_a_folder_is_listed(window: Window, folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "copy")
    (place / "red" / "torn.png").write_bytes((place / "red" / "0.png").read_bytes()[:60])
    shutil.copy(place / "blue" / "1.png", place / "blue" / "again.png")
    window.send(ReadFolder(1, place))
    found = window.wait(FolderRead)
    problems = {one.kind: one for one in found.problems}
    assert problems["unreadable"].paths == (place / "red" / "torn.png",)
    assert problems["duplicate"].count == 2
    assert found.problem_count == len(found.problems)
    assert found.images == 60


def test_a_folder_to_learn_nothing_from_says_why(window: Window, tmp_path: Path) -> None:
    teaching.write_labelled(tmp_path, 3, classes=["red"])
    window.send(ReadFolder(1, tmp_path))
    found = window.wait(FolderRead)
    assert isinstance(found.error, DatasetError)
    assert "two classes" in found.error.what
    assert found.problems[0].is_fatal
    assert not found.classes


def test_a_later_folder_calls_the_earlier_off(window: Window, folder: Path, tmp_path: Path) -> None:
    window.send(ReadFolder(1, teaching.write_labelled(tmp_path, 300)), ReadFolder(2, folder))
    assert window.wait(FolderRead, ticket=2).images == 60
    assert [one.ticket for one in window.of(FolderRead)] == [2]
    if not window.of(Stopped):
        window.wait(Stopped)


def test_reading_is_called_off(window: Window, tmp_path: Path) -> None:
    window.send(ReadFolder(1, teaching.write_labelled(tmp_path, 300)), Stop(1))
    assert window.wait(Stopped) == Stopped(1)


def test_something_unforeseen_is_an_answer_too(window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "read_dataset", lambda *_, **__: 1 / 0)
    window.send(ReadFolder(1, folder))
    found = window.wait(FolderRead)
    assert "ZeroDivisionError" in str(found.error)
    monkeypatch.undo()
    window.send(ReadFolder(2, folder))
    assert window.wait(FolderRead, ticket=2).error is None


# ---- the forecast


def test_each_recipe_is_forecast_and_says_what_that_stands_on(
    window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking(monkeypatch, "")
    monkeypatch.setattr("core.services.forecast.find_program", lambda: None)
    window.send(Forecast(1, request(folder)))
    first = [window.wait(Forecasted) for _ in Recipe]
    assert [one.recipe for one in first] == list(Recipe)
    assert all(one.seconds is not None and one.seconds > 0 and one.error is None for one in first)
    assert "measured on 60 of them" in first[0].basis
    assert all("elsewhere" in one.basis for one in first[1:])
    window.send(Forecast(2, request(folder)))
    assert "kept from before" in window.wait(Forecasted, ticket=2).basis
    assert trained(window, request(folder)).computed == 0, "what was measured was not lost"


def test_a_recipe_that_cannot_run_says_why(window: Window, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_program, "_NEEDED", ("no_such_package",))
    window.send(Forecast(1, request(folder)))
    quick, dense, fine_tune = [window.wait(Forecasted) for _ in Recipe]
    assert quick.error is None
    for one in (dense, fine_tune):
        assert one.seconds is None
        assert isinstance(one.error, TrainerError)
        assert "--extra train" in one.error.hint


def test_no_recipe_can_run_on_nothing(window: Window, tmp_path: Path) -> None:
    window.send(Forecast(1, request(tmp_path)))
    found = [window.wait(Forecasted) for _ in Recipe]
    assert all(isinstance(one.error, DatasetError) and one.seconds is None for one in found)
