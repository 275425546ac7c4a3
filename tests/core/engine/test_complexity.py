"""Counting by hand against counting by graph."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.engine import graph
from core.engine.complexity import compute_stats
from core.engine.values import LayerStatistics, SeparableConvolution
from tests import tiny
from tests.greedy_graphs import TOO_MUCH
from tests.hostile_graphs import FOREIGN, HOSTILE, Change, serialised


def _model(
    nodes: list[onnx.NodeProto], inputs: dict[str, list[Any]], arrays: dict[str, np.ndarray[Any, Any]]
) -> onnx.ModelProto:
    content = helper.make_graph(
        nodes,
        "counted",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, axes) for name, axes in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(content, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])


def _ones(*shape: int, kind: type = np.float32) -> np.ndarray[Any, Any]:
    return np.ones(shape, kind)


def _counts(model: onnx.ModelProto) -> tuple[int, int]:
    found = compute_stats(model)
    assert found.notes == ()
    return found.weights, found.multiply_adds


def test_a_convolution_costs_its_window_at_each_place() -> None:
    conv = helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2], name="first")
    found = compute_stats(_model([conv], {"x": ["n", 16, 8, 6]}, {"w": _ones(32, 16, 3, 3), "b": _ones(32)}))
    costs = 4 * 3 * 32 * 16 * 9
    row = LayerStatistics("first", "Conv", (3, 3), 1, (1, 32, 4, 3), 32 * 16 * 9 + 32, costs, 1, (3, 3))
    assert found.layers == (row,)
    assert (found.weights, found.multiply_adds, found.depth) == (row.weights, costs, 1)
    assert found.activation_bytes == 4 * (16 * 8 * 6 + 32 * 4 * 3)


def test_the_article_s_separable_convolution() -> None:
    """ARTICLES.md, section 3: pointwise 16 to 32, then 3x3 depthwise: 800 weights, each used at each place."""
    nodes = [
        helper.make_node("Conv", ["x", "pointwise"], ["p"]),
        helper.make_node("Conv", ["p", "depthwise"], ["y"], group=32, pads=[1, 1, 1, 1]),
    ]
    arrays = {"pointwise": _ones(32, 16, 1, 1), "depthwise": _ones(32, 1, 3, 3)}
    found = compute_stats(_model(nodes, {"x": ["n", 16, 10, 10]}, arrays))
    assert (found.weights, found.multiply_adds, found.depth) == (800, 800 * 100, 2)
    (pair,) = found.separable
    assert pair == SeparableConvolution(1, 0, 800, 800 * 100, 4608, 4608 * 100)


def test_halves_with_nothing_between_them_belong_together() -> None:
    """Two separable convolutions whose pointwise half comes first; the usual order would pair the inner two."""
    nodes = []
    for number, before in ((1, "x"), (2, "a1")):
        nodes += [
            helper.make_node("Conv", [before, f"p{number}"], [f"between{number}"]),
            helper.make_node("Conv", [f"between{number}", f"d{number}"], [f"y{number}"], group=8),
            helper.make_node("Relu", [f"y{number}"], [f"a{number}"]),
        ]
    arrays = {name: _ones(8, 8, 1, 1) if name[0] == "p" else _ones(8, 1, 3, 3) for name in ("p1", "d1", "p2", "d2")}
    found = compute_stats(_model(nodes, {"x": ["n", 8, 16, 16]}, arrays))
    assert [(one.pointwise, one.depthwise) for one in found.separable] == [(0, 1), (3, 4)]


def test_the_usual_order_may_have_an_activation_between_the_halves() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "d"], ["y"], group=8, strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["y", "zero", "six"], ["clipped"]),
        helper.make_node("Conv", ["clipped", "p"], ["z"]),
    ]
    arrays = {"d": _ones(8, 1, 3, 3), "p": _ones(24, 8, 1, 1), "zero": np.float32(0), "six": np.float32(6)}
    (pair,) = compute_stats(_model(nodes, {"x": ["n", 8, 16, 16]}, arrays)).separable
    assert pair == SeparableConvolution(0, 2, 72 + 192, (72 + 192) * 64, 8 * 24 * 9, 8 * 24 * 9 * 64)


def test_weights_stored_as_float16_count_once() -> None:
    nodes = [
        helper.make_node("Cast", ["half"], ["w"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    assert _counts(_model(nodes, {"x": ["n", 3, 5, 5]}, {"half": _ones(8, 3, 5, 5, kind=np.float16)})) == (600, 600)


def test_weights_in_8_bits_count_without_their_scales() -> None:
    data, _ = tiny.int8_backbone()
    exact, quantized = compute_stats(tiny.backbone_proto()), compute_stats(onnx.ModelProto.FromString(data))
    kinds = [one.kind for one in exact.layers]
    assert kinds == ["Transpose", "Conv", "Relu", "GlobalAveragePool", "Flatten"]
    assert [one.kind for one in quantized.layers if one.kind != "Relu"] == [one for one in kinds if one != "Relu"]
    biases = quantized.weights - exact.weights
    assert biases in (0, tiny.WIDTH)
    assert quantized.multiply_adds == exact.multiply_adds


def test_integers_that_are_multiplied_by_their_steps_count_once() -> None:
    nodes = [
        helper.make_node("Cast", ["integers"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "steps"], ["w"]),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    arrays = {"integers": _ones(8, 3, 5, 5, kind=np.int8), "steps": _ones(8, 1, 1, 1)}
    assert _counts(_model(nodes, {"x": ["n", 3, 5, 5]}, arrays)) == (600, 600)


@pytest.mark.parametrize("transposed", [0, 1])
def test_matrix_products(transposed: int) -> None:
    turn = helper.make_node("Transpose", ["x"], ["turned"], perm=[1, 0])
    gemm = helper.make_node("Gemm", ["turned" if transposed else "x", "w", "b"], ["y"], transA=transposed)
    model = _model([turn, gemm], {"x": ["n", 20]}, {"w": _ones(20, 7), "b": _ones(7)})
    assert _counts(model) == (147, 140)


def test_a_matrix_product_of_three_axes() -> None:
    model = _model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 5, 20]}, {"w": _ones(20, 7)})
    assert compute_stats(model).multiply_adds == 5 * 20 * 7


def test_the_model_is_left_as_it_was() -> None:
    model = _model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 20]}, {"w": _ones(20, 7)})
    before = model.SerializeToString(deterministic=True)
    compute_stats(model)
    assert model.SerializeToString(deterministic=True) == before


def test_receptive_fields_grow_with_windows_and_strides() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], strides=[2, 2]),
        helper.make_node("MaxPool", ["a"], ["b"], kernel_shape=[3, 1], strides=[2, 1]),
        helper.make_node("Conv", ["b", "w"], ["c"], dilations=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
    ]
    found = compute_stats(_model(nodes, {"x": ["n", 4, 64, 64]}, {"w": _ones(4, 4, 3, 3)}))
    assert [one.receptive_field for one in found.layers] == [(3, 3), (7, 3), (7 + 4 * 4, 3 + 4 * 2), None]
    assert found.receptive_field == (23, 11)
    assert [one.weights for one in found.layers] == [144, 0, 0, 0]  # shared, so counted once


def test_an_input_of_any_size_is_assumed_and_said() -> None:
    conv = helper.make_node("Conv", ["x", "w"], ["y"])
    found = compute_stats(_model([conv], {"x": ["n", 3, "h", "w"]}, {"w": _ones(8, 3, 1, 1)}))
    assert found.multiply_adds == 24 * 224 * 224
    assert found.notes == ("The input size is not fixed. Counted for 224 × 224 pixels.",)


def test_unknown_operators_are_named_and_the_rest_is_counted() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Fused", ["a", "inside"], ["b"], domain="com.example"),
        helper.make_node("Conv", ["b", "w2"], ["y"]),
    ]
    arrays = {"w": _ones(8, 3, 1, 1), "inside": _ones(5), "w2": _ones(8, 8, 1, 1)}
    found = compute_stats(_model(nodes, {"x": ["n", 3, 4, 4]}, arrays))
    assert [(one.kind, one.weights, one.multiply_adds) for one in found.layers] == [
        ("Conv", 24, 24 * 16),
        ("com.example.Fused", 5, None),
        ("Conv", 64, None),
    ]
    assert found.activation_bytes is None
    assert len(found.notes) == 2
    assert "1 operator “com.example.Fused”" in found.notes[0]
    assert "2 layers" in found.notes[1]


def test_a_shape_that_only_the_values_show_is_unknown() -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["places"]), helper.make_node("Cast", ["places"], ["real"], to=1)]
    nodes.append(helper.make_node("MatMul", ["w", "real"], ["y"]))
    found = compute_stats(_model(nodes, {"x": ["n", 4]}, {"w": _ones(3, 2)}))
    assert (found.weights, found.multiply_adds) == (6, 0)
    assert "“NonZero”" in found.notes[0]


def test_shapes_that_contradict_each_other_are_unknown() -> None:
    conv = helper.make_node("Conv", ["x", "w"], ["y"])
    found = compute_stats(_model([conv], {"x": ["n", 3]}, {"w": _ones(8, 3, 5, 5)}))
    assert (found.weights, found.multiply_adds, found.layers[0].shape) == (600, 0, None)
    assert "1 layer is unknown" in found.notes[0]


@pytest.mark.parametrize("change", [*HOSTILE, *FOREIGN, *TOO_MUCH], ids=lambda change: change.__name__)
def test_a_hostile_graph_is_counted_as_far_as_possible_or_not_even_decoded(change: Change) -> None:
    with contextlib.suppress(ModelError):
        model = graph.decode(serialised(change))
        compute_stats(model)


@pytest.mark.parametrize(
    "attributes",
    [{"strides": [0, 0]}, {"dilations": [-1, 2]}, {"strides": "far"}, {"group": 2.5}, {"kernel_shape": [2**62] * 2}],
)
def test_damaged_attributes_do_no_harm(attributes: dict[str, object]) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["a"], **attributes)]
    nodes += [helper.make_node("MaxPool", ["a" if not n else f"a{n}"], [f"a{n + 1}"], kernel_shape=[2**62] * 2,
                               strides=[2**62] * 2) for n in range(30)]  # fmt: skip
    found = compute_stats(_model(nodes, {"x": ["n", 3, 8, 8]}, {"w": _ones(8, 3, 1, 1)}))
    assert found.weights == 24
