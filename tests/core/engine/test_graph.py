"""No file reaches a session unless it is a plain backbone and just what its card says."""

from __future__ import annotations

import contextlib
from functools import cache

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import AttributeProto, ModelProto, TensorProto, helper, numpy_helper

from core.base.errors import FoveaError, ModelError
from core.base.providers import Precision, Provider, ProviderPreference
from core.card import BackboneCard, Preprocessing
from core.engine import golden, graph
from core.engine.engine import open_engine
from core.engine.provider_selection import BackboneFiles, choose_engine
from core.exporting.activation_observer import observe_activations
from core.exporting.int8 import OPERATORS, QuantizationKind, quantize
from core.models.classifier import open_classifier
from core.models.library import Library
from tests import tiny
from tests.greedy_graphs import TOO_MUCH
from tests.hostile_graphs import (
    FOREIGN,
    HOSTILE,
    Change,
    an_opset_of_the_future,
    constant,
    contradicting_shapes,
    custom_opset,
    inner_graph,
    padding_that_fills_the_memory,
    serialised,
)


@pytest.fixture
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on nobody may open a session."""

    def fail(*_: object, **__: object) -> None:
        pytest.fail("a session was opened for a file that should have been refused")

    tiny.backbone_card()  # made once, with a session of its own
    monkeypatch.setattr(ort, "InferenceSession", fail)


def test_the_backbone_as_it_is_passes() -> None:
    graph.check_backbone(tiny.backbone_bytes(), tiny.backbone_card())


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_a_hostile_graph_is_refused_as_data(change: Change, no_session: None) -> None:
    with pytest.raises(ModelError) as caught:
        graph.parse(serialised(change))
    assert caught.value.hint
    assert len(caught.value.what) < 300


@pytest.mark.parametrize("change", HOSTILE + FOREIGN, ids=lambda change: change.__name__)
def test_no_session_is_opened_for_a_refused_file(
    change: Change, no_session: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its sum is right, so that the file itself is what is refused."""
    place = tmp_path_factory.mktemp("library")
    data = serialised(change)
    card = tiny.backbone_card(data)
    tiny.write_folder(place / "tiny", tiny.write_card(card), {tiny.MODEL_FILE: data})
    shared = tiny.SharedBackbone("tiny", card.sha256)
    model = tiny.write_card(tiny.model_card(backbone=shared))
    tiny.write_folder(place / "colours", model, {tiny.HEAD_FILE: tiny.head_bytes(tiny.head())})
    with pytest.raises(ModelError) as caught:
        open_classifier(Library(place, place / "own").find("colours"), ProviderPreference.AUTO, Precision.AUTO)
    assert caught.value.hint


@pytest.mark.parametrize("change", TOO_MUCH, ids=lambda change: change.__name__)
def test_what_takes_too_much_is_refused_unless_it_was_imported_before_that_was_bounded(change: Change) -> None:
    data = serialised(change)
    with pytest.raises(ModelError, match=r"GB of memory for 8 images|billion multiply-adds"):
        graph.check_backbone(data, tiny.backbone_card(data))
    graph.check_backbone(data, tiny.backbone_card(data), is_installed=True)


@pytest.mark.parametrize("change", [contradicting_shapes, an_opset_of_the_future], ids=lambda change: change.__name__)
def test_what_only_onnx_runtime_sees_is_the_files_fault_too(change: Change) -> None:
    data = serialised(change)
    card = tiny.backbone_card(data)
    graph.check_backbone(data, card)
    with pytest.raises(ModelError):
        choose_engine(BackboneFiles.of(data, card), ProviderPreference.AUTO, Precision.AUTO)


def plain_constant(model: ModelProto) -> None:
    model.graph.node.insert(0, constant(numpy_helper.from_array(np.ones(3, np.float32), "near")))


def weights_listed_as_input(model: ModelProto) -> None:
    """Exporters before ONNX's IR 4 did so."""
    model.graph.input.append(helper.make_tensor_value_info("weights", TensorProto.FLOAT, [8, 3, 3, 3]))


def lies_about_inner_shapes(model: ModelProto) -> None:
    """They are not believed, so they cannot harm."""
    model.graph.value_info.append(helper.make_tensor_value_info("pooled", TensorProto.FLOAT, [1, 8, 999, 999]))


@pytest.mark.parametrize("change", [plain_constant, weights_listed_as_input, lies_about_inner_shapes, custom_opset])
def test_harmless_differences_pass(change: Change) -> None:
    graph.check_backbone(serialised(change), tiny.backbone_card())


CARDS = {
    "size": tiny.backbone_card(preprocessing=Preprocessing(64)),
    "width": tiny.backbone_card(feature_width=9),
    "layout": tiny.backbone_card(feature_map_layout="nhwc"),
}


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_card_that_lies_is_refused(card: BackboneCard, no_session: None) -> None:
    with pytest.raises(ModelError, match="card"):
        graph.check_backbone(tiny.backbone_bytes(), card)


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"not a model", b"\x08\x07", b"\xff" * 1000, b"PK\x03\x04" * 20, b"\x3a" * 5000]
)
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        graph.check_backbone(data, tiny.backbone_card())


def test_an_empty_file_is_called_empty() -> None:
    with pytest.raises(ModelError, match=r"^The model file is empty. Download or copy it again.$"):
        graph.decode(b"")


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        graph.check_backbone(data, tiny.backbone_card())


def test_messages_nested_without_end_are_refused() -> None:
    """An attribute's graph inside an attribute's graph ..., a thousand times; protobuf allows a hundred."""
    inner = inner_graph()
    data = inner.SerializeToString()
    for _ in range(1000):
        data = field(7, field(1, field(5, field(6, data))))  # model.graph.node.attribute.g
    with pytest.raises(ModelError):
        graph.parse(data)


