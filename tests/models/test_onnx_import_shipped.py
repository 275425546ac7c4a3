"""A shipped network as another program would export it: imported, it answers as it did before."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from core.base import paths
from core.base.providers import Precision, ProviderPreference
from core.models.classifier import open_classifier
from core.models.exchange import export
from core.models.library import open_library
from core.models.onnx_import import import_onnx, inspect_model
from core.models.onnx_import_values import ImportAnswers, Scaling
from core.prediction import Prediction

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "gui" / "samples").glob("*.jpg"))


@pytest.mark.parametrize(("output", "has_head"), [("logits", True), ("probabilities", False)])
def test_a_whole_network_is_taken_apart_and_answers_alike(tmp_path: Path, output: str, has_head: bool) -> None:
    if not (paths.builtin_models() / "general" / "backbone.onnx").is_file():
        pytest.skip("the shipped models are not here")
    library = open_library()
    ours = library.find("general")
    export(ours, tmp_path / "ours.onnx")
    model = onnx.load(tmp_path / "ours.onnx")
    del model.metadata_props[:]
    kept = [port for port in model.graph.output if port.name == output]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    file = tmp_path / "theirs.onnx"
    file.write_bytes(model.SerializeToString())
    (asked,) = inspect_model(file)
    assert (asked.class_count, asked.size, asked.reads_bytes) == (1000, 280, True)
    crop = ours.backbone.card.preprocessing.crop
    answers = ImportAnswers("Theirs", ours.card.classes, 280, scaling=Scaling.RAW, crop=crop)
    theirs = import_onnx(file, answers, library).model
    assert (theirs.backbone.card.feature_width != 1000) is has_head
    said = [answers_of(one) for one in (ours, theirs)]
    assert [label for label, _ in said[0]] == [label for label, _ in said[1]]
    assert [share for _, share in said[0]] == pytest.approx([share for _, share in said[1]], abs=1e-3)


def answers_of(model) -> list[tuple[str, float]]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    found = open_classifier(model, ProviderPreference.CPU, Precision.EXACT).classify(SAMPLES, top_k=1)
    return [(one.best.label, one.best.probability) for one in found if isinstance(one, Prediction)]
