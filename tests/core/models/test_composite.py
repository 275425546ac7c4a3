"""Backbones composed of others: what they compute, how the library finds the parts, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from core.base.errors import ModelError
from core.base.providers import ComputePrecision, Precision, Provider, ProviderPreference
from core.card import SharedBackbone, read_card, write_card
from core.engine import graph
from core.engine.engine import open_engine
from core.models.classifier import open_classifier
from core.models.composite import compose, resampling
from core.models.exchange import export, import_model
from core.models.heads import LinearHead, head_bytes
from core.models.installed import backbone_files, load_backbone
from core.models.library import Library
from core.models.values import BrokenEntry, InstalledBackbone, InstalledModel
from core.prediction import Prediction
from tests import composites, tiny


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """A library with the backbone `pair`, whose parts are `tiny` and the backbone of the model `whole`."""
    composites.write(tmp_path / "shipped")
    return Library(tmp_path / "shipped", tmp_path / "own")


def _backbone(library: Library) -> InstalledBackbone:
    (found,) = (entry for entry in library.entries() if entry.name == composites.NAME)
    assert isinstance(found, InstalledBackbone), found
    return found


def _pixels(size: int = tiny.SIZE) -> np.ndarray:
    small = np.random.default_rng(1).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC)) for one in small])


def test_features_are_the_roots_of_the_parts_features(library: Library) -> None:
    backbone, pixels = _backbone(library), _pixels()
    engine = open_engine(load_backbone(backbone), backbone.card, Provider.CPU, Precision.EXACT)
    half = (composites.SMALL_SIZE, composites.SMALL_SIZE)
    halved = np.stack([np.asarray(Image.fromarray(one).resize(half, Image.Resampling.BICUBIC)) for one in pixels])
    np.testing.assert_allclose(engine.run(pixels), composites.expected(pixels, halved), atol=0.01)
    _, maps = engine.run_with_maps(pixels)
    assert [one.shape[1:] for one in maps] == [(8, 16, 16), (8, 8, 8)]
    means = np.hstack([one.mean(axis=(2, 3)) for one in maps])
    np.testing.assert_allclose(engine.run(pixels) ** 2, means, atol=1e-5)


def test_images_are_resampled_as_by_pillow() -> None:
    row = np.random.default_rng(0).integers(0, 256, (1, 299), dtype=np.uint8)
    wanted = np.asarray(Image.fromarray(row).resize((224, 1), Image.Resampling.BICUBIC))
    found = np.clip(resampling(299, 224) @ row[0].astype(np.float32), 0, 255)
    assert np.abs(found - wanted[0]).max() <= 1
    np.testing.assert_array_equal(resampling(16, 16), np.eye(16, dtype=np.float32))


def test_the_same_files_give_the_same_bytes(library: Library) -> None:
    assert load_backbone(_backbone(library)) == composites.composite()[0] == load_backbone(_backbone(library))


def test_its_size_is_that_of_its_parts(library: Library) -> None:
    backbone = _backbone(library)
    assert backbone.size_bytes == sum(part.size_bytes for part in backbone.parts) > len(tiny.backbone_bytes())


def test_a_variant_is_composed_of_the_parts_variants(tmp_path: Path) -> None:
    card = composites.write(tmp_path / "shipped", variants=(composites.int8_variant(),))
    backbone = _backbone(Library(tmp_path / "shipped", tmp_path / "own"))
    own, variant = backbone_files(backbone).cards
    assert (own, variant.precision) == (card, ComputePrecision.INT8)
    operators = {node.op_type for node in onnx.ModelProto.FromString(load_backbone(backbone, variant)).graph.node}
    assert "QuantizeLinear" in operators
    open_engine(load_backbone(backbone, variant), variant, Provider.CPU, Precision.AUTO)


def test_a_part_that_is_missing_or_changed_is_reported(library: Library, tmp_path: Path) -> None:
    (tmp_path / "shipped" / "whole" / tiny.MODEL_FILE).write_bytes(tiny.backbone_bytes())
    with pytest.raises(ModelError, match="damaged"):
        load_backbone(_backbone(library))
    (tmp_path / "shipped" / "whole" / "card.json").unlink()
    (broken,) = (entry for entry in library.entries() if entry.name == composites.NAME)
    assert isinstance(broken, BrokenEntry)
    assert composites.SMALL in str(broken.error)


def test_a_composition_with_another_hash_is_refused(tmp_path: Path) -> None:
    composites.write(tmp_path / "shipped", sha256="1" * 64)
    with pytest.raises(ModelError, match="damaged or was changed"):
        load_backbone(_backbone(Library(tmp_path / "shipped", tmp_path / "own")))


def test_a_backbone_is_not_a_part_of_itself(tmp_path: Path) -> None:
    own = SharedBackbone(composites.NAME, composites.composite()[1].sha256)
    composites.write(tmp_path / "shipped", parts=(own, own))
    (broken,) = (e for e in Library(tmp_path / "shipped", tmp_path / "own").entries() if e.name == composites.NAME)
    assert isinstance(broken, BrokenEntry)


def test_parts_that_do_not_fit_together_are_refused() -> None:
    _, card = composites.composite()
    parts = [(tiny.backbone_bytes(), replace(tiny.backbone_card(), feature_map_layout="nhwc"))] * 2
    with pytest.raises(ModelError, match="do not fit together"):
        compose(parts, card)


def test_a_file_without_the_second_feature_map_is_refused() -> None:
    data, card = composites.composite()
    model = onnx.ModelProto.FromString(data)
    del model.graph.output[2]
    with pytest.raises(ModelError, match="feature_map_2"):
        graph.check_backbone(model.SerializeToString(), card)


def test_a_card_keeps_its_parts() -> None:
    _, card = composites.composite()
    assert read_card(write_card(card)) == card
    with pytest.raises(ModelError, match="parts"):
        read_card(write_card(replace(card, parts=card.parts[:1])))
    with pytest.raises(ModelError, match="parts"):
        read_card(write_card(replace(card, parts=card.parts * 5)))


def _model(library: Library) -> InstalledModel:
    weights = np.zeros((2 * tiny.WIDTH, 3), np.float32)
    weights[:3] = np.eye(3) * 4
    head = head_bytes(LinearHead(weights, np.zeros(3, np.float32)))
    shared = SharedBackbone(composites.NAME, composites.composite()[1].sha256)
    return library.install(write_card(tiny.model_card(backbone=shared, head_data=head)), {tiny.HEAD_FILE: head})


def _labels(model: InstalledModel, folder: Path) -> list[str]:
    images = [tiny.write_solid(folder / f"{colour}.png", colour) for colour in tiny.CLASSES]
    outcomes = open_classifier(model, ProviderPreference.CPU, Precision.EXACT).classify(images, top_k=1)
    return [outcome.scores[0].label for outcome in outcomes if isinstance(outcome, Prediction)]


def test_a_model_on_it_classifies_and_travels(library: Library, tmp_path: Path) -> None:
    model = _model(library)
    assert _labels(model, tmp_path) == list(tiny.CLASSES)
    export(model, tmp_path / "model.onnx")
    other = Library(tmp_path / "other" / "shipped", tmp_path / "other" / "own")
    travelled = import_model(tmp_path / "model.onnx", other).model
    assert travelled.backbone.parts == ()
    assert load_backbone(travelled.backbone) == composites.composite()[0]
    assert _labels(travelled, tmp_path) == list(tiny.CLASSES)


def test_an_imported_model_shares_the_installed_parts(library: Library, tmp_path: Path) -> None:
    export(_model(library), tmp_path / "model.onnx")
    neighbour = tmp_path / "neighbour"
    composites.write(neighbour / "shipped")
    model = import_model(tmp_path / "model.onnx", Library(neighbour / "shipped", neighbour / "own")).model
    assert isinstance(model.card.backbone, SharedBackbone)
    assert [part.name for part in model.backbone.parts] == [tiny.BACKBONE, composites.SMALL]
