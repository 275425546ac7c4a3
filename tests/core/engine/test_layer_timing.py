"""Layers are measured by ONNX Runtime's profiler, fused ones included."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import Cancelled, ModelError
from core.base.progress import CancelToken, Progress
from core.engine import graph
from core.engine.complexity import compute_stats
from core.engine.layer_timing import _number, _timings, measure_layers
from core.engine.values import LayerTimings
from core.models import statistics_text
from core.models.values import ModelStatistics
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
    assert found.run_ms > 0


def test_interruptions_are_in_the_time_of_a_run_and_not_in_that_of_a_layer() -> None:
    """Three runs of two layers, each interrupted for 50 ms in another place, as on a busy computer."""
    model = _with_fusion()
    _number(model)
    rows = [(51, 2, 1), (1, 52, 1), (1, 2, 51)]
    events = [
        event
        for times in rows
        for event in (
            *({"cat": "Node", "name": f"n{place}_kernel_time", "dur": 1000 * time}
              for place, time in zip((0, 2, 3), times, strict=True)),
            {"cat": "Session", "name": "model_run", "dur": 1000 * sum(times)},
        )
    ]  # fmt: skip
    found = _timings(model, events, 8)
    assert (found.total_ms, found.run_ms) == (4, 54)
    said = dict(statistics_text.summary(ModelStatistics("x", compute_stats(model), 0), found, str))
    assert said["Time of the layers"] == "4.0 ms on the CPU, 0.0 ms of them for conversions"
    assert said["Time of a whole run"].startswith("54.0 ms, with interruptions by other programs")
    calm = replace(found, run_ms=4.5)
    assert (
        dict(statistics_text.summary(ModelStatistics("x", compute_stats(model), 0), calm, str))["Time of a whole run"]
        == "4.5 ms"
    )


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
