"""How a model makes images square: chosen by cross-validation, recorded on its card, and used wherever it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.base.errors import UsageError
from core.base.progress import CancelToken
from core.base.providers import Precision, ProviderPreference
from core.card import ResizeMode
from core.engine.feature_store import FeatureStore
from core.engine.features import FeatureExtractor
from core.models.classifier import open_classifier
from core.models.installed import backbone_files
from core.models.library import Library
from core.models.library_folders import CARD
from core.models.values import InstalledModel
from core.prediction import Prediction
from core.services.forgetting import forget
from core.training.backbones import requested_backbone
from core.training.fitting import FIT_CHOSEN, FIT_LOSSES, better_fit
from core.training.request import FitChoice, ForgetRequest, RetrainRequest, TrainRequest
from core.training.results import train_and_compare
from core.training.retrain import retrain
from core.training.train import Trained, train
from tests import teaching, tiny
from tests.labels import correction, give

_DRAW = np.random.default_rng(0)


@pytest.fixture(scope="module")
def banners(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wide images whose class is the colour of their middle, between sides in the colours of other classes."""
    return write_banners(tmp_path_factory.mktemp("banners"), 20)


def write_banners(folder: Path, count: int) -> Path:
    for label, colour in ((name, tiny.SOLID[name]) for name in tiny.CLASSES):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            pixels = _DRAW.integers(0, 60, (40, 120, 3))
            sides = [tiny.SOLID[tiny.CLASSES[at]] for at in _DRAW.integers(0, 3, 2)]
            pixels[:, :40] += np.array(sides[0]) * 3 // 4
            pixels[:, 80:] += np.array(sides[1]) * 3 // 4
            pixels[:, 40:80] += np.array(colour) // 3
            Image.fromarray(pixels.astype(np.uint8)).save(folder / label / f"{number}.png")
    return folder


def learn(folder: Path, library: Library, **changes: object) -> Trained:
    return train(asked(folder, **changes), library, report=lambda _: None, token=CancelToken())


def asked(folder: Path, **changes: object) -> TrainRequest:
    made = TrainRequest(folder, "mine", 0.25, 0.25, 0, ProviderPreference.CPU, Precision.AUTO)
    return replace(made, **changes)


def labels(model: InstalledModel, photos: Sequence[Path]) -> list[str]:
    outcomes = open_classifier(model, ProviderPreference.CPU, Precision.AUTO).classify(photos, top_k=1)
    return [one.best.label for one in outcomes if isinstance(one, Prediction)]


def with_features(trained: Trained, fit: ResizeMode) -> set[Path]:
    """The images whose features with this fit are stored."""
    backbone = replace(trained.data.backbone, fit=None).with_fit(fit)
    source = FeatureExtractor.select(backbone_files(backbone), ProviderPreference.CPU, Precision.AUTO)
    paths = {one.sha256: one.path for one in trained.data.everything().examples}
    with FeatureStore() as store:
        return {paths[sha256] for sha256 in store.get(source.kind, [*paths])}


def test_a_better_fit_is_chosen_without_the_test_images_and_used(
    banners: Path, library: Library, tmp_path: Path
) -> None:
    trained = learn(banners, library, fit=FitChoice.AUTO)
    model, data = trained.model, trained.data
    assert model.card.fit is model.backbone.fit is ResizeMode.CENTRE_CROP
    assert model.backbone.card.preprocessing.fit is ResizeMode.CENTRE_CROP
    assert json.loads((model.folder / CARD).read_bytes())["format"] == 2
    losses = model.card.training[FIT_LOSSES]
    assert set(losses) == {"stretch", "pad", "centre-crop"}
    assert losses["centre-crop"] < min(losses["stretch"], losses["pad"])
    assert "centre-crop: log loss" in model.card.training[FIT_CHOSEN]
    assert "--fit auto" in model.card.training["command"]
    assert with_features(trained, ResizeMode.PAD) == {*data.train.paths}
    assert with_features(trained, ResizeMode.CENTRE_CROP) == {*data.everything().paths}
    plain = learn(banners, library, name="plain")
    for name, part in plain.data.parts.items():
        assert part.paths == data.parts[name].paths, "the images stay in their sets"
    others = sorted(write_banners(tmp_path / "others", 5).glob("*/*"))
    right = [photo.parent.name for photo in others]
    assert labels(library.find("mine"), others) == right
    assert labels(library.find("plain"), others) != right


