"""A network in float16 has the same inputs and outputs, and nearly the same values."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.base.providers import Precision, Provider
from core.engine import golden, graph, sessions
from core.engine.float16 import to_float16
from tests import tiny

DATA = tiny.backbone_bytes()


def test_the_file_remains_a_backbone_with_nearly_the_same_features() -> None:
    converted = to_float16(DATA)
    graph.check_backbone(converted, tiny.backbone_card())
    inputs = golden.golden_inputs(tiny.SIZE)
    found, wanted = tiny.features(converted, inputs), tiny.features(DATA, inputs)
    assert golden.cosine(found, wanted) > 0.9999
    assert not np.array_equal(found, wanted)
    kinds = {tensor.data_type for tensor in graph.parse(converted).graph.initializer}
    assert TensorProto.FLOAT not in kinds


def test_scales_of_a_resize_stay_float32_and_constants_are_converted() -> None:
    nodes = [
        helper.make_node("Constant", [], ["factor"], value_float=0.5),
        helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "factor"], ["scaled"]),
        helper.make_node("Resize", ["scaled", "", "scales"], ["features"], mode="nearest"),
    ]
    scales = numpy_helper.from_array(np.array([1, 2], np.float32), "scales")
    ends = [
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 3]),
        helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 6]),
    ]
    content = helper.make_graph(nodes, "resize", ends[:1], ends[1:], [scales])
    model = helper.make_model(content, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data = model.SerializeToString()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "parse", onnx.load_model_from_string)
        converted = to_float16(data)
    session = sessions.open_session(converted, Provider.CPU, Precision.EXACT)
    (found,) = session.run(["features"], {"image": np.array([[1, 2, 3]], np.uint8)})
    assert found.dtype == np.float32
    assert found.tolist() == [[0.5, 0.5, 1.0, 1.0, 1.5, 1.5]]


def test_weights_beyond_float16_are_refused() -> None:
    model = tiny.backbone_proto(np.full_like(tiny.kernels(), 1e6))
    with pytest.raises(ModelError, match="too large for float16"):
        to_float16(model.SerializeToString())
