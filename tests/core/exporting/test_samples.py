"""The images that an export is calibrated and evaluated with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.base.errors import DatasetError, ImageError
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.datasets.dataset import read_dataset
from core.datasets.split import split
from core.exporting import samples
from core.exporting.samples import Samples, draw_samples, read_pixels
from core.models.library import Library
from core.models.values import InstalledModel
from core.training.request import TrainRequest
from core.training.train import train
from tests import teaching, tiny

CLASSES = ("red", "green", "blue")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return teaching.write_labelled(tmp_path / "pictures", 16)


def _trained(library: Library, folder: Path, **changes: object) -> InstalledModel:
    request = TrainRequest(
        folder=folder,
        name="mine",
        validation=0.25,
        test=0.25,
        seed=7,
        provider=ProviderPreference.CPU,
        precision=Precision.EXACT,
        command="fovea train pictures",
    )
    return train(replace(request, **changes), library, report=lambda _: None, token=CancelToken()).model


def _draw_samples(model: InstalledModel, folder: Path) -> Samples:
    return draw_samples(model, folder, report=lambda _: None, token=CancelToken())


@pytest.mark.parametrize(
    "asked",
    [{}, {"validation": 9, "test": 6}, {"train": 20}, {"train": 20, "validation": 9, "test": 6}, {"test": 0}],
    ids=["shares", "counts", "some", "counts of all", "no test"],
)
def test_a_folder_is_split_as_in_training(library: Library, folder: Path, asked: dict[str, Any]) -> None:
    model = _trained(library, folder, **asked)
    drawn = _draw_samples(model, folder)
    dataset = read_dataset(folder, report=lambda _: None, token=CancelToken())
    parts = split(dataset, **{"validation": 0.25, "test": 0.25, "seed": 7, **asked})
    assert drawn.is_as_trained
    assert [example.path for example in drawn.validation] == [dataset.examples[at].path for at in parts.validation]
    assert {example.path for example in drawn.calibration} == {dataset.examples[at].path for at in parts.train}
    labels = [model.card.classes[label] for label in drawn.labels.tolist()]
    assert labels == [example.path.parent.name for example in drawn.validation]
    refitted = not asked
    assert drawn.learnt == (len(drawn.validation) if refitted or asked == {"test": 0} else 0)


def test_another_folder_is_split_by_default(library: Library, folder: Path, tmp_path: Path) -> None:
    model = _trained(library, folder)
    others = teaching.write_labelled(tmp_path / "others", 16, seed=5)
    drawn = _draw_samples(model, others)
    assert not drawn.is_as_trained
    assert drawn.learnt == 0
    assert 0 < len(drawn.validation) < 16
    min(folder.rglob("*.png")).unlink()
    assert not _draw_samples(model, folder).is_as_trained


RECORDED: list[dict[str, Any]] = [
    {},
    {"images": 5},
    {"images": {"train": "many", "validation": 3}},
    {"images": {"train": -5, "validation": 1, "test": 1}},
    {"images": {"train": 10**30, "validation": 1}},
    {"images": {"train": 20, "validation": 12, "test": 12}, "validation": 7.0, "seed": 10**30},
    {"images": {"train": 20, "validation": 12, "test": 12}, "validation": "0.1", "test": True, "seed": -1},
    {"images": {"train": 20, "validation": 12}, "validation": -3, "dataset_sha256": 7},
]


@pytest.mark.parametrize("recorded", RECORDED)
def test_any_card_is_tolerated(library: Library, folder: Path, recorded: dict[str, Any]) -> None:
    model = library.find("colours")
    drawn = _draw_samples(replace(model, card=replace(model.card, training=recorded)), folder)
    assert not drawn.is_as_trained
    assert drawn.learnt is None
    assert drawn.validation


def test_a_fixed_sample_of_training_images_is_used(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MAX_CALIBRATION", 5)
    model = library.find("colours")
    first, second = _draw_samples(model, folder), _draw_samples(model, folder)
    assert len(first.calibration) == 5
    assert first.calibration == second.calibration
    assert {example.path for example in first.calibration}.isdisjoint(example.path for example in first.validation)


def test_images_of_other_classes_are_not_evaluated(library: Library, folder: Path) -> None:
    (folder / "red").rename(folder / "Purple")
    (folder / "green").rename(folder / "GREEN")
    drawn = _draw_samples(library.find("colours"), folder)
    named = {tiny.CLASSES[label] for label in drawn.labels.tolist()}
    assert named == {"green", "blue"}, "a folder may spell its class in another case"
    assert {example.path.parent.name for example in drawn.calibration} == {"Purple", "GREEN", "blue"}


def test_a_folder_without_the_models_classes_is_rejected(library: Library, folder: Path) -> None:
    for number, colour in enumerate(CLASSES):
        (folder / colour).rename(folder / f"class {number}")
    with pytest.raises(DatasetError, match="no validation images of the classes of “colours”") as caught:
        _draw_samples(library.find("colours"), folder)
    assert caught.value.hint


def test_pixels_are_preprocessed_in_order(library: Library, folder: Path) -> None:
    model = library.find("colours")
    drawn = _draw_samples(model, folder)
    pixels = list(read_pixels(drawn.validation, model.backbone.card.preprocessing))
    assert len(pixels) == len(drawn.validation)
    assert {(image.shape, image.dtype) for image in pixels} == {((tiny.SIZE, tiny.SIZE, 3), np.dtype(np.uint8))}
    assert [image.mean(axis=(0, 1)).argmax() for image in pixels] == drawn.labels.tolist()
    drawn.validation[-1].path.unlink()
    with pytest.raises(ImageError):
        list(read_pixels(drawn.validation, model.backbone.card.preprocessing))
