"""The next version is what a training from the start makes of the same images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.base.progress import CancelToken, Progress
from core.base.providers import Precision, ProviderPreference
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor, compute_features
from core.models.heads import LinearHead
from core.models.installed import backbone_files, load_bank, load_examples, load_head
from core.models.library import Library
from core.models.values import InstalledModel
from core.services.forgetting import forget
from core.training import quick
from core.training.request import ForgetRequest, HeadKind, RetrainRequest, TrainRequest
from core.training.retrain import retrain
from core.training.train import train
from tests import teaching, tiny
from tests.labels import correction, give


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Red and green images in the sets train, validation and test."""
    top = tmp_path / "pictures"
    for seed, (part, count) in enumerate({"train": 12, "validation": 4, "test": 4}.items()):
        teaching.write_labelled(top / part, count, classes=("red", "green"), seed=seed)
    return top


def learn(library: Library, folder: Path, name: str, kind: HeadKind = HeadKind.LINEAR) -> InstalledModel:
    asked = TrainRequest(folder, name, 0.25, 0.25, 5, ProviderPreference.CPU, Precision.AUTO, head=kind)
    return train(asked, library, report=ignore, token=CancelToken()).model


def ignore(_: Progress) -> None:
    return None


def assert_same(found: InstalledModel, fresh: InstalledModel) -> None:
    """Check that two models have the same weights, calibration and training images."""
    tiny.assert_same_head(load_head(found), load_head(fresh))
    card, expected = found.card, fresh.card
    for name in ("classes", "temperature", "unknown_below", "unknown", "sets"):
        assert getattr(card, name) == getattr(expected, name), name
    for name in ("C", "cross_validated_log_loss", "images", "fitted_to", "dataset_sha256"):
        assert card.training[name] == expected.training[name], name
    assert card.evaluation["accuracy"] == expected.evaluation["accuracy"]
    bank, other = load_bank(found), load_bank(fresh)
    assert bank is not None
    assert other is not None
    assert bank.hashes == other.hashes
    np.testing.assert_array_equal(bank.codes, other.codes)


def test_a_class_that_is_added_is_learned_as_from_the_start(library: Library, folder: Path) -> None:
    model = learn(library, folder, "mine")
    teaching.write_labelled(folder / "train", 12, classes=("blue",), seed=9)
    made = [correction(photo, "blue") for photo in sorted((folder / "train" / "blue").iterdir(), reverse=True)]
    give(*made)
    asked = RetrainRequest("mine", model.version, tuple(made), ProviderPreference.CPU)
    retrain(asked, library, report=ignore, token=CancelToken())
    assert library.find("mine").card.classes == ("blue", "green", "red")
    assert_same(library.find("mine"), learn(library, folder, "fresh"))


@pytest.mark.parametrize("kind", HeadKind)
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_photo_that_is_forgotten_was_never_learned(library: Library, folder: Path, part: str, kind: HeadKind) -> None:
    learn(library, folder, "mine", kind)
    photo = folder / part / "green" / "2.png"
    forget(ForgetRequest("mine", (photo,), ProviderPreference.CPU), library, report=ignore, token=CancelToken())
    photo.unlink()
    assert_same(library.find("mine"), learn(library, folder, "fresh", kind))


def test_after_a_random_split_the_head_is_that_of_all_other_photos(library: Library, tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "all", 16)
    earlier = load_examples(learn(library, folder, "mine"))
    assert earlier is not None
    photo = folder / "red" / "3.png"
    forget(ForgetRequest("mine", (photo,), ProviderPreference.CPU), library, report=ignore, token=CancelToken())
    now = library.find("mine")
    examples = load_examples(now)
    assert examples is not None
    assert {one.path: one.subset for one in examples} == {one.path: one.subset for one in earlier if one.path != photo}
    assert now.card.training["fitted_to"] == 47
    source = FeatureExtractor.select(backbone_files(now.backbone), ProviderPreference.CPU, Precision.AUTO)
    with FeatureStore() as store:
        table = compute_features(examples, source, store, report=ignore, token=CancelToken())
    labels = np.array([now.card.classes.index(one.label) for one in examples])
    expected = quick.fit(table.features, labels, now.card.training["C"])
    found = load_head(now)
    assert isinstance(found, LinearHead)
    half = 2.0**-11  # weights are stored as float16
    np.testing.assert_allclose(found.weights, expected.weights, rtol=half, atol=1e-5)
    np.testing.assert_allclose(found.bias, expected.bias, atol=1e-5)