def test_the_backbones_own_is_kept_if_nothing_is_better(tmp_path: Path, library: Library) -> None:
    folder = teaching.write_labelled(tmp_path / "pictures", 20)
    result = train_and_compare(
        asked(folder, fit=FitChoice.AUTO), library, None, report=lambda _: None, token=CancelToken()
    )
    card = result.card
    assert card.fit is None
    assert card.training[FIT_CHOSEN].startswith("stretch, as the backbone was trained: log loss")
    assert len(card.training[FIT_LOSSES]) == 3
    assert json.loads((library.find("mine").folder / CARD).read_bytes())["format"] == 1
    (note,) = [one for one in result.notes if "log loss" in one]
    assert note.startswith("Photos are made square as the network was trained: no other way is better")


def test_too_few_images_choose_nothing(tmp_path: Path, library: Library) -> None:
    card = learn(teaching.write_labelled(tmp_path / "pictures", 3), library, fit=FitChoice.AUTO).model.card
    assert (card.fit, FIT_LOSSES in card.training) == (None, False)
    assert "too few" in card.training[FIT_CHOSEN]


def test_only_a_gain_beyond_noise_counts() -> None:
    own, noise = np.full(100, 0.5), np.random.default_rng(1).normal(0, 0.2, 100)
    noise -= noise.mean()  # its standard error is 0.02
    for gain, chosen in ((0.03, None), (0.06, ResizeMode.PAD)):
        losses = {ResizeMode.STRETCH: own, ResizeMode.PAD: own - gain + noise, ResizeMode.CENTRE_CROP: own + 0.1}
        found = better_fit(losses, ResizeMode.STRETCH)
        assert (found.fit if found else None) is chosen
    assert better_fit({}, ResizeMode.STRETCH) is None


def test_a_requested_fit_is_used_by_every_later_version(banners: Path, library: Library, home: Path) -> None:
    first = learn(banners, library, fit=FitChoice.PAD).model
    assert (first.card.fit, FIT_CHOSEN in first.card.training) == (ResizeMode.PAD, False)
    photo = banners / "red" / "0.png"
    give(correction(photo, "green", "mine"))
    second = retrain(
        RetrainRequest("mine", 1, (correction(photo, "green", "mine"),), ProviderPreference.CPU),
        library, report=lambda _: None, token=CancelToken(),
    )  # fmt: skip
    assert library.find(f"mine@{second.version}").card.fit is ResizeMode.PAD
    forget(ForgetRequest("mine", (photo,), ProviderPreference.CPU), library, report=lambda _: None, token=CancelToken())
    assert library.find("mine").backbone.card.preprocessing.fit is ResizeMode.PAD


def test_the_backbones_own_fit_needs_no_card_of_its_own(banners: Path, library: Library) -> None:
    assert requested_backbone(asked(banners, fit=FitChoice.STRETCH), library).fit is None
    cropping = requested_backbone(asked(banners, fit=FitChoice.CENTRE_CROP), library)
    assert cropping.card.preprocessing.crop == 1.0


def test_kept_classes_keep_their_fit(banners: Path, tmp_path: Path, library: Library) -> None:
    learn(banners, library, fit=FitChoice.PAD)
    more = tmp_path / "more"
    teaching.write_labelled(more, 6, classes=("red",))
    (more / "red").rename(more / "pink")
    extended = learn(more, library, name="wider", keep_classes_of="mine").model
    assert extended.card.fit is extended.backbone.card.preprocessing.fit is ResizeMode.PAD
    with pytest.raises(UsageError, match="on the model's own backbone"):
        learn(more, library, name="wider", keep_classes_of="mine", fit=FitChoice.STRETCH)
