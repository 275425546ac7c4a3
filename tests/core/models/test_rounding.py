"""The variant in 8 bits that a backbone's own file becomes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from core.base.errors import ModelError
from core.base.providers import ComputePrecision, Precision, Provider
from core.card import BackboneVariant, read_card, write_card
from core.engine import golden, graph
from core.engine.provider_selection import probe_provider
from core.models.exchange import export, import_model
from core.models.installed import backbone_files, load_backbone, load_files
from core.models.joined import serialise
from core.models.library import Library
from core.models.rounding import round_to_int8, write_steps
from core.models.values import InstalledBackbone
from core.models.variants import Variant, backbone_variant
from core.models.weight_storage import Storage
from models.int8_variant import store_kernels
from tests import tiny, wide

_STEPS = {"planes": (1.0, 0), "activated": (0.02, 0), "positive": (0.05, 0), "near": (0.02, 100)}


@pytest.fixture(scope="module")
def data() -> bytes:
    """A backbone's file with kernels in 8 bits, which says how it is rounded."""
    model = wide.backbone_with_integers()
    write_steps(model, _STEPS | {"feature_map": (0.02, 20)})
    return store_kernels(serialise(model), wide.integer_kernels())


@pytest.fixture
def library(tmp_path: Path, data: bytes) -> Library:
    """A library with that backbone, its variant without a file, and a model on it."""
    library = tiny.make_library(tmp_path)
    rounded = round_to_int8(data)
    golden_features = golden.encode_features(_features(rounded))
    variant = BackboneVariant(
        ComputePrecision.INT8, tiny.MODEL_FILE, tiny.sha256(rounded), golden_features, 0.99, "by the tests"
    )
    folder = library.builtin / tiny.BACKBONE
    card = replace(wide.backbone_card(data), name=tiny.BACKBONE, file=tiny.MODEL_FILE, variants=(variant,))
    (folder / tiny.MODEL_FILE).write_bytes(data)
    (folder / "card.json").write_bytes(write_card(card))
    return library


def _features(data: bytes) -> NDArray[np.float32]:
    return tiny.features(data, golden.golden_inputs(tiny.SIZE))


def _backbone(library: Library) -> InstalledBackbone:
    (found,) = (one for one in library.entries() if isinstance(one, InstalledBackbone))
    return found


def test_it_is_the_network_with_every_noted_tensor_rounded(data: bytes) -> None:
    rounded = round_to_int8(data)
    assert round_to_int8(data) == rounded, "the same bytes again"
    model = onnx.ModelProto.FromString(rounded)
    onnx.checker.check_model(model, full_check=True)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("QuantizeLinear") == 5
    assert kinds.count("DequantizeLinear") == 5 + 3, "the kernels, too"
    assert "Mul" not in kinds
    exact, low = _features(data), _features(rounded)
    assert (exact != low).any()
    assert golden.cosine(exact, low) > 0.997
    graph.check_backbone(rounded, wide.backbone_card(data))


def test_a_file_without_steps_is_refused() -> None:
    with pytest.raises(ModelError, match="damaged"):
        round_to_int8(tiny.backbone_bytes())


def test_the_engine_runs_it_although_it_has_no_file(library: Library, data: bytes) -> None:
    backbone = _backbone(library)
    files = backbone_files(backbone)
    _, card = files.cards
    probe = probe_provider(files, card, Provider.CPU, Precision.AUTO)
    assert probe.engine is not None, probe.error
    assert probe.engine.precision is ComputePrecision.INT8
    assert probe.engine.agreement > 0.9999
    assert backbone.size_bytes == len(data), "counted once"
    assert load_files(backbone) == {tiny.MODEL_FILE: data}, "what a copy of the backbone needs"


def test_a_changed_backbone_has_no_variant(library: Library) -> None:
    backbone = _backbone(library)
    changed = replace(backbone.card.variants[0], sha256="0" * 64)
    with pytest.raises(ModelError, match="is damaged or was changed"):
        load_backbone(backbone, backbone.card.of_variant(changed))


def test_float32_changes_no_number_and_float16_leaves_integers(data: bytes) -> None:
    own = Variant(data, wide.backbone_card(data))
    exact = backbone_variant(own, Storage.FLOAT32)
    np.testing.assert_array_equal(_features(exact.data), _features(data))
    assert not {"Cast", "Mul"} & {node.op_type for node in onnx.ModelProto.FromString(exact.data).graph.node[1:]}
    assert backbone_variant(own, Storage.FLOAT16) is own


def test_an_exported_model_comes_back(library: Library, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "whole.onnx"
    (library.builtin / "colours" / "card.json").write_bytes(_with_backbone(library, data))
    export(library.find("colours"), file)
    other = Library(tmp_path / "none", tmp_path / "own")
    model = import_model(file, other).model
    assert load_backbone(model.backbone) == data
    assert model.backbone.card.variants == ()


def _with_backbone(library: Library, data: bytes) -> bytes:
    """The card of the model, on the backbone with this file."""
    card = read_card((library.builtin / "colours" / "card.json").read_bytes())
    return write_card(replace(card, backbone=replace(card.backbone, sha256=tiny.sha256(data))))
