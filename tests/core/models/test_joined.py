"""One graph out of backbone, head and card, and the three of them out of it again, for every kind of head."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from core.base.errors import ModelError
from core.card import read_card
from core.engine import golden
from core.models import joined
from core.models.heads import DenseHead, Head, LinearHead, PrototypeHead, softmax
from tests import tiny

CARD = replace(tiny.model_card("colours"), temperature=1.7, unknown_below=0.4, training={"seed": 3})


def _joined(head: Head | None = None, backbone: bytes | None = None) -> bytes:
    data = tiny.backbone_bytes() if backbone is None else backbone
    return joined.join(data, tiny.backbone_card(data), head or tiny.head(), CARD)


def _head(scale: float) -> LinearHead:
    return _layers(scale, tiny.WIDTH, 3)[0]


def _layers(scale: float, *widths: int) -> tuple[LinearHead, ...]:
    drawn = np.random.default_rng(5)
    return tuple(
        LinearHead(
            drawn.normal(0, scale, (read, given)).astype(np.float32), drawn.normal(0, 1, given).astype(np.float32)
        )
        for read, given in pairwise(widths)
    )


def _half(layer: LinearHead) -> LinearHead:
    return LinearHead(layer.weights.astype(np.float16).astype(np.float32), layer.bias)


def _points(*, half: bool = False) -> PrototypeHead:
    draw = np.random.default_rng(2)
    points, scale, shift = (draw.normal(size=size).astype(np.float32) for size in ((tiny.WIDTH, 3), 8, 8))
    return PrototypeHead(points.astype(np.float16).astype(np.float32) if half else points, scale, shift)


DEEP = _layers(1, *[tiny.WIDTH] * 8, 3)
HEADS: dict[str, Head] = {
    "linear": _head(scale=3),
    "linear, weights of 16 bits": _half(_head(scale=3)),
    "two layers": DenseHead(_layers(1, tiny.WIDTH, 5, 3)),
    "three layers": tiny.dense_head(),
    "weights of 16 and of 32 bits": DenseHead((DEEP[0], _half(DEEP[1]), DEEP[-1])),
    "the same layer again and again": DenseHead((DEEP[0], *[_half(DEEP[1])] * 3, DEEP[0], DEEP[-1])),
    "all the same": DenseHead(_layers(1, 8, 8) * 2),
    "eight layers": DenseHead(DEEP),
    "points": _points(),
    "points of 16 bits": _points(half=True),
}


def test_the_file_has_the_promised_input_and_outputs() -> None:
    session = ort.InferenceSession(_joined(), providers=["CPUExecutionProvider"])
    assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [("image", "tensor(uint8)", ["n", 32, 32, 3])]
    assert [(o.name, o.type, o.shape) for o in session.get_outputs()] == [
        ("probabilities", "tensor(float)", ["n", 3]),
        ("logits", "tensor(float)", ["n", 3]),
        ("features", "tensor(float)", ["n", tiny.WIDTH]),
    ]


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("batch", [1, 2, 7])
def test_the_file_answers_as_backbone_and_head_do(batch: int, kind: str) -> None:
    images = np.random.default_rng(1).integers(0, 256, (batch, 32, 32, 3), dtype=np.uint8)
    head = HEADS[kind]
    session = ort.InferenceSession(_joined(head), providers=["CPUExecutionProvider"])
    probabilities, logits, features = session.run(None, {"image": images})
    expected = tiny.features(tiny.backbone_bytes(), images)
    np.testing.assert_array_equal(features, expected)
    np.testing.assert_allclose(logits, head.logits(expected), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(probabilities, softmax(head.logits(expected), 1.7), atol=1e-5)


def test_the_card_and_the_preprocessing_are_in_the_metadata() -> None:
    session = ort.InferenceSession(_joined(), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert read_card(metadata["fovea.card"].encode()) == replace(CARD, backbone=tiny.backbone_card())
    assert "uint8 RGB [n, 32, 32, 3]" in metadata["fovea.preprocessing"]
    assert json.loads(metadata["fovea.backbone_outputs"]) == ["features", "feature_map"]


@pytest.mark.parametrize("kind", HEADS)
def test_the_file_passes_the_onnx_checker(kind: str) -> None:
    onnx.checker.check_model(onnx.ModelProto.FromString(_joined(HEADS[kind])), full_check=True)


@pytest.mark.parametrize(
    ("head", "sha256"),
    [
        (tiny.head(), "56b2db172f2a51f1465793a600d969a7d2c4872064a761a41ab7e9aee8472734"),
        (
            LinearHead(np.arange(24, dtype=np.float32).reshape(8, 3) / 10, np.arange(3, dtype=np.float32)),
            "8c49e0f3021583817484403f813c81f577c02f6f8b1c7db4ed3fa357d722e056",
        ),
    ],
    ids=["weights of 16 bits", "weights of 32 bits"],
)
def test_a_linear_head_is_written_as_ever_so_that_old_files_are_read(head: LinearHead, sha256: str) -> None:
    """The sums are of what the code wrote that knew linear heads only."""
    graph = onnx.ModelProto.FromString(_joined(head)).graph
    added = [part for part in (*graph.node, *graph.initializer) if part.name.startswith("fovea.head/")]
    data = b"".join(part.SerializeToString(deterministic=True) for part in (*added, *graph.output))
    assert hashlib.sha256(data).hexdigest() == sha256


@pytest.mark.parametrize("kind", HEADS)
def test_splitting_gives_the_head_back_to_the_last_number(kind: str) -> None:
    parts = joined.split(_joined(HEADS[kind]))
    tiny.assert_same_head(parts.head, HEADS[kind])
    assert parts.backbone == tiny.backbone_bytes()
    assert _joined(parts.head) == _joined(HEADS[kind])


def test_splitting_gives_every_part_back_to_the_byte() -> None:
    parts = joined.split(_joined())
    assert parts.backbone == tiny.backbone_bytes()
    assert parts.backbone_card == tiny.backbone_card()
    assert parts.card == replace(CARD, backbone=tiny.backbone_card())
    tiny.assert_same_head(parts.head, tiny.head())


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_no_weight_of_a_head_is_rounded(scale: float) -> None:
    head = _head(scale)
    assert not joined.fits_float16(head.weights)
    tiny.assert_same_head(joined.split(_joined(head)).head, head)


def test_weights_that_float16_holds_are_stored_as_float16() -> None:
    model = onnx.ModelProto.FromString(_joined(tiny.head()))
    (stored,) = (tensor for tensor in model.graph.initializer if tensor.name == "fovea.head/weights")
    assert stored.data_type == TensorProto.FLOAT16


def test_other_outputs_their_order_and_metadata_of_the_backbone_come_back() -> None:
    model = tiny.backbone_proto()
    outputs = [
        *reversed(model.graph.output),
        helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["n", 8, 1, 1]),
    ]
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    model.graph.value_info.add().CopyFrom(helper.make_tensor_value_info("planes", TensorProto.FLOAT, ["n", 3, 32, 32]))
    model.metadata_props.add(key="made by", value="hand")
    model.doc_string = "a backbone"
    backbone = joined.serialise(model)
    assert joined.split(_joined(backbone=backbone)).backbone == backbone


@pytest.mark.parametrize("name", ["logits", "probabilities", "fovea.head/gemm", "fovea.head/positive_0"])
def test_a_backbone_that_uses_the_names_itself_is_refused(name: str) -> None:
    model = tiny.backbone_proto()
    model.graph.node[-2].output[0] = name
    model.graph.node[-1].input[0] = name
    with pytest.raises(ModelError, match="uses the name"):
        _joined(backbone=joined.serialise(model))


def test_golden_inputs_go_through_the_joined_graph() -> None:
    session = ort.InferenceSession(_joined(), providers=["CPUExecutionProvider"])
    (found,) = session.run(["features"], {"image": golden.golden_inputs(32)})
    card = tiny.backbone_card()
    assert golden.cosine(np.asarray(found), golden.decode_features(card.golden_features, card.feature_width)) > 0.99999
