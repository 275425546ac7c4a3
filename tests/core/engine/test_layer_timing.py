"""Layers are measured by ONNX Runtime's profiler, fused ones included."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import Cancelled, ModelError
from core.base.progress import CancelToken, Progress
from core.engine import graph
from core.engine.complexity import compute_stats
from core.engine.layer_timing import measure_layers
from core.engine.values import LayerTimings
from tests import tiny
from tests.greedy_graphs import TOO_MUCH
from tests.hostile_graphs import HOSTILE, Change, serialised


def _measure(model: onnx.ModelProto) -> LayerTimings:
    return measure_layers(model, report=lambda _: None, token=CancelToken())


def _with_fusion() -> onnx.ModelProto:
    """Two convolutions of 16 channels, each with an activation, and their sum: ONNX Runtime fuses them."""
    weights = np.random.default_rng(0).normal(0, 0.1, (16, 16, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1] * 4, name="first"),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "w"], ["c"], pads=[1] * 4, name="second"),
        helper.make_node("Add", ["c", "b"], ["d"]),
        helper.make_node("Relu", ["d"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 16, "h", "w"]) for name in "xy"]
    content = helper.make_graph(nodes, "fused", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")])
    return helper.make_model(content, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])


def test_the_time_of_fused_layers_belongs_to_the_convolution() -> None:
    model = _with_fusion()
    layers = compute_stats(model).layers
    found = _measure(model)
    assert len(found.milliseconds) == len(layers) == 5
    times = dict(zip(("first", "relu", "second", "add", "last"), found.milliseconds, strict=True))
    assert times["first"] is not None
    assert times["second"] is not None
    assert times["relu"] is None
    assert min(times["first"], times["second"]) > 0
    assert found.total_ms >= times["first"] + times["second"]


@pytest.mark.parametrize("data", [tiny.backbone_bytes(), tiny.int8_backbone()[0]], ids=["float32", "int8"])
def test_convolutions_are_measured_in_every_precision(data: bytes) -> None:
    model = onnx.ModelProto.FromString(data)
    kinds = [one.kind for one in compute_stats(model).layers]
    found = _measure(model)
    assert found.milliseconds[kinds.index("Conv")] is not None
    assert found.other_ms > 0  # the conversion of bytes to numbers


def test_progress_is_reported_and_the_measurement_can_be_cancelled() -> None:
    seen: list[Progress] = []
    measure_layers(tiny.backbone_proto(), report=seen.append, token=CancelToken())
    assert seen[-1].step == seen[-1].total
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        measure_layers(tiny.backbone_proto(), report=seen.append, token=token)


@pytest.mark.parametrize("change", [*HOSTILE, *TOO_MUCH], ids=lambda change: change.__name__)
def test_what_is_not_safe_is_not_run(change: Change) -> None:
    with pytest.raises(ModelError):
        _measure(graph.decode(serialised(change)))
