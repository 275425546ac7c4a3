"""Reading folders, and forecasts of the recipes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core import api
from core.base.errors import Cancelled, DatasetError, TrainerError
from core.base.progress import CancelToken, Progress
from core.datasets import folders
from core.datasets.values import FolderRead
from core.training import trainer_program
from core.training.request import Recipe
from tests import teaching
from tests.core.api.conftest import fake_trainer, request, trained


def read(folder: Path, reports: list[Progress] | None = None) -> FolderRead:
    return api.read_folder(folder, report=([] if reports is None else reports).append, token=CancelToken())


# ---- the folder


def test_a_new_dataset_has_no_problems_yet(home: Path) -> None:
    found = read(folders.create_dataset("Mine", {}).folder)
    assert found.is_custom
    assert found.problems == ()
    assert found.error is not None
    assert found.error.hint == "Create at least two classes, and drop photos on each of them."


def test_a_folder_is_read(folder: Path) -> None:
    reports: list[Progress] = []
    found = read(folder, reports)
    assert [(one.name, one.images, len(one.samples)) for one in found.classes] == [
        ("blue", 20, 20),
        ("green", 20, 20),
        ("red", 20, 20),
    ]
    assert (found.images, found.folder, found.error) == (60, folder, None)
    assert all(sample.parent.name == one.name for one in found.classes for sample in one.samples)
    assert len({sample for one in found.classes for sample in one.samples}) == 60
    steps = [(progress.step, progress.total) for progress in reports]
    assert (steps[0], steps[-1]) == ((0, 60), (60, 60))
    assert steps == sorted(steps)


def test_the_problems_of_a_folder_are_listed(folder: Path, tmp_path: Path) -> None:
    place = shutil.copytree(folder, tmp_path / "copy")
    (place / "red" / "torn.png").write_bytes((place / "red" / "0.png").read_bytes()[:60])
    shutil.copy(place / "blue" / "1.png", place / "blue" / "again.png")
    found = read(place)
    problems = {one.kind: one for one in found.problems}
    assert problems["unreadable"].paths == (place / "red" / "torn.png",)
    assert len(problems["duplicate"].paths) == 2
    assert found.images == 60


def test_an_unusable_folder_is_explained(tmp_path: Path) -> None:
    teaching.write_labelled(tmp_path, 3, classes=["red"])
    found = read(tmp_path)
    assert type(found.error) is DatasetError
    assert "two classes" in found.error.what
    assert found.problems[0].is_fatal
    assert not found.classes


def test_reading_is_cancelled(folder: Path) -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        api.read_folder(folder, report=lambda _: token.cancel(), token=token)


# ---- the forecast


def test_each_recipe_is_forecast_with_its_basis(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_trainer(monkeypatch, "")
    monkeypatch.setattr("core.training.forecast.find_program", lambda: None)
    first = api.forecast(request(folder), token=CancelToken())
    assert [one.recipe for one in first] == list(Recipe)
    assert all(one.seconds is not None and one.seconds > 0 and one.error is None for one in first)
    assert "The features of 60 photos were computed" in first[0].basis
    assert all("estimated from the speed of this computer" in one.basis for one in first[1:])
    assert "are already computed" in api.forecast(request(folder), token=CancelToken())[0].basis
    assert trained(request(folder)).computed == 0, "the measured features were kept"


def test_a_recipe_that_cannot_run_is_explained(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_program, "_REQUIRED_PACKAGES", ("no_such_package",))
    quick, dense, fine_tune = api.forecast(request(folder), token=CancelToken())
    assert quick.error is None
    for one in (dense, fine_tune):
        assert one.seconds is None
        assert isinstance(one.error, TrainerError)
        assert "--extra train" in one.error.hint


def test_an_empty_folder_has_no_forecast(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        api.forecast(request(tmp_path), token=CancelToken())