def field(number: int, content: bytes) -> bytes:
    """A protobuf field of the wire type for messages."""
    length, size = b"", len(content)
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def test_every_truncation_is_refused_or_the_same_backbone() -> None:
    """A file cut off between two fields is a whole message; what is left must then pass every check."""
    data = tiny.backbone_bytes()
    for length in range(len(data)):
        with contextlib.suppress(ModelError):
            graph.check_backbone(data[:length], tiny.backbone_card())
            assert graph.parse(data[:length]).graph == tiny.backbone_proto().graph


DATA = tiny.backbone_bytes()


@given(st.lists(st.tuples(st.integers(0, len(DATA) - 1), st.integers(0, 255)), min_size=1, max_size=4))
@example([(DATA.index(b"Relu"), 0xFF)])
@settings(max_examples=1500, deadline=None, derandomize=True)
def test_damaged_bytes_never_raise_anything_else(damage: list[tuple[int, int]]) -> None:
    """What passes the checks is opened and run too: there as well only our own errors may come out."""
    data = bytearray(DATA)
    for place, value in damage:
        data[place] = value
    card = tiny.backbone_card(bytes(data))
    with contextlib.suppress(FoveaError):
        graph.check_backbone(bytes(data), card)
        engine = open_engine(bytes(data), card, Provider.CPU, Precision.EXACT)
        assert engine.run(np.zeros((3, tiny.SIZE, tiny.SIZE, 3), np.uint8)).shape == (3, tiny.WIDTH)


@cache
def quantised() -> bytes:
    """The tiny backbone with its convolution in 8 bits."""
    model = tiny.backbone_proto()
    return quantize(
        model, observe_activations(model, golden.golden_inputs(tiny.SIZE), OPERATORS), QuantizationKind.U8S8
    )


def quantised_card(data: bytes) -> BackboneCard:
    features = tiny.features(quantised(), golden.golden_inputs(tiny.SIZE))
    return tiny.backbone_card(data, golden_features=golden.encode_features(features))


def test_a_backbone_in_8_bits_passes() -> None:
    operators = {node.op_type for node in graph.parse(quantised()).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= operators
    graph.check_backbone(quantised(), quantised_card(quantised()))


def features_in_8_bits(model: ModelProto) -> None:
    """They would be no numbers a head can read."""
    model.graph.node[-1].output[0] = "real_features"
    scale = numpy_helper.from_array(np.array(0.1, np.float32), "features_scale")
    zero = numpy_helper.from_array(np.array(0, np.uint8), "features_zero")
    model.graph.initializer.extend([scale, zero])
    names = ["real_features", "features_scale", "features_zero"]
    model.graph.node.append(helper.make_node("QuantizeLinear", names, ["features"]))


def eight_bits_that_fill_the_memory(model: ModelProto) -> None:
    padding_that_fills_the_memory(model)
    scale = numpy_helper.from_array(np.array(0.1, np.float32), "scale")
    model.graph.initializer.append(scale)
    model.graph.node.insert(4, helper.make_node("QuantizeLinear", ["padded", "scale"], ["small"]))
    model.graph.node.insert(5, helper.make_node("DequantizeLinear", ["small", "scale"], ["large"]))
    model.graph.node[6].input[0] = "large"


@pytest.mark.parametrize(
    "change",
    [features_in_8_bits, eight_bits_that_fill_the_memory],
    ids=lambda change: change.__name__,
)
def test_8_bits_where_they_do_not_belong_are_refused(change: Change) -> None:
    data = serialised(change)
    with pytest.raises(ModelError):
        graph.check_backbone(data, tiny.backbone_card(data))


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_damaged_8_bits_never_raise_anything_else(damage: list[tuple[float, int]]) -> None:
    data = bytearray(quantised())
    for place, value in damage:
        data[int(place * len(data))] = value
    card = quantised_card(bytes(data))
    with contextlib.suppress(FoveaError):
        graph.check_backbone(bytes(data), card)
        engine = open_engine(bytes(data), card, Provider.CPU, Precision.EXACT)
        assert engine.run(np.zeros((3, tiny.SIZE, tiny.SIZE, 3), np.uint8)).shape == (3, tiny.WIDTH)


def test_every_flipped_bit_outside_the_weights_is_refused_or_harmless() -> None:
    weights = tiny.kernels().tobytes()
    start = DATA.index(weights)
    places = [place for place in range(len(DATA)) if not start <= place < start + len(weights)]
    for place in places:
        data = bytearray(DATA)
        data[place] ^= 1 << place % 8
        with contextlib.suppress(ModelError):
            graph.check_backbone(bytes(data), tiny.backbone_card())


def test_ports_say_what_goes_in_and_comes_out() -> None:
    model = tiny.backbone_proto()
    half = tiny.SIZE // 2
    assert graph.inputs(model) == (graph.TensorSpec("image", TensorProto.UINT8, (None, tiny.SIZE, tiny.SIZE, 3)),)
    assert graph.outputs(model) == (
        graph.TensorSpec("features", TensorProto.FLOAT, (None, tiny.WIDTH)),
        graph.TensorSpec("feature_map", TensorProto.FLOAT, (None, tiny.WIDTH, half, half)),
    )


def test_every_hostile_attribute_was_thought_of() -> None:
    """Should ONNX add a kind of attribute that can hold tensors or graphs, someone must look at the graph again."""
    assert set(AttributeProto.AttributeType.keys()) == {
        "UNDEFINED",
        *("FLOAT", "INT", "STRING", "TENSOR", "GRAPH", "SPARSE_TENSOR", "TYPE_PROTO"),
        *("FLOATS", "INTS", "STRINGS", "TENSORS", "GRAPHS", "SPARSE_TENSORS", "TYPE_PROTOS"),
    }
