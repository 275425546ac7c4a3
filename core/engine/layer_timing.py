"""How long each layer of a network takes, from ONNX Runtime's profiler.

ONNX Runtime fuses operators and changes the layout of arrays before it runs a graph, and its profiler reports only what
is left. The names of fused operators are derived from the names of operators or of their outputs. So the operators of a
copy of the graph are numbered, and the time of a fused operator goes to the layer in it with the most multiply-adds.
"""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper

from core.base.errors import ModelError
from core.base.i18n import tr
from core.base.progress import CancelToken, ProgressCallback, ProgressReporter
from core.engine import graph, sessions
from core.engine.complexity import USUAL_SIDE, compute_stats
from core.engine.limits import MAX_BATCH, check_limits
from core.engine.shapes import infer
from core.engine.values import LayerTimings

_LEAST_RUNS, _MOST_RUNS, _ENOUGH_S = 2, 12, 5.0
"""How often the graph is run: less often if that takes longer than some seconds."""
_MOST_EVENTS: Final = 40_000
"""The profiler writes about a kilobyte for each operator of each run."""
_NUMBER: Final = re.compile(r"n(\d+)(?!\d)")
_KERNEL, _RUN = "_kernel_time", "model_run"


def measure_layers(
    model: onnx.ModelProto, *, report: ProgressCallback, token: CancelToken, side: int = USUAL_SIDE
) -> LayerTimings:
    """Run a graph on the CPU for one image several times, and measure each layer; `model` is changed.

    Args:
        model: the graph from `graph.decode`, with the content of its arrays.
        report: receives the progress.
        token: checked between runs.
        side: height and width of its images in pixels, where it does not fix them.

    Raises:
        ModelError: the graph is unsafe, needs too much memory or time, or does not run.
        Cancelled: the token was cancelled.
    """
    _check(model, side)
    _number(model)
    runs = max(_LEAST_RUNS, min(_MOST_RUNS, _MOST_EVENTS // len(model.graph.node)))
    clock = ProgressReporter(tr("measuring layers"), runs + 1, report)
    with tempfile.TemporaryDirectory() as folder:
        session = sessions.open_profiled(model.SerializeToString(), Path(folder))
        clock.advance()
        images = {port.name: _image(port, side) for port in graph.inputs(model)}
        started = time.monotonic()
        for number in range(runs):
            token.check()
            if number < _LEAST_RUNS or time.monotonic() - started < _ENOUGH_S:
                _run(session, images)
            clock.advance()
        events = json.loads(Path(session.end_profiling()).read_bytes())
    return _timings(model, events, side)


@graph.only_model_errors()
def _check(model: onnx.ModelProto, side: int) -> None:
    graph.check(model, graph.ALLOWED_OPERATORS | graph.FOLDED)
    check_limits(model, infer(model, MAX_BATCH, side=side))


def _number(model: onnx.ModelProto) -> None:
    """Name each operator and its outputs after its place: `n7`, `n7.0`."""
    names: dict[str, str] = {}
    for place, node in enumerate(model.graph.node):
        node.name = f"n{place}"
        node.input[:] = [names.get(name, name) for name in node.input]
        names.update({name: f"n{place}.{number}" for number, name in enumerate(node.output) if name})
        node.output[:] = [names.get(name, "") for name in node.output]
    for port in model.graph.output:
        port.name = names.get(port.name, port.name)
    del model.graph.value_info[:]


def _image(port: graph.TensorSpec, side: int) -> NDArray[Any]:
    """A random image."""
    axes = [1, *(axis or side for axis in port.axes[1:])]
    kind = helper.tensor_dtype_to_np_dtype(port.element_type)
    values = np.random.default_rng(0).random(axes, np.float32)
    return (values * 255 if np.issubdtype(kind, np.integer) else values).astype(kind)


def _run(session: ort.InferenceSession, images: Mapping[str, NDArray[Any]]) -> None:
    try:
        session.run(None, dict(images))
    except Exception as error:  # the boundary: ONNX Runtime raises unrelated kinds
        what = tr("The model does not run: {reason}", reason=sessions.first_line(error))
        raise ModelError(what, hint=tr("Its layers can be counted, but not measured.")) from error


def _timings(model: onnx.ModelProto, events: list[dict[str, Any]], side: int) -> LayerTimings:
    durations: dict[str, list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(_KERNEL):
            durations[event["name"].removesuffix(_KERNEL)].append(event["dur"] / 1000)
    layers = compute_stats(model, side).layers
    rows = {one.name: row for row, one in enumerate(layers)}
    milliseconds: dict[int, float] = defaultdict(float)
    other = 0.0
    timed = {name: int(found[1]) for name in durations if (found := _NUMBER.match(name))}
    owners = _Owners(model, {one.name: one.multiply_adds or 0 for one in layers}, set(timed.values()))
    for name, values in durations.items():
        row = rows.get(owners.owner(timed[name])) if name in timed else None
        if row is None:
            other += statistics.median(values)
        else:
            milliseconds[row] += statistics.median(values)
    whole = statistics.median(event["dur"] / 1000 for event in events if event["name"] == _RUN)
    return LayerTimings(tuple(milliseconds.get(row) for row in range(len(layers))), other, whole)


class _Owners:
    """Finds the layer that the time of an operator belongs to."""

    def __init__(self, model: onnx.ModelProto, costs: Mapping[str, int], timed: set[int]) -> None:
        """`costs` are the multiply-adds of layers, by their numbered name; `timed` are operators that were reported."""
        self._nodes, self._costs, self._timed = model.graph.node, costs, timed

    def owner(self, place: int) -> str:
        """The layer with the most multiply-adds among an operator and those fused into it, by its numbered name."""
        names = (f"n{one}" for one in self._fused(place))
        best = max(names, key=lambda name: self._costs.get(name, 0))
        return best if self._costs.get(best) else f"n{place}"

    def _fused(self, place: int) -> Iterator[int]:
        """An operator, and those before it that were not reported themselves."""
        waiting, seen = [place], {place}
        while waiting:
            one = waiting.pop()
            yield one
            for name in self._nodes[one].input:
                found = _NUMBER.match(name)
                before = int(found[1]) if found else one
                if before not in seen and before not in self._timed:
                    seen.add(before)
                    waiting.append(before)
