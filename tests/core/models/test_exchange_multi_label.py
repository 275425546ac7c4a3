"""Multi-label models written as one file and brought back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from core.base.errors import ModelError, UsageError
from core.base.progress import CancelToken
from core.card import ModelCard, read_card, write_card
from core.card_rules import UnknownRule
from core.exporting.export import export_model
from core.exporting.formats import ExportFormat
from core.models import joined
from core.models.exchange import export, import_model
from core.models.feature_bank import FILE, bank_bytes
from core.models.installed import load_bank
from core.models.library import Library
from tests import tiny


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return tiny.make_library(tmp_path / "library")


@pytest.fixture
def other(tmp_path: Path) -> Library:
    """The empty library of someone else."""
    return Library(tmp_path / "other" / "shipped", tmp_path / "other" / "own")


def test_a_multi_label_model_travels_with_its_thresholds(library: Library, other: Library, tmp_path: Path) -> None:
    model = library.install(*tiny.multi_label_model(temperature=2.0))
    file = tmp_path / "several.onnx"
    export(model, file)
    imported = import_model(file, other).model
    assert imported.card.thresholds == model.card.thresholds
    images = np.stack([np.full((32, 32, 3), colour, np.uint8) for colour in (tiny.SOLID | tiny.MIXED).values()])
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    probabilities, logits = session.run(["probabilities", "logits"], {"image": images})
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-logits / 2)), atol=1e-6)
    assert [one.op_type for one in onnx.load(file).graph.node].count("Softmax") == 0
    again = tmp_path / "again.onnx"
    export(imported, again)
    assert not import_model(again, other).is_new


def test_its_rule_for_unknown_images_travels_too(library: Library, other: Library, tmp_path: Path) -> None:
    data = bank_bytes(tiny.feature_bank(((1, 0, 0), (1, 1, 0), (0, 0, 0))))
    rule = UnknownRule(FILE, tiny.sha256(data), bandwidth=0.02, bias=-5.0, similarity=50.0, confidence=0.0)
    card, files = tiny.multi_label_model(unknown=rule)
    model = library.install(card, {**files, FILE: data})
    export(model, tmp_path / "several.onnx")
    imported = import_model(tmp_path / "several.onnx", other).model
    bank = load_bank(imported)
    assert bank is not None
    assert bank.labels.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("thresholds", [(), (0.5, 0.5, 0.5)])
def test_a_file_that_says_another_kind_of_model_than_its_graph_is_refused(
    thresholds: tuple[float, ...], library: Library, other: Library, tmp_path: Path
) -> None:
    model, file = library.install(*tiny.multi_label_model()), tmp_path / "several.onnx"
    export(model if not thresholds else library.find("colours"), file)
    graph = onnx.load(file)
    props = {one.key: one for one in graph.metadata_props}
    graph.metadata_props.remove(props[joined.SEAL_KEY])
    card = read_card(props[joined.CARD_KEY].value.encode())
    assert isinstance(card, ModelCard)
    props[joined.CARD_KEY].value = write_card(replace(card, thresholds=thresholds)).decode()
    file.write_bytes(joined.seal(graph))
    with pytest.raises(ModelError, match="does not match its card"):
        import_model(file, other)


@pytest.mark.parametrize("format_", [ExportFormat.ONNX_INT8, ExportFormat.LITERT_FLOAT32])
def test_formats_that_know_exactly_one_class_refuse_several(
    format_: ExportFormat, library: Library, tmp_path: Path
) -> None:
    model = library.install(*tiny.multi_label_model())
    with pytest.raises(UsageError, match="multi-label"):
        export_model(model, tmp_path / "a", format_, tmp_path, 0.1, report=lambda _: None, token=CancelToken())
    assert not (tmp_path / "a").exists()
