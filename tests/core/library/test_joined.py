"""One graph out of backbone, head and card, and the three of them out of it again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from core.card import read_card, write_card
from core.engine import golden
from core.errors import ModelError
from core.library import joined
from core.library.heads import LinearHead, softmax
from tests import tiny

CARD = replace(tiny.model_card("colours"), temperature=1.7, unknown_below=0.4, training={"seed": 3})


def _joined(head: LinearHead | None = None, backbone: bytes | None = None) -> bytes:
    data = tiny.backbone_bytes() if backbone is None else backbone
    return joined.join(data, tiny.backbone_card(data), head or tiny.head(), CARD)


def _head(scale: float) -> LinearHead:
    drawn = np.random.default_rng(5)
    return LinearHead(
        drawn.normal(0, scale, (tiny.WIDTH, 3)).astype(np.float32), drawn.normal(0, 1, 3).astype(np.float32)
    )


def test_the_file_has_the_promised_input_and_outputs() -> None:
    session = ort.InferenceSession(_joined(), providers=["CPUExecutionProvider"])
    assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [("image", "tensor(uint8)", ["n", 32, 32, 3])]
    assert [(o.name, o.type, o.shape) for o in session.get_outputs()] == [
        ("probabilities", "tensor(float)", ["n", 3]),
        ("logits", "tensor(float)", ["n", 3]),
        ("features", "tensor(float)", ["n", tiny.WIDTH]),
    ]


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_the_file_answers_as_backbone_and_head_do(batch: int) -> None:
    images = np.random.default_rng(1).integers(0, 256, (batch, 32, 32, 3), dtype=np.uint8)
    head = _head(scale=3)
    session = ort.InferenceSession(_joined(head), providers=["CPUExecutionProvider"])
    probabilities, logits, features = session.run(None, {"image": images})
    expected = tiny.features(tiny.backbone_bytes(), images)
    np.testing.assert_array_equal(features, expected)
    np.testing.assert_allclose(logits, head.logits(expected), atol=1e-5)
    np.testing.assert_allclose(probabilities, softmax(head.logits(expected), 1.7), atol=1e-6)


def test_the_card_and_the_preprocessing_are_in_the_metadata() -> None:
    session = ort.InferenceSession(_joined(), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert read_card(metadata["fovea.card"].encode()) == replace(CARD, backbone=tiny.backbone_card())
    assert "uint8 RGB [n, 32, 32, 3]" in metadata["fovea.preprocessing"]
    assert json.loads(metadata["fovea.backbone_outputs"]) == ["features", "feature_map"]


def test_the_file_passes_the_onnx_checker() -> None:
    onnx.checker.check_model(onnx.ModelProto.FromString(_joined()), full_check=True)


def test_splitting_gives_every_part_back_to_the_byte() -> None:
    parts = joined.split(_joined())
    assert parts.backbone == tiny.backbone_bytes()
    assert parts.backbone_card == tiny.backbone_card()
    assert parts.card == replace(CARD, backbone=tiny.backbone_card())
    np.testing.assert_array_equal(parts.head.weights, tiny.head().weights)
    np.testing.assert_array_equal(parts.head.bias, tiny.head().bias)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_no_weight_of_a_head_is_rounded(scale: float) -> None:
    head = _head(scale)
    assert not joined.fits_half(head.weights)
    parts = joined.split(_joined(head))
    np.testing.assert_array_equal(parts.head.weights, head.weights)
    np.testing.assert_array_equal(parts.head.bias, head.bias)


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


@pytest.mark.parametrize("name", ["logits", "probabilities", "fovea.head/gemm"])
def test_a_backbone_that_uses_the_names_itself_is_refused(name: str) -> None:
    model = tiny.backbone_proto()
    model.graph.node[-2].output[0] = name
    model.graph.node[-1].input[0] = name
    with pytest.raises(ModelError, match="itself uses the name"):
        _joined(backbone=joined.serialise(model))


def _array(model: onnx.ModelProto, name: str) -> TensorProto:
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def _metadata(model: onnx.ModelProto, key: str) -> onnx.StringStringEntryProto:
    return next(entry for entry in model.metadata_props if entry.key == key)


def _set(model: onnx.ModelProto, key: str, value: str) -> None:
    _metadata(model, key).value = value


def _without(model: onnx.ModelProto, key: str) -> None:
    model.metadata_props.remove(_metadata(model, key))


def _with_card(model: onnx.ModelProto, **changes: object) -> None:
    card = replace(CARD, backbone=tiny.backbone_card(), **changes)  # type: ignore[arg-type]
    _set(model, "fovea.card", write_card(card).decode())


def _node(model: onnx.ModelProto, name: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.name == name)


TAMPERINGS: dict[str, tuple[Callable[[onnx.ModelProto], object], str]] = {
    "no card": (lambda m: _without(m, "fovea.card"), "carries no card"),
    "two cards": (lambda m: m.metadata_props.add(key="fovea.card", value="{}"), "carries no card"),
    "a card that is no JSON": (lambda m: _set(m, "fovea.card", "{"), "not JSON"),
    "a card nested without end": (lambda m: _set(m, "fovea.card", "[" * 100_000), "not JSON"),
    "the card of a backbone": (
        lambda m: _set(m, "fovea.card", write_card(tiny.backbone_card()).decode()),
        "does not describe a whole model",
    ),
    "a card without its backbone's": (
        lambda m: _set(m, "fovea.card", write_card(CARD).decode()),
        "does not describe a whole model",
    ),
    "another temperature": (lambda m: _with_card(m, temperature=1.6), "not the head its card promises"),
    "an operator between": (
        lambda m: _node(m, "fovea.head/softmax").input.__setitem__(0, "logits"),
        "not the head its card promises",
    ),
    "a node more": (
        lambda m: m.graph.node.append(helper.make_node("Relu", ["logits"], ["x"], name="fovea.head/relu")),
        "not the head its card promises",
    ),
    "an array more": (
        lambda m: m.graph.initializer.append(TensorProto(name="fovea.head/more", data_type=1)),
        "not the head its card promises",
    ),
    "no weights": (
        lambda m: m.graph.initializer.remove(_array(m, "fovea.head/weights")),
        "no array of real numbers called 'fovea.head/weights'",
    ),
    "weights that are texts": (
        lambda m: setattr(_array(m, "fovea.head/weights"), "data_type", TensorProto.STRING),
        "no array of real numbers",
    ),
    "weights of a huge stated size": (
        lambda m: _array(m, "fovea.head/weights").dims.__setitem__(0, 2**62),
        "does not have the size it states",
    ),
    "weights of negative size": (
        lambda m: _array(m, "fovea.head/weights").dims.__setitem__(slice(None), [-8, -3]),
        "does not have the size it states",
    ),
    "weights in three dimensions": (
        lambda m: _array(m, "fovea.head/weights").dims.__setitem__(slice(None), [8, 3, 1]),
        "do not fit together",
    ),
    "weights that are not numbers": (
        lambda m: setattr(_array(m, "fovea.head/bias"), "raw_data", b"\xff\xff\xff\x7f" * 3),
        "not numbers",
    ),
    "outputs of other shape": (
        lambda m: setattr(m.graph.output[0].type.tensor_type.shape.dim[1], "dim_value", 4),
        "outputs of the file",
    ),
    "an output less": (lambda m: m.graph.output.pop(0), "outputs of the file"),
    "no features": (lambda m: m.graph.output.pop(2), "no output 'features'"),
    "features without shape": (
        lambda m: m.graph.output[2].type.tensor_type.shape.ClearField("dim"),
        "no output 'features'",
    ),
    "no word on its outputs": (lambda m: _without(m, "fovea.backbone_outputs"), "backbone's own outputs"),
    "outputs named twice": (
        lambda m: _set(m, "fovea.backbone_outputs", '["features", "features", "feature_map"]'),
        "backbone's own outputs",
    ),
    "outputs that are not there": (
        lambda m: _set(m, "fovea.backbone_outputs", '["features", "elsewhere"]'),
        "backbone's own outputs",
    ),
    "outputs that are no list": (lambda m: _set(m, "fovea.backbone_outputs", '{"features": 1}'), "own outputs"),
    "an operator of another domain": (
        lambda m: setattr(m.graph.node[0], "domain", "com.example"),
        "operator 'com.example.Cast', which is not allowed",
    ),
    "weights in another file": (
        lambda m: setattr(m.graph.initializer[0], "data_location", TensorProto.EXTERNAL),
        "in other files",
    ),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_file_that_was_tampered_with_is_refused(tampering: str) -> None:
    change, told = TAMPERINGS[tampering]
    model = onnx.ModelProto.FromString(_joined())
    change(model)
    with pytest.raises(ModelError, match=told):
        joined.split(joined.serialise(model))


def test_a_file_cut_off_anywhere_is_refused() -> None:
    data = _joined()
    for end in range(0, len(data) - 1, 97):
        with pytest.raises(ModelError):
            joined.split(data[:end])


def test_golden_inputs_go_through_the_joined_graph() -> None:
    session = ort.InferenceSession(_joined(), providers=["CPUExecutionProvider"])
    (found,) = session.run(["features"], {"image": golden.golden_inputs(32)})
    card = tiny.backbone_card()
    assert golden.cosine(np.asarray(found), golden.unpack(card.golden_features, card.feature_width)) > 0.99999
