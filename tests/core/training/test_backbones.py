"""The backbone that heads are trained on: the joined one, unless cross-validation or the user prefers another."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.base.errors import ModelError, UsageError
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.card import SharedBackbone, write_card
from core.models.classifier import open_classifier
from core.models.library import Library
from core.prediction import Prediction
from core.training import quick
from core.training.backbones import BACKBONE, JOINED, requested_backbone
from core.training.quick import CrossValidation, FoldScore
from core.training.request import Recipe, TrainRequest
from core.training.train import Trained, train
from tests import composites, teaching, tiny


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library with the usual backbone and a joined one, whose first part is `tiny`."""
    library = teaching.make_library(tmp_path)
    composites.write(library.builtin, name=JOINED)
    return library


def _request(folder: Path, recipe: Recipe = Recipe.QUICK, backbone: str = "") -> TrainRequest:
    return TrainRequest(
        folder, "mine", 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO, recipe=recipe, backbone=backbone
    )


def _train(library: Library, folder: Path, backbone: str = "") -> Trained:
    return train(_request(folder, backbone=backbone), library, report=lambda _: None, token=CancelToken())


def _first_loss(monkeypatch: pytest.MonkeyPatch, joined: float, alone: float) -> None:
    """Let cross-validation return these log losses for the joined features and for those of the first part."""

    def cross_validate(features: quick.Features, *_: object, **__: object) -> CrossValidation:
        loss = joined if features.shape[1] == 2 * tiny.WIDTH else alone
        return CrossValidation(1.0, {1.0: FoldScore(0, loss, 10)}, 10)

    monkeypatch.setattr(quick, "cross_validate", cross_validate)


def test_heads_are_trained_on_the_joined_backbone(library: Library, tmp_path: Path) -> None:
    folder = teaching.write_labelled(tmp_path / "pictures", 12)
    trained = _train(library, folder, JOINED)
    shared = trained.model.card.backbone
    assert shared == SharedBackbone(JOINED, composites.composite()[1].sha256)
    assert "--backbone xception-lite0-imagenet" in trained.model.card.training["command"]
    assert "backbone_chosen" not in trained.model.card.training
    images = sorted(teaching.write_labelled(tmp_path / "others", 2, seed=9).glob("*/*"))
    outcomes = open_classifier(trained.model, ProviderPreference.CPU, Precision.AUTO).classify(images, top_k=1)
    labels = [outcome.best.label for outcome in outcomes if isinstance(outcome, Prediction)]
    assert labels == [path.parent.name for path in images]


@pytest.mark.parametrize(("joined", "alone", "name"), [(0.1, 0.1, JOINED), (0.2, 0.1, tiny.BACKBONE)])
def test_cross_validation_chooses_between_the_joined_backbone_and_its_first_part(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, joined: float, alone: float, name: str
) -> None:
    _first_loss(monkeypatch, joined, alone)
    trained = _train(library, teaching.write_labelled(tmp_path / "pictures", 6))
    card = trained.model.card
    assert card.backbone.name == trained.data.backbone.name == name
    assert trained.data.train.features.shape[1] == trained.model.backbone.card.feature_width
    assert card.training["backbone_chosen"] == (
        f"by cross-validation: log loss {joined} with {JOINED}, {alone} with {tiny.BACKBONE}"
    )


def test_both_are_really_cross_validated(library: Library, tmp_path: Path) -> None:
    trained = _train(library, teaching.write_labelled(tmp_path / "pictures", 6))
    assert "log loss" in trained.model.card.training["backbone_chosen"]


def test_the_recipe_decides_which_backbone_is_the_best(library: Library, tmp_path: Path) -> None:
    names = {recipe: requested_backbone(_request(tmp_path, recipe), library).name for recipe in Recipe}
    assert names == {Recipe.QUICK: JOINED, Recipe.DENSE: JOINED, Recipe.FINE_TUNE: BACKBONE}
    assert requested_backbone(_request(tmp_path, backbone=BACKBONE), library).name == BACKBONE
    without = teaching.make_library(tmp_path / "without")
    assert requested_backbone(_request(tmp_path), without).name == BACKBONE


def test_a_backbone_that_cannot_be_used_is_refused(library: Library, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no backbone named “colours”") as caught:
        requested_backbone(_request(tmp_path, backbone="colours"), library)
    assert JOINED in caught.value.hint
    with pytest.raises(UsageError, match="can't be fine-tuned"):
        requested_backbone(_request(tmp_path, Recipe.FINE_TUNE, JOINED), library)


def test_a_damaged_joined_backbone_is_reported(library: Library, tmp_path: Path) -> None:
    (library.builtin / "whole" / "card.json").write_bytes(write_card(tiny.model_card("whole")))
    with pytest.raises(ModelError, match=composites.SMALL):
        requested_backbone(_request(tmp_path), library)
