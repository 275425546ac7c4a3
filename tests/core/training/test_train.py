"""Training from folder to library: the model, its card, and errors of bad folders."""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import core
from core.base.errors import Cancelled, DatasetError, ModelError, StorageError, UsageError
from core.base.progress import CancelToken, Progress, ProgressCallback
from core.base.providers import Precision, ProviderPreference
from core.card import SharedBackbone
from core.models.classifier import open_classifier
from core.models.library import Library, open_library
from core.models.values import BrokenEntry
from core.prediction import Prediction
from core.training.backbones import BACKBONE
from core.training.request import TrainRequest
from core.training.train import Trained, train
from tests import teaching, tiny
from tests.patience import PATIENCE_S

ROOT = Path(core.__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "pictures", 12)


def request(folder: Path, **changes: object) -> TrainRequest:
    made = TrainRequest(
        folder=folder,
        name="mine",
        validation=0.25,
        test=0.25,
        seed=0,
        provider=ProviderPreference.CPU,
        precision=Precision.AUTO,
        command="fovea train pictures",
    )
    return replace(made, **changes)


def run(asked: TrainRequest, library: Library, report: ProgressCallback = lambda _: None) -> Trained:
    return train(asked, library, report=report, token=CancelToken())


def _head(trained: Trained) -> bytes:
    return (trained.model.folder / trained.model.card.head.file).read_bytes()


def test_the_model_recognizes_its_classes(folder: Path, library: Library, tmp_path: Path) -> None:
    trained = run(request(folder), library)
    assert (trained.model.name, trained.model.version, trained.model.is_builtin) == ("mine", 1, False)
    assert trained.model.card.classes == ("blue", "green", "red")
    others = sorted(teaching.write_labelled(tmp_path / "others", 4, seed=9).glob("*/*"))
    classifier = open_classifier(library.find("mine"), ProviderPreference.CPU, Precision.AUTO)
    outcomes = list(classifier.classify(others, top_k=1))
    assert [out.best.label for out in outcomes if isinstance(out, Prediction)] == [p.parent.name for p in others]


def test_the_card_records_the_training_and_the_evaluation(folder: Path, library: Library) -> None:
    trained = run(request(folder), library)
    card, evaluation = trained.model.card, trained.head.evaluation
    assert evaluation is not None
    assert card.backbone == SharedBackbone(BACKBONE, tiny.sha256(tiny.backbone_bytes()))
    assert sum(trained.data.counts().values()) == trained.head.trained.fitted == trained.data.computed == 36
    assert card.training["images"] == trained.data.counts()
    assert card.training["images_per_class"] == {"blue": 12, "green": 12, "red": 12}
    assert card.training["command"] == "fovea train pictures"
    assert (card.training["C"], card.training["seed"]) == (trained.head.trained.facts["C"], 0)
    assert card.evaluation["images"] == trained.data.counts()["test"] == evaluation.images
    assert card.evaluation["accuracy"] == round(evaluation.accuracy, 6) == 1.0
    assert card.evaluation["method"].endswith("to all images")
    assert np.array(card.evaluation["confusion"]).sum() == evaluation.images
    assert str(folder) not in json.dumps([card.training, card.evaluation])


def test_a_second_training_computes_nothing_and_gives_the_same_bytes(folder: Path, library: Library) -> None:
    first, second = run(request(folder), library), run(request(folder), library)
    assert (second.model.version, second.data.computed) == (2, 0)
    assert _head(first) == _head(second)
    assert first.model.card == second.model.card


def test_a_moved_folder_has_the_same_fingerprint(folder: Path, library: Library) -> None:
    first = run(request(folder), library)
    moved = folder.rename(folder.with_name("moved"))
    second = run(request(moved), library)
    assert first.model.card.training["dataset_sha256"] == second.model.card.training["dataset_sha256"]
    (moved / "red" / "0.png").unlink()
    third = run(request(moved), library)
    assert third.model.card.training["dataset_sha256"] != first.model.card.training["dataset_sha256"]


def test_parts_that_the_folder_names_are_never_learnt_from(tmp_path: Path, library: Library) -> None:
    for part, count in (("train", 10), ("validation", 4), ("test", 5)):
        teaching.write_labelled(tmp_path / "parts" / part, count, seed=count)
    trained = run(request(tmp_path / "parts"), library)
    assert trained.data.counts() == {"train": 30, "validation": 12, "test": 15}
    assert trained.head.trained.fitted == 30
    assert trained.model.card.evaluation["method"] == "on the test images, which the head was not trained on"


def test_requested_counts_are_met(folder: Path, library: Library) -> None:
    trained = run(request(folder, validation=6, test=9), library)
    assert trained.data.counts() == {"train": 21, "validation": 6, "test": 9}
    assert trained.head.trained.fitted == 21


def test_without_other_subsets_there_is_no_evaluation(folder: Path, library: Library) -> None:
    trained = run(request(folder, validation=0, test=0), library)
    assert trained.head.evaluation is None
    card = trained.model.card
    assert (card.evaluation.keys(), card.temperature) == ({"out_of_sample"}, 1.0)
    assert 0 < (card.unknown_below or 0) < 1, "cross-validation needs no other parts"


def test_enough_validation_images_give_a_threshold(tmp_path: Path, library: Library) -> None:
    trained = run(request(teaching.write_labelled(tmp_path / "many", 40)), library)
    assert 0 < (trained.model.card.unknown_below or 0) < 1


