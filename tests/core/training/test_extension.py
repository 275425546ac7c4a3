"""Models that keep the classes of another one and add those of a folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.base.errors import DatasetError, UsageError
from core.base.progress import CancelToken, Progress
from core.base.providers import Precision, ProviderPreference
from core.models.heads import LinearHead
from core.models.installed import load_head
from core.models.library import Library
from core.models.values import InstalledModel
from core.training.request import Recipe, RetrainRequest, TrainRequest
from core.training.retrain import retrain
from core.training.train import Trained, train
from tests.labels import correction, give


def paint(file: Path, brightness: int, seed: int) -> Path:
    """A grey image with blots; no two are alike."""
    blots = np.random.default_rng(seed).integers(-40, 40, (8, 8, 1)) + np.full(3, brightness)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(blots.astype(np.uint8)).resize((48, 48), Image.Resampling.BICUBIC).save(file)
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos of two classes that the model `colours` does not have."""
    for name, brightness in (("grey", 120), ("white", 210)):
        for number in range(8):
            paint(tmp_path / "new" / name / f"{number}.png", brightness, seed=brightness + number)
    return tmp_path / "new"


def ignore(_: Progress) -> None:
    return None


def extend(library: Library, folder: Path, **changes: object) -> Trained:
    asked = TrainRequest(folder, "mine", 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO)
    asked = replace(asked, keep_classes_of="colours")
    return train(replace(asked, **changes), library, report=ignore, token=CancelToken())  # type: ignore[arg-type]


def weights(model: InstalledModel) -> LinearHead:
    head = load_head(model)
    assert isinstance(head, LinearHead)
    return head


def test_the_kept_classes_come_first_and_their_weights_stay(library: Library, folder: Path) -> None:
    before, model = library.find("colours"), extend(library, folder).model
    count = len(before.card.classes)
    assert model.card.classes == (*before.card.classes, "grey", "white")
    assert np.array_equal(weights(model).weights[:, :count], weights(before).weights)
    assert np.array_equal(weights(model).bias[:count], weights(before).bias)
    assert model.card.temperature == before.card.temperature
    assert model.card.summary == (
        f"Recognises grey and white, and the {count} classes of colours; trained on 16 images."
    )
    assert model.has_training_data


def test_the_evaluation_has_only_the_classes_that_occur(library: Library, folder: Path) -> None:
    evaluation = extend(library, folder).head.evaluation
    assert evaluation is not None
    found = {one.label for one in evaluation.predictions} | {one.predicted for one in evaluation.predictions}
    assert set(evaluation.classes) == found == {one.label for one in evaluation.per_class}


def test_one_new_class_is_enough(library: Library, folder: Path) -> None:
    for photo in (folder / "white").iterdir():
        photo.unlink()
    assert extend(library, folder).model.card.classes[-1] == "grey"
    with pytest.raises(DatasetError, match="at least two classes"):
        extend(library, folder, keep_classes_of="")


def test_photos_of_a_kept_class_are_no_new_class(library: Library, folder: Path) -> None:
    kept = library.find("colours").card.classes
    (folder / "white").rename(folder / kept[0].upper())
    assert extend(library, folder).model.card.classes == (*kept, "grey")
    (folder / "grey").rename(folder / kept[1])
    with pytest.raises(DatasetError, match="“colours” has all these classes already"):
        extend(library, folder)


def test_corrections_keep_the_classes_too(library: Library, folder: Path, tmp_path: Path) -> None:
    model = extend(library, folder).model
    photos = [paint(tmp_path / f"{number}.png", 45, seed=number) for number in range(3)]
    given = [correction(photo, "black", "mine") for photo in photos]
    give(*given)
    asked = RetrainRequest("mine", 1, tuple(given), ProviderPreference.CPU)
    made = retrain(asked, library, report=ignore, token=CancelToken())
    after, count = library.find(f"mine@{made.version}"), len(library.find("colours").card.classes)
    assert after.card.classes[:count] == model.card.classes[:count]
    assert set(after.card.classes[count:]) == {"black", "grey", "white"}
    assert np.array_equal(weights(after).weights[:, :count], weights(model).weights[:, :count])
    assert after.card.training["kept_classes"] == model.card.training["kept_classes"]


def test_only_quick_keeps_classes_on_the_backbone_of_the_model(library: Library, folder: Path) -> None:
    for changes in ({"recipe": Recipe.DENSE}, {"backbone": "other"}):
        with pytest.raises(UsageError, match="Only the recipe quick"):
            extend(library, folder, **changes)


def test_the_command_in_the_card_says_so(library: Library, folder: Path) -> None:
    training = json.loads(json.dumps(dict(extend(library, folder).model.card.training)))
    assert "--keep-classes-of colours" in training["command"]
    assert training["temperature"] == training["unknown_below"] == "that of colours"
