"""Counting by hand against counting by graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.engine.complexity import ModelStats, compute_stats


def _model(
    nodes: list[onnx.NodeProto], inputs: dict[str, list[Any]], arrays: dict[str, np.ndarray[Any, Any]]
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "counted",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, axes) for name, axes in inputs.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])


def _ones(*shape: int, kind: type = np.float32) -> np.ndarray[Any, Any]:
    return np.ones(shape, kind)


def test_a_convolution_costs_its_window_at_each_place() -> None:
    conv = helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1], strides=[2, 2])
    model = _model([conv], {"x": ["n", 16, 8, 6]}, {"w": _ones(32, 16, 3, 3), "b": _ones(32)})
    assert compute_stats(model) == ModelStats(parameters=32 * 16 * 9 + 32, macs=4 * 3 * 32 * 16 * 9)


def test_the_article_s_separable_convolution() -> None:
    """ARTICLES.md, section 3: pointwise 16 to 32, then 3x3 depthwise: 800 weights, each used at each place."""
    nodes = [
        helper.make_node("Conv", ["x", "pointwise"], ["p"]),
        helper.make_node("Conv", ["p", "depthwise"], ["y"], group=32, pads=[1, 1, 1, 1]),
    ]
    model = _model(nodes, {"x": ["n", 16, 10, 10]}, {"pointwise": _ones(32, 16, 1, 1), "depthwise": _ones(32, 1, 3, 3)})
    assert compute_stats(model) == ModelStats(parameters=800, macs=800 * 100)


def test_weights_stored_as_float16_count_once() -> None:
    nodes = [
        helper.make_node("Cast", ["half"], ["w"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    model = _model(nodes, {"x": ["n", 3, 5, 5]}, {"half": _ones(8, 3, 5, 5, kind=np.float16)})
    assert compute_stats(model) == ModelStats(parameters=600, macs=600)


@pytest.mark.parametrize("transposed", [0, 1])
def test_matrix_products(transposed: int) -> None:
    turn = helper.make_node("Transpose", ["x"], ["turned"], perm=[1, 0])
    gemm = helper.make_node("Gemm", ["turned" if transposed else "x", "w", "b"], ["y"], transA=transposed)
    model = _model([turn, gemm], {"x": ["n", 20]}, {"w": _ones(20, 7), "b": _ones(7)})
    assert compute_stats(model) == ModelStats(parameters=147, macs=140)


def test_a_matrix_product_of_three_axes() -> None:
    model = _model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 5, 20]}, {"w": _ones(20, 7)})
    assert compute_stats(model).macs == 5 * 20 * 7


def test_the_model_is_left_as_it_was() -> None:
    model = _model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 20]}, {"w": _ones(20, 7)})
    before = model.SerializeToString(deterministic=True)
    compute_stats(model)
    assert model.SerializeToString(deterministic=True) == before


def test_a_shape_that_only_the_values_show_is_an_error() -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["places"]), helper.make_node("Cast", ["places"], ["real"], to=1)]
    nodes.append(helper.make_node("MatMul", ["w", "real"], ["y"]))
    with pytest.raises(ModelError, match="unknown"):
        compute_stats(_model(nodes, {"x": ["n", 4]}, {"w": _ones(3, 2)}))


def test_shapes_that_contradict_each_other_are_an_error() -> None:
    conv = helper.make_node("Conv", ["x", "w"], ["y"])
    with pytest.raises(ModelError):
        compute_stats(_model([conv], {"x": ["n", 3]}, {"w": _ones(8, 3, 5, 5)}))