@pytest.mark.parametrize("name", ["Mine", "", "../mine", "con", "a b", "x" * 65, "m\udcff"])
def test_an_invalid_name_is_rejected_at_once(folder: Path, library: Library, name: str) -> None:
    with pytest.raises(UsageError, match="not a valid model name"):
        run(request(folder, name=name), library, report=lambda _: pytest.fail("it began"))


@pytest.mark.parametrize("name", ["colours", BACKBONE])
def test_names_of_built_in_models_are_rejected(folder: Path, library: Library, name: str) -> None:
    with pytest.raises(UsageError, match="name of a built-in model"):
        run(request(folder, name=name), library)


def test_without_the_backbone_training_fails(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        run(request(folder), Library(tmp_path / "none", tmp_path / "own"))


def test_a_folder_that_cannot_be_trained_on(tmp_path: Path, library: Library) -> None:
    empty, single, alike = tmp_path / "empty", tmp_path / "single", tmp_path / "alike"
    empty.mkdir()
    teaching.write_labelled(single, 5, classes=["red"])
    for label in ("a", "b"):
        for number in range(4):
            tiny.write_solid(alike / label / f"{number}.png", "grey")
    for folder in (empty, single, alike):
        with pytest.raises(DatasetError, match="Couldn't train on"):
            run(request(folder), library)
    with pytest.raises(DatasetError, match=r"Couldn't read the folder “.*”: No such file"):
        run(request(tmp_path / "not-there"), library)
    assert "mine" not in {entry.name for entry in library.entries()}


def test_a_class_of_one_image_is_left_out_and_bad_files_are_listed(folder: Path, library: Library) -> None:
    (folder / "rare").mkdir()
    Image.new("RGB", (40, 40), (9, 200, 90)).save(folder / "rare" / "only.png")
    (folder / "red" / "torn.png").write_bytes((folder / "red" / "0.png").read_bytes()[:60])
    trained = run(request(folder), library)
    assert trained.model.card.classes == ("blue", "green", "red")
    messages = " ".join(problem.message for problem in trained.data.dataset.problems)
    assert "rare" in messages
    assert "torn.png" in messages


def _at(stage: str, act: ProgressCallback) -> ProgressCallback:
    """A progress callback that acts once, when a stage begins."""
    seen: set[str] = set()

    def report(progress: Progress) -> None:
        if progress.stage == stage and stage not in seen:
            act(progress)
        seen.add(progress.stage)

    return report


def test_files_that_vanish_are_listed_and_the_others_used(folder: Path, library: Library) -> None:
    gone = [folder / "red" / "1.png", folder / "blue" / "11.png"]
    trained = run(request(folder), library, _at("computing features", lambda _: [path.unlink() for path in gone]))
    assert {failure.path for failure in trained.data.failures} == set(gone)
    assert sum(trained.data.counts().values()) == 34


def test_a_class_that_vanishes_stops_the_training(folder: Path, library: Library) -> None:
    def vanish(_: Progress) -> None:
        for path in (folder / "red").iterdir():
            path.unlink()

    with pytest.raises(DatasetError, match="red"):
        run(request(folder), library, _at("computing features", vanish))


@pytest.mark.parametrize("stage", ["computing features", "tuning the regularization", "fitting the head"])
def test_cancelled_at_any_stage_it_installs_nothing(folder: Path, library: Library, stage: str) -> None:
    run(request(folder), library)
    token = CancelToken()
    with pytest.raises(Cancelled):
        train(request(folder, seed=1), library, report=_at(stage, lambda _: token.cancel()), token=token)
    assert library.find("mine").version == 1


def test_an_unwritable_cache_only_causes_a_warning(
    folder: Path, library: Library, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.mkdir()
    (home / "cache").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING, "core.engine.feature_store"):
        trained = run(request(folder), library)
    assert trained.model.version == 1
    warnings = [record.getMessage() for record in caplog.records]
    assert sum("features.sqlite" in text for text in warnings) == 1


def test_an_unwritable_library_is_reported(folder: Path, library: Library) -> None:
    library.user.write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        run(request(folder), library)


def test_unusual_labels_and_paths_are_harmless(tmp_path: Path, library: Library) -> None:
    folder = teaching.write_labelled(tmp_path / "new\nline\u202e", 6)
    (folder / "red").rename(folder / "r\u00f6t \U0001f98a")
    trained = run(request(folder, command="fovea train 'new\nline\u202e'"), library)
    assert "r\u00f6t \U0001f98a" in library.find("mine").card.classes
    assert "\n" not in trained.model.card.training["command"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="signals of POSIX systems")
def test_kills_at_random_moments_damage_nothing(tmp_path: Path, home: Path) -> None:
    teaching.replace_backbone(home)
    folder = teaching.write_labelled(tmp_path / "pictures", 150)
    command = [sys.executable, "-m", "core.cli", "train", str(folder), "--name", "mine", "--format", "json"]
    versions, draw = 0, random.Random(0)
    for _ in range(4):
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(os.environ)
        )
        time.sleep(draw.uniform(0.7, 3))
        process.kill()
        _, err = process.communicate(timeout=PATIENCE_S)
        assert b"Traceback" not in err
        entries = {entry.name: entry for entry in open_library().entries()}
        assert not [entry for entry in entries.values() if isinstance(entry, BrokenEntry)]
        if "mine" in entries:
            found = open_library().find("mine")
            open_classifier(found, ProviderPreference.CPU, Precision.AUTO)
            assert found.version >= versions
            versions = found.version
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == open_library().find("mine").version > versions
    assert b"damaged" not in done.stderr
