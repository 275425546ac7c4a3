"""Shapes are followed through a graph one operator at a time, with the numbers that they are computed from."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.engine.shapes import infer


def graph_of(*nodes: onnx.NodeProto, opset: int = 17, **stored: object) -> onnx.ModelProto:
    """A graph that reads x [n, 4, 6, 6]; further arrays are stored as whole numbers."""
    graph = helper.make_graph(
        list(nodes),
        "shapes",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, "side", "side"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in stored.items()],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])


COMPUTED: dict[str, tuple[onnx.ModelProto, list[int]]] = {
    "as PyTorch flattens": (
        graph_of(
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("Gather", ["shape", "zero"], ["count"]),
            helper.make_node("Unsqueeze", ["count", "axis"], ["counts"]),
            helper.make_node("Concat", ["counts", "rest"], ["target"], axis=0),
            helper.make_node("Reshape", ["x", "target"], ["y"]),
            zero=0, axis=[0], rest=[-1],
        ),
        [5, 144],
    ),
    "as TensorFlow flattens": (
        graph_of(
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("Cast", ["shape"], ["short"], to=TensorProto.INT32),
            helper.make_node("Slice", ["short", "start", "end"], ["count"]),
            helper.make_node("Concat", ["count", "rest32"], ["target32"], axis=0),
            helper.make_node("Cast", ["rest"], ["rest32"], to=TensorProto.INT32),
            helper.make_node("Cast", ["target32"], ["target"], to=TensorProto.INT64),
            helper.make_node("Reshape", ["x", "target"], ["y"]),
            start=[0], end=[1], rest=[-1],
        ),
        [5, 144],
    ),
    "channels in groups": (
        graph_of(
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("Slice", ["shape", "one", "two"], ["channels"]),
            helper.make_node("Div", ["channels", "two"], ["half"]),
            helper.make_node("Mul", ["half", "one"], ["same"]),
            helper.make_node("Squeeze", ["same"], ["number"]),
            helper.make_node("Unsqueeze", ["number", "axis"], ["again"]),
            helper.make_node("Concat", ["zero", "two", "again", "rest"], ["target"], axis=0),
            helper.make_node("Reshape", ["x", "target"], ["y"]),
            zero=[0], one=[1], two=[2], axis=[0], rest=[6, 6],
        ),
        [5, 2, 2, 6, 6],
    ),
    "opset 9": (
        graph_of(
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("Slice", ["shape"], ["count"], starts=[0], ends=[1]),
            helper.make_node("Concat", ["count", "rest"], ["target"], axis=0),
            helper.make_node("Reshape", ["x", "target"], ["y"]),
            opset=9, rest=[-1],
        ),
        [5, 144],
    ),
}  # fmt: skip
_NODES = COMPUTED["as TensorFlow flattens"][0].graph.node
_NODES.insert(3, _NODES.pop(4))


@pytest.mark.parametrize("kind", COMPUTED)
def test_numbers_that_make_a_shape_are_followed(kind: str) -> None:
    model, wanted = COMPUTED[kind]
    assert infer(model, 5, side=6).shapes["y"] == tuple(wanted)


def _relu(read: str, made: str) -> onnx.NodeProto:
    return helper.make_node("Relu", [read], [made])


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (graph_of(_relu("x", "y")), "“x” inside the model is unknown"),
        (graph_of(_relu("z", "y"), _relu("x", "z")), "array “z” before it is computed"),
        (graph_of(_relu("x", "y"), _relu("x", "y")), "two arrays named “y”"),
        (graph_of(helper.make_node("Reshape", ["x", "t"], ["y"]), t=[1] * 9), "“y” inside the model is unknown"),
        (graph_of(helper.make_node("Reshape", ["x", "t"], ["y"]), t=[5, 7, -1]), "are inconsistent"),
        (graph_of(helper.make_node("Transpose", ["x"], ["y"], perm=[0, 9, 1, 2])), "are inconsistent"),
    ],
    ids=["an open side", "a wrong order", "a name twice", "nine axes", "a remainder", "no such axis"],
)
def test_what_cannot_be_followed_is_refused(model: onnx.ModelProto, why: str) -> None:
    side: Any = None if why.startswith("“x”") else 6
    with pytest.raises(ModelError, match=why):
        infer(model, 5, side=side)
