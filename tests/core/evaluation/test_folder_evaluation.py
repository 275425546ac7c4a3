"""Evaluation of the tiny colour model on a folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from core.base.errors import Cancelled, DatasetError
from core.base.progress import CancelToken, Progress
from core.base.providers import Precision, Provider
from core.card import ModelCard
from core.engine.engine import Engine, open_engine
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor
from core.evaluation.folder_evaluation import evaluate_folder
from core.evaluation.intervals import accuracy_of
from core.evaluation.leakage import ContainsHash, TrainingSet
from core.evaluation.values import Accuracy, FolderEvaluation
from tests import tiny


def _open() -> Engine:
    return open_engine(tiny.backbone_bytes(), tiny.backbone_card(), Provider.CPU, Precision.EXACT)


def run(
    folder: Path, card: ModelCard | None = None, token: CancelToken | None = None, contains: ContainsHash | None = None
) -> FolderEvaluation:
    source = FeatureExtractor(tiny.backbone_card(), Precision.EXACT, _open)
    card = card or tiny.model_card()
    head = tiny.head(len(card.classes))
    with FeatureStore() as store:
        return evaluate_folder(
            folder,
            card,
            head,
            source,
            store,
            training_set=contains and TrainingSet(contains),
            report=lambda _: None,
            token=token or CancelToken(),
        )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images of each class, one of them in the wrong folder."""
    place = tmp_path / "colours"
    tiny.write_labelled(place)
    tiny.write_solid(place / "green" / "1.png", "blue", size=(50, 50))
    return place


def test_labels_come_from_the_folders(folder: Path) -> None:
    result = run(folder)
    found = result.evaluation
    assert (found.images, found.accuracy) == (6, pytest.approx(5 / 6))
    assert found.confusion == ((2, 0, 0), (0, 1, 1), (0, 0, 2))
    assert [(one.path, one.label, one.predicted) for one in found.mistakes] == [
        (folder / "green" / "1.png", "green", "blue")
    ]
    assert (result.failures, result.problems, result.computed) == ((), (), 6)


def test_a_second_evaluation_computes_nothing_and_gives_the_same_result(folder: Path) -> None:
    first, second = run(folder), run(folder)
    assert (first.computed, second.computed) == (6, 0)
    assert first.evaluation.calibrated == second.evaluation.calibrated


def test_training_images_are_detected(folder: Path) -> None:
    trained_on = {tiny.sha256(path.read_bytes()) for path in (folder / "red").iterdir()}
    result = run(folder, contains=trained_on.__contains__)
    assert (result.evaluation.images, result.training_overlap) == (6, 2)
    assert result.held_out == accuracy_of(3, 4)


def test_an_unknown_training_set_gives_no_held_out_score(folder: Path) -> None:
    result = run(folder)
    assert (result.training_overlap, result.held_out) == (None, None)


def test_if_all_images_are_training_images_there_is_no_held_out_score(folder: Path) -> None:
    result = run(folder, contains=lambda _: True)
    assert (result.training_overlap, result.held_out) == (6, None)


def test_without_training_images_all_images_are_held_out(folder: Path) -> None:
    result = run(folder, contains=lambda _: False)
    found = result.evaluation
    assert (result.training_overlap, result.held_out) == (0, Accuracy(6, found.accuracy, found.interval))


def test_an_unreadable_image_is_not_counted_as_a_training_image(folder: Path) -> None:
    (folder / "red" / "torn.png").write_bytes((folder / "red" / "0.png").read_bytes()[:60])
    assert run(folder, contains=lambda _: True).training_overlap == 6


def test_one_class_alone_can_be_evaluated(folder: Path) -> None:
    for colour in ("green", "blue"):
        for path in (folder / colour).iterdir():
            path.unlink()
    found = run(folder).evaluation
    assert (found.images, found.accuracy) == (2, 1.0)
    assert [one.recall for one in found.per_class] == [1.0, None, None]


def test_folders_that_are_not_classes_are_left_out_and_reported(folder: Path) -> None:
    tiny.write_solid(folder / "grey" / "0.png", "grey")
    result = run(folder)
    assert result.evaluation.images == 6
    (problem,) = result.problems
    assert "“grey” (1)" in problem.message


def test_nothing_that_matches_is_an_error(tmp_path: Path) -> None:
    tiny.write_solid(tmp_path / "set" / "grey" / "0.png", "grey")
    with pytest.raises(DatasetError, match=r"“grey” \(1\)"):
        run(tmp_path / "set")


def test_case_does_not_matter_if_unambiguous(folder: Path) -> None:
    (folder / "red").rename(folder / "Red")
    assert run(folder).evaluation.images == 6


def test_case_matters_if_classes_differ_only_in_case(folder: Path) -> None:
    (folder / "red").rename(folder / "RED")
    result = run(folder, tiny.model_card(classes=("red", "green", "blue", "Red")))
    assert result.evaluation.images == 4
    assert "“RED” (2)" in result.problems[0].message


@pytest.mark.parametrize(("parts", "subset"), [(("train", "test"), "test"), (("train", "validation"), "validation")])
def test_the_training_subset_is_not_evaluated(
    folder: Path, tmp_path: Path, parts: tuple[str, str], subset: str
) -> None:
    whole = tmp_path / "whole"
    for part in parts:
        for colour in tiny.CLASSES:
            tiny.write_solid(whole / part / colour / "0.png", colour)
    result = run(whole)
    assert result.evaluation.images == 3
    assert all(subset in path.parts for path in result.evaluation.paths)
    assert f"Only the {subset} set of this folder was used (3 images)" in result.problems[0].message


def test_bad_images_fail_alone(folder: Path) -> None:
    (folder / "red" / "torn.png").write_bytes((folder / "red" / "0.png").read_bytes()[:60])
    result = run(folder)
    assert result.evaluation.images == 6
    assert [failure.path.name for failure in result.failures] == ["torn.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_does_not_block(folder: Path) -> None:
    os.mkfifo(folder / "red" / "pipe.png")
    result = run(folder)
    assert result.evaluation.images == 6
    assert [failure.path.name for failure in result.failures] == ["pipe.png"]


def test_no_readable_image_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "set" / "red").mkdir(parents=True)
    (tmp_path / "set" / "red" / "text.png").write_text("no image")
    with pytest.raises(DatasetError, match="no image"):
        run(tmp_path / "set")


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_no_folder_and_no_images_are_errors(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=name):
        run(tmp_path / name)


def test_it_can_be_cancelled(folder: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        run(folder, token=token)


def test_progress_is_reported_for_each_stage(folder: Path) -> None:
    reported: list[Progress] = []
    source = FeatureExtractor(tiny.backbone_card(), Precision.EXACT, _open)
    with FeatureStore() as store:
        evaluate_folder(
            folder, tiny.model_card(), tiny.head(), source, store, report=reported.append, token=CancelToken()
        )
    assert list(dict.fromkeys(one.stage for one in reported)) == ["reading the images", "computing features"]
    assert [(one.step, one.total) for one in reported if one.step == one.total] == [(6, 6), (6, 6)]
