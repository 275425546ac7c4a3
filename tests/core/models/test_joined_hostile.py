"""Joined files that were changed since they were exported: each is refused, and for the right reason."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.card import write_card
from core.models import joined
from core.models.heads import Head
from core.models.onnx_import import inspect_model
from tests import tiny

CARD = replace(tiny.model_card("colours"), temperature=1.7, unknown_below=0.4, training={"seed": 3})
PROMISED = "does not match its card"
KINDS = ("weights", "bias")


def _joined(head: Head) -> bytes:
    return joined.join(tiny.backbone_bytes(), tiny.backbone_card(), head, CARD)


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


def _taken(parts: MutableSequence[Any], name: str) -> Any:  # noqa: ANN401
    """The part of this name, removed from where it stood."""
    return parts.pop(next(place for place, part in enumerate(parts) if part.name == name))


def _renamed(tensor: TensorProto, layer: int) -> TensorProto:
    changed = TensorProto()
    changed.CopyFrom(tensor)
    changed.name = f"{tensor.name.rpartition('_')[0]}_{layer}"
    return changed


TAMPERINGS: dict[str, tuple[Callable[[onnx.ModelProto], object], str]] = {
    "no card": (lambda m: _without(m, "fovea.card"), "has no card"),
    "two cards": (lambda m: m.metadata_props.add(key="fovea.card", value="{}"), "has no card"),
    "a card that is no JSON": (lambda m: _set(m, "fovea.card", "{"), "not valid JSON"),
    "a card nested without end": (lambda m: _set(m, "fovea.card", "[" * 100_000), "not valid JSON"),
    "the card of a backbone": (
        lambda m: _set(m, "fovea.card", write_card(tiny.backbone_card()).decode()),
        "does not describe a complete model",
    ),
    "a card without its backbone's": (
        lambda m: _set(m, "fovea.card", write_card(CARD).decode()),
        "does not describe a complete model",
    ),
    "another temperature": (lambda m: _with_card(m, temperature=1.6), PROMISED),
    "an operator between": (
        lambda m: _node(m, "fovea.head/softmax").input.__setitem__(0, "logits"),
        PROMISED,
    ),
    "a node more": (
        lambda m: m.graph.node.append(helper.make_node("Relu", ["logits"], ["x"], name="fovea.head/relu")),
        PROMISED,
    ),
    "an array more": (
        lambda m: m.graph.initializer.append(TensorProto(name="fovea.head/more", data_type=1, float_data=[0])),
        PROMISED,
    ),
    "no weights": (
        lambda m: m.graph.initializer.remove(_array(m, "fovea.head/weights")),
        "no array of numbers named “fovea.head/weights”",
    ),
    "weights that are texts": (
        lambda m: setattr(_array(m, "fovea.head/weights"), "data_type", TensorProto.STRING),
        "does not contain plain numbers",
    ),
    "weights of a huge stated size": (
        lambda m: _array(m, "fovea.head/weights").dims.__setitem__(0, 2**62),
        "is incomplete",
    ),
    "weights of negative size": (
        lambda m: _array(m, "fovea.head/weights").dims.__setitem__(slice(None), [-8, -3]),
        "invalid shape",
    ),
    "weights in three dimensions": (
        lambda m: _array(m, "fovea.head/weights").dims.__setitem__(slice(None), [8, 3, 1]),
        "do not match",
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
    "no features": (lambda m: m.graph.output.pop(2), "no output “features”"),
    "features without shape": (
        lambda m: m.graph.output[2].type.tensor_type.shape.ClearField("dim"),
        "no output “features”",
    ),
    "no word on its outputs": (lambda m: _without(m, "fovea.backbone_outputs"), "outputs of its backbone"),
    "outputs named twice": (
        lambda m: _set(m, "fovea.backbone_outputs", '["features", "features", "feature_map"]'),
        "outputs of its backbone",
    ),
    "outputs that are not there": (
        lambda m: _set(m, "fovea.backbone_outputs", '["features", "elsewhere"]'),
        "outputs of its backbone",
    ),
    "outputs that are no list": (
        lambda m: _set(m, "fovea.backbone_outputs", '{"features": 1}'),
        "outputs of its backbone",
    ),
    "an operator of another domain": (
        lambda m: setattr(m.graph.node[0], "domain", "com.example"),
        "unsupported operator “com.example.Cast”",
    ),
    "weights in another file": (
        lambda m: setattr(m.graph.initializer[0], "data_location", TensorProto.EXTERNAL),
        "in other files",
    ),
}


DENSE_TAMPERINGS: dict[str, tuple[Callable[[onnx.ModelProto], object], str]] = {
    "no ReLU": (
        lambda m: (
            m.graph.node.remove(_node(m, "fovea.head/relu_0")),
            _node(m, "fovea.head/gemm_1").input.__setitem__(0, "fovea.head/sums_0"),
        ),
        PROMISED,
    ),
    "another operator for ReLU": (lambda m: setattr(_node(m, "fovea.head/relu_1"), "op_type", "Sigmoid"), PROMISED),
    "a layer passed over": (
        lambda m: _node(m, "fovea.head/gemm_2").input.__setitem__(0, "fovea.head/positive_0"),
        PROMISED,
    ),
    "a chain that feeds itself": (
        lambda m: _node(m, "fovea.head/gemm_0").input.__setitem__(0, "fovea.head/positive_1"),
        PROMISED,
    ),
    "a layer that does not multiply only": (
        lambda m: _node(m, "fovea.head/gemm_1").attribute.append(helper.make_attribute("alpha", 2.0)),
        PROMISED,
    ),
    "nodes in another order": (lambda m: m.graph.node.append(_taken(m.graph.node, "fovea.head/relu_0")), PROMISED),
    "arrays in another order": (
        lambda m: m.graph.initializer.append(_taken(m.graph.initializer, "fovea.head/weights_0")),
        PROMISED,
    ),
    "an array twice": (
        lambda m: m.graph.initializer.append(_array(m, "fovea.head/weights_0")),
        PROMISED,
    ),
    "a layer nobody reads": (
        lambda m: m.graph.initializer.extend(_renamed(_array(m, f"fovea.head/{kind}_2"), 3) for kind in KINDS),
        "has 3 outputs, the next 6 inputs",
    ),
    "more layers than any head has": (
        lambda m: m.graph.initializer.extend(_renamed(_array(m, f"fovea.head/{kind}_2"), 8) for kind in KINDS),
        PROMISED,
    ),
    "a linear head beside it": (
        lambda m: m.graph.initializer.extend(
            _array(onnx.ModelProto.FromString(_joined(tiny.head())), f"fovea.head/{kind}") for kind in KINDS
        ),
        PROMISED,
    ),
    "one layer only": (
        lambda m: [m.graph.initializer.remove(_array(m, f"fovea.head/{kind}_{n}")) for n in (1, 2) for kind in KINDS],
        "has 1 layers",
    ),
    "a layer missing": (
        lambda m: [m.graph.initializer.remove(_array(m, f"fovea.head/{kind}_1")) for kind in KINDS],
        "no array of numbers named “fovea.head/weights_1”",
    ),
    "a bias missing": (
        lambda m: m.graph.initializer.remove(_array(m, "fovea.head/bias_1")),
        "no array of numbers named “fovea.head/bias_1”",
    ),
    "layers that do not fit": (
        lambda m: _array(m, "fovea.head/weights_2").dims.__setitem__(slice(None), [3, 6]),
        "do not match",
    ),
    "a layer without width": (
        lambda m: _array(m, "fovea.head/weights_1").dims.__setitem__(1, 0),
        "is incomplete",
    ),
    "a layer of a huge stated width": (
        lambda m: _array(m, "fovea.head/weights_1").dims.__setitem__(1, 2**62),
        "is incomplete",
    ),
    "a layer that is not numbers": (
        lambda m: setattr(_array(m, "fovea.head/bias_1"), "raw_data", b"\xff\xff\xff\x7f" * 6),
        "not numbers",
    ),
    "weights of other bits": (
        lambda m: _array(m, "fovea.head/weights_1").CopyFrom(
            numpy_helper.from_array(np.eye(6, dtype=np.float32), "fovea.head/weights_1")
        ),
        PROMISED,
    ),
    "a word on an array": (lambda m: setattr(_array(m, "fovea.head/bias_0"), "doc_string", "x"), PROMISED),
    "another temperature": (lambda m: _with_card(m, temperature=1.6), PROMISED),
}


def _refused(head: Head, change: Callable[[onnx.ModelProto], object], expected: str) -> None:
    model = onnx.ModelProto.FromString(_joined(head))
    _without(model, "fovea.sha256")
    change(model)
    with pytest.raises(ModelError, match=expected):
        joined.split(joined.seal(model))


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_file_that_was_tampered_with_is_refused(tampering: str) -> None:
    _refused(tiny.head(), *TAMPERINGS[tampering])


@pytest.mark.parametrize("tampering", DENSE_TAMPERINGS)
def test_a_dense_head_that_was_tampered_with_is_refused(tampering: str) -> None:
    _refused(tiny.dense_head(), *DENSE_TAMPERINGS[tampering])


FLIPPED = "changed or damaged after the export"


def test_any_flipped_bit_is_refused() -> None:
    """In the weights of the backbone and the head, in names, in the card, and in the sum itself."""
    data = _joined(tiny.head())
    texts = (tiny.kernels().tobytes(), b"fovea.head/weights", b"fovea.sha256", b"fovea.card", b"Colours")
    places = {data.index(part) for part in texts}
    for place in [*places, *range(0, len(data), 61)]:
        flipped = bytearray(data)
        flipped[place] ^= 1
        with pytest.raises(ModelError):
            joined.split(bytes(flipped))


@pytest.mark.parametrize("key", [b"fovea.card", b"fovea.sha256", b"fovea.backbone_outputs"])
def test_an_entry_whose_name_was_damaged_makes_it_no_file_of_another_program(key: bytes, tmp_path: Path) -> None:
    file = tmp_path / "damaged.onnx"
    file.write_bytes(_joined(tiny.head()).replace(key, key[:-1] + b"~"))
    assert inspect_model(file) == ()
    with pytest.raises(ModelError, match=FLIPPED):
        joined.split(file.read_bytes())


def test_a_flipped_bit_of_a_weight_is_reported_as_what_it_is() -> None:
    data = bytearray(_joined(tiny.head()))
    data[data.index(tiny.kernels().tobytes()) + 3] ^= 64
    with pytest.raises(ModelError, match=FLIPPED) as caught:
        joined.split(bytes(data))
    assert "copy it again" in caught.value.hint


def test_a_file_from_before_sums_were_written_is_read_and_its_backbone_compared() -> None:
    model = onnx.ModelProto.FromString(_joined(tiny.head()))
    _without(model, "fovea.sha256")
    assert joined.split(joined.serialise(model)).backbone == tiny.backbone_bytes()
    weights = model.graph.initializer[0]
    weights.raw_data = weights.raw_data[:-1] + b"\x7f"
    with pytest.raises(ModelError, match=FLIPPED):
        joined.split(joined.serialise(model))


@pytest.mark.parametrize("text", [b"Colours", b"fovea.head/gemm"])
def test_text_that_is_not_utf_8_is_refused(text: bytes) -> None:
    with pytest.raises(ModelError, match="not valid text"):
        joined.split(_joined(tiny.head()).replace(text, b"\xff" * len(text)))


@pytest.mark.parametrize("head", [tiny.head(), tiny.dense_head()], ids=["linear", "dense"])
def test_a_file_cut_off_anywhere_is_refused(head: Head) -> None:
    data = _joined(head)
    for end in range(0, len(data) - 1, 97):
        with pytest.raises(ModelError):
            joined.split(data[:end])
