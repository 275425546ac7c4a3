"""The command line on real photos, with the models that come with the program."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from core.base.providers import Precision, ProviderPreference
from core.images.listing import find_images
from core.models import joined, library
from core.models.classifier import open_classifier
from core.models.exchange import export, import_model
from core.models.installed import load_backbone
from core.models.library import Library
from core.models.values import InstalledModel
from core.prediction import Prediction
from tests.core.cli.conftest import Fovea

SOME: Final = 8


def _shipped() -> list[str]:
    return [model.name for model in library.open_library().models() if model.is_builtin]


def _find(name: str) -> InstalledModel:
    if name not in _shipped():
        pytest.skip(f"the model {name!r} is not built in this checkout")
    return library.open_library().find(name)


def test_all_photos_are_answered(fovea: Fovea, photos: Path) -> None:
    model = _find("general")
    ran = fovea("classify", photos, "--recursive", "--model", "general", "--format", "jsonl")
    lines = {Path(line["path"]).name: line for line in map(json.loads, ran.out.splitlines())}
    assert (ran.code, len(lines)) == (0, 196)
    assert all("error" not in line and line["model"] == "general" for line in lines.values())
    assert {line["label"] for line in lines.values()} <= set(model.card.classes)
    for hen in ("chicken_profile.png", "rooster.png"):
        assert lines[hen]["label"] in ("hen", "cock")
    assert ran.err.splitlines()[-1].startswith("fovea: 196 images, 0 failed, ")


@pytest.mark.parametrize("name", ["general", "everyday"])
def test_a_model_that_travelled_gives_the_same_answers(photos: Path, name: str, tmp_path: Path) -> None:
    shipped = _find(name)
    file = tmp_path / "travelling.onnx"
    export(shipped, file)
    assert joined.split(file.read_bytes()).backbone == load_backbone(shipped.backbone)
    assert not import_model(file, library.open_library()).is_new
    travelled = import_model(file, Library(tmp_path / "none", tmp_path / "own")).model
    before, after = _answers(shipped, photos / "bird"), _answers(travelled, photos / "bird")
    assert len(before) == len(after) == SOME
    for ours, theirs in zip(before, after, strict=True):
        assert next(iter(ours)) == next(iter(theirs))
        for label in ours | theirs:  # the last of the five may be another one, with next to nothing
            assert ours.get(label, 0.0) == pytest.approx(theirs.get(label, 0.0), abs=1e-5)


def _answers(model: InstalledModel, folder: Path) -> list[dict[str, float]]:
    """Label and probability of the five best classes of some photos in a folder."""
    images = islice(find_images([folder], recursive=False, on_error=lambda *_: None), SOME)
    outcomes = open_classifier(model, ProviderPreference.CPU, Precision.EXACT).classify(images, top_k=5)
    predictions = [outcome for outcome in outcomes if isinstance(outcome, Prediction)]
    return [{score.label: score.probability for score in prediction.scores} for prediction in predictions]
