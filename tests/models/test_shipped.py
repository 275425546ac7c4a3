"""The models that come with the program are whole, reproduce what their cards promise, and name photos rightly."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from core.base.providers import ComputePrecision, Precision, Provider, ProviderPreference
from core.card import BackboneCard, ModelCard, SharedBackbone, read_card
from core.engine import golden, graph
from core.engine.complexity import compute_stats
from core.engine.provider_selection import probe_provider
from core.images.decoding import decode
from core.images.preprocessing import Preprocessing, preprocess
from core.models import joined
from core.models.bundled_features import bundled_features
from core.models.exchange import import_model
from core.models.heads import read_head, softmax
from core.models.installed import backbone_files, load_backbone, load_examples, load_head
from core.models.library import Library
from core.models.values import InstalledBackbone, InstalledModel
from core.training.training_data import extractor_of

_LITE0 = "efficientnet-lite0-imagenet"
_MODELS = ("everyday", "general")
_BACKBONES = (_LITE0, "general", "mobilenet-v1", "mobilenet-v2", "xception-imagenet", "xception-lite0-imagenet")
_NAMES = tuple(sorted({*_BACKBONES, *_MODELS}))
_BATCH = 8


def _card(folder: Path) -> BackboneCard | ModelCard:
    return read_card((folder / "card.json").read_bytes())


def _backbone(shipped: Path, name: str) -> tuple[BackboneCard, bytes]:
    """The card of the backbone that stands under a name, and its file."""
    (entry,) = (entry for entry in Library(shipped, shipped / "none").entries() if entry.name == name)
    backbone = entry.backbone if isinstance(entry, InstalledModel) else entry
    assert isinstance(backbone, InstalledBackbone), backbone
    return backbone.card, load_backbone(backbone)


def _features(file: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    starts = range(0, len(images), _BATCH)
    return np.concatenate([session.run(["features"], {"image": images[at : at + _BATCH]})[0] for at in starts])


def _pixels(paths: list[Path], plan: Preprocessing) -> NDArray[np.uint8]:
    return np.stack([preprocess(decode(path, min_side=plan.min_decode_side), plan) for path in paths])


def _probabilities(shipped: Path, name: str, paths: list[Path]) -> NDArray[np.float32]:
    model = _card(shipped / name)
    assert isinstance(model, ModelCard)
    backbone, file = _backbone(shipped, name)
    head = read_head((shipped / name / model.head.file).read_bytes())
    features = _features(file, _pixels(paths, backbone.preprocessing))
    return softmax(head.logits(features), model.temperature)


def test_these_models_are_shipped(shipped_models: Path) -> None:
    assert sorted(path.parent.name for path in shipped_models.glob("*/card.json")) == list(_NAMES)


def test_all_together_stay_small(shipped_models: Path) -> None:
    assert sum(path.stat().st_size for path in shipped_models.rglob("*") if path.is_file()) < 112_000_000


@pytest.mark.parametrize("name", _NAMES)
def test_a_card_s_sums_are_those_of_its_files(shipped_models: Path, name: str) -> None:
    backbone, data = _backbone(shipped_models, name)
    assert hashlib.sha256(data).hexdigest() == backbone.sha256
    card = _card(shipped_models / name)
    assert card.name == name
    if isinstance(card, ModelCard):
        head = (shipped_models / name / card.head.file).read_bytes()
        assert hashlib.sha256(head).hexdigest() == card.head.sha256
        assert card.backbone.sha256 == backbone.sha256


@pytest.mark.parametrize("name", _BACKBONES)
def test_a_backbone_is_what_its_card_says(shipped_models: Path, name: str) -> None:
    card, data = _backbone(shipped_models, name)
    graph.check_backbone(data, card)
    assert compute_stats(onnx.ModelProto.FromString(data)).multiply_adds == card.multiply_adds


@pytest.mark.parametrize("name", _BACKBONES)
def test_golden_features_come_out_again(shipped_models: Path, name: str) -> None:
    card, file = _backbone(shipped_models, name)
    found = _features(file, golden.golden_inputs(card.preprocessing.size))
    assert golden.cosine(found, golden.decode_features(card.golden_features, card.feature_width)) >= 0.99999


@pytest.mark.parametrize("name", _MODELS)
def test_a_head_fits_its_backbone_and_its_classes(shipped_models: Path, name: str) -> None:
    card = _card(shipped_models / name)
    assert isinstance(card, ModelCard)
    head = read_head((shipped_models / name / card.head.file).read_bytes())
    assert head.feature_width == _backbone(shipped_models, name)[0].feature_width
    assert head.class_count == len(card.classes)


def test_weights_are_the_published_counts(shipped_models: Path) -> None:
    xception, _ = _backbone(shipped_models, "xception-imagenet")
    lite, _ = _backbone(shipped_models, _LITE0)
    both, _ = _backbone(shipped_models, "xception-lite0-imagenet")
    assert both.weights == xception.weights + lite.weights
    assert xception.weights == 20_861_480
    assert lite.weights + 1280 * 1000 + 1000 == 4_652_008
    assert _backbone(shipped_models, "mobilenet-v1")[0].weights + 1024 * 1000 + 1000 == 4_253_864
    assert _backbone(shipped_models, "mobilenet-v2")[0].weights == 2_257_984


def test_classes_differ_by_more_than_case(shipped_models: Path) -> None:
    card = _card(shipped_models / "general")
    assert isinstance(card, ModelCard)
    assert len({label.casefold() for label in card.classes}) == 1000


def test_general_knows_a_hen_and_a_rooster(shipped_models: Path, photos: Path) -> None:
    card = _card(shipped_models / "general")
    assert isinstance(card, ModelCard)
    paths = [photos / "bird" / name for name in ("chicken_profile.png", "rooster.png")]
    best = _probabilities(shipped_models, "general", paths).argmax(axis=1)
    assert {card.classes[place] for place in best} <= {"hen", "cock"}


def test_everyday_names_the_photos_it_learnt_from(shipped_models: Path, photos: Path) -> None:
    card = _card(shipped_models / "everyday")
    assert isinstance(card, ModelCard)
    paths = sorted(path for path in photos.glob("*/*") if path.is_file())[::9]
    best = _probabilities(shipped_models, "everyday", paths).argmax(axis=1)
    right = np.mean([card.classes[place] == path.parent.name for place, path in zip(best, paths, strict=True)])
    assert right == 1


def test_everyday_can_learn_on_without_its_photos(shipped_models: Path, tmp_path: Path) -> None:
    model = Library(shipped_models, tmp_path).find("everyday")
    examples = load_examples(model)
    assert examples is not None
    assert len(examples) == 196
    assert not any(one.path.is_absolute() for one in examples)
    kind = extractor_of(model.backbone, ProviderPreference.AUTO, Precision.EXACT).kind
    features = bundled_features([model.folder], kind)
    assert {one.sha256 for one in examples} == set(features)
    train = [one for one in examples if one.subset == "train"]
    logits = load_head(model).logits(np.stack([features[one.sha256] for one in train]).astype(np.float32))
    named = [model.card.classes[at] for at in logits.argmax(axis=1)]
    assert named == [one.label for one in train]


def test_everyday_says_how_good_it_is_and_how_it_was_made(shipped_models: Path) -> None:
    card = _card(shipped_models / "everyday")
    assert isinstance(card, ModelCard)
    low, high = card.evaluation["accuracy_interval_95"]
    assert low < card.evaluation["accuracy"] <= high
    assert card.training["images"]["test"] == card.evaluation["images"] == 29
    assert sum(card.training["images"].values()) == card.training["fitted_to"] == 196
    assert 0.9 < card.training["cross_validated_accuracy"] < 1
    assert card.backbone.name == "xception-lite0-imagenet"
    assert card.training["command"] == "fovea train photos --name everyday --recipe quick --seed 0"
    assert card.training["built_by"].startswith("uv run --extra train python models/build.py")
    assert card.unknown_below is not None
    assert "GPL" in card.origin.licence


def test_general_runs_in_8_bits_because_its_card_says_that_predictions_stay(shipped_models: Path) -> None:
    model = Library(shipped_models, shipped_models / "none").find("general")
    measured = model.card.evaluation["variants"]["int8"]
    assert measured["images"] == 196
    assert measured["agreement"] >= 0.95
    assert measured["accuracy_lost"] <= 0.01
    files = backbone_files(model.backbone, model.card)
    own, variant = files.cards
    probe = probe_provider(files, variant, Provider.CPU, Precision.AUTO)
    assert probe.engine is not None, probe.error
    assert (own.file, own.sha256 != variant.sha256) == (variant.file, True), "it is made of the backbone's file"


def test_the_former_general_can_still_be_imported(shipped_models: Path, tmp_path: Path) -> None:
    """As earlier versions of Fovea exported it: on EfficientNet-Lite0, which is a backbone of its own now."""
    card, data = _backbone(shipped_models, _LITE0)
    general = _card(shipped_models / "general")
    assert isinstance(general, ModelCard)
    head = read_head((shipped_models / "general" / general.head.file).read_bytes())
    file = tmp_path / "general.onnx"
    file.write_bytes(joined.join(data, card, head, replace(general, evaluation={"accuracy": 0.751})))
    model = import_model(file, Library(shipped_models, tmp_path / "own")).model
    assert model.name == "general-2"
    assert model.card.backbone == SharedBackbone(_LITE0, card.sha256), "its file is not stored again"
    assert load_backbone(model.backbone) == data


@pytest.mark.parametrize("name", ["xception-imagenet", "xception-lite0-imagenet"])
def test_a_variant_is_close_to_its_backbone_and_reproduces_its_own_features(
    name: str, shipped_models: Path, photos: Path
) -> None:
    (entry,) = (entry for entry in Library(shipped_models, shipped_models / "none").entries() if entry.name == name)
    assert isinstance(entry, InstalledBackbone)
    files = backbone_files(entry)
    own, variant = files.cards
    assert variant.precision is ComputePrecision.INT8
    probe = probe_provider(files, variant, Provider.CPU, Precision.AUTO)
    assert probe.engine is not None, probe.error
    assert probe.engine.agreement > 0.999
    images = _pixels(sorted(photos.glob("*/*"))[::33], own.preprocessing)
    exact, low = _features(files.load(own), images), probe.engine.run(images)
    cosines = (exact * low).sum(1) / (np.linalg.norm(exact, axis=1) * np.linalg.norm(low, axis=1))
    assert cosines.mean() > 0.97
