"""Limits of memory and work for a network, estimated from its graph before anything runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import onnx
from onnx import TensorProto, helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.engine.shapes import Inferred, attributes_of

MAX_BATCH: Final = 8
"""Larger batches are not faster per image on any measured provider."""
MAX_MEMORY: Final = 2**30
"""Bytes of arrays alive at once, besides the stored weights, for a batch of `MAX_BATCH`; Xception needs 0.25 GB."""
MAX_WORK: Final = 50_000_000_000
"""Multiply-adds, or the equivalent in time, for one image: Xception has 11 billion, VGG19 21, ConvNeXt-L about 40.

A check runs four images: at this limit they take 12 seconds of CPU time, 6 on two cores.
"""

KERNELS: Final = {"Conv": 1, "ConvInteger": 1, "ConvTranspose": 1, "QLinearConv": 3}
"""Convolutions: the place of the kernel among their inputs."""
MATRIX_PRODUCTS: Final = frozenset({"Gemm", "MatMul", "MatMulInteger", "QLinearMatMul"})
_SLOW_GROUPS: Final = 8
"""A convolution with groups narrower than this many channels takes about this many times longer."""
# fmt: off
_COSTS: Final = {
    "Elu": 100, "Celu": 100, "Erf": 60, "Gather": 200, "Gelu": 70, "LRN": 750, "LogSoftmax": 60, "Mish": 420,
    "Pow": 300, "PRelu": 150, "ReduceMean": 110, "ReduceL2": 110, "ReduceSum": 110, "Selu": 100, "Softmax": 60,
    "Softplus": 420, "Transpose": 860,
}
# fmt: on
_USUAL_COST, _ACROSS_COST = 30, 2050
"""Cost of an operator per number, in multiply-adds of a matrix product, worst case measured in ONNX Runtime:
for most operators, and for a Softmax over an axis other than the last."""
_HINT: Final = mark("Use a smaller network, or one with a smaller input size.")


def check_limits(model: onnx.ModelProto, inferred: Inferred, *, times: int = 1) -> None:
    """Refuse a graph that would need too much memory or time.

    Args:
        model: the graph.
        inferred: its shapes for a batch of `MAX_BATCH`.
        times: factor of the limits.

    Raises:
        ModelError: a limit is exceeded.
    """
    memory = peak_memory(model, inferred)
    if memory > times * MAX_MEMORY:
        what = tr(
            "The model needs {memory:,.1f} GB of memory for {count} images. The limit is 1 GB.",
            memory=memory / 1e9,
            count=MAX_BATCH,
        )
        raise ModelError(what, hint=tr(_HINT))
    work = sum(_work(node, inferred) for node in model.graph.node) // MAX_BATCH
    if work > times * MAX_WORK:
        what = tr(
            "The model needs {work:,.0f} billion multiply-adds per image. The limit is {limit:,.0f} billion.",
            work=work / 1e9,
            limit=MAX_WORK / 1e9,
        )
        raise ModelError(what, hint=tr(_HINT))


def peak_memory(model: onnx.ModelProto, inferred: Inferred, *, with_constants: bool = True) -> int:
    """The maximum size in bytes of arrays alive at once; those computed from weights alone are kept, or not counted.

    Raises:
        KeyError: the shape of an array is unknown.
    """
    nodes = _in_running_order(model.graph)
    stored = {tensor.name for tensor in model.graph.initializer}
    given = {info.name for info in model.graph.input} - stored
    kept = given.union(info.name for info in model.graph.output)
    constant, last = set(stored), dict[str, int]()
    for place, node in enumerate(nodes):
        if all(name in constant for name in node.input if name):
            constant.update(node.output)
        last.update(dict.fromkeys(node.input, place))
    alive = maximum = sum(_bytes(name, inferred) for name in given)
    for place, node in enumerate(nodes):
        if not with_constants and constant.issuperset(node.output):
            continue
        alive += sum(_bytes(name, inferred) for name in set(node.output) if name)
        maximum = max(maximum, alive)
        done = {name for name in (*node.input, *node.output) if name and last.get(name, place) == place}
        alive -= sum(_bytes(name, inferred) for name in done - constant - kept)
    return maximum


def macs(node: onnx.NodeProto, inferred: Inferred) -> int:
    """The multiply-adds of a convolution or matrix product.

    Raises:
        KeyError: the shape of an array is unknown.
    """
    shapes = inferred.shapes
    if node.op_type in KERNELS:
        # each output value reads a window of [channels / groups, *kernel], the kernel's axes after the first; in a
        # transposed convolution, each input value is spread over one
        spread = node.input[0] if node.op_type == "ConvTranspose" else node.output[0]
        return math.prod(shapes[spread]) * math.prod(shapes[node.input[KERNELS[node.op_type]]][1:])
    if node.op_type == "Gemm":
        transposed = attributes_of(node).get("transA")
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if transposed else 1]
    if node.op_type in MATRIX_PRODUCTS:
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    return 0


def _work(node: onnx.NodeProto, inferred: Inferred) -> int:
    given = attributes_of(node)
    result = sum(math.prod(inferred.shapes[name]) for name in node.output if name)
    read = sum(math.prod(inferred.shapes[name]) for name in node.input if name)
    touched = max(result, read)
    if node.op_type in ("MaxPool", "AveragePool"):
        touched = result * math.prod(given["kernel_shape"])
    counted = macs(node, inferred)
    if node.op_type == "Conv" and inferred.shapes[node.input[1]][0] < _SLOW_GROUPS * given.get("group", 1):
        counted *= _SLOW_GROUPS
    return counted + _cost(node, given, inferred) * touched


def _cost(node: onnx.NodeProto, given: Mapping[str, Any], inferred: Inferred) -> int:
    rank = len(inferred.shapes[node.output[0]])
    if node.op_type in ("Softmax", "LogSoftmax") and given.get("axis", -1) not in (-1, rank - 1):
        return _ACROSS_COST
    return _COSTS.get(node.op_type, _USUAL_COST)


def _bytes(name: str, inferred: Inferred) -> int:
    kind = inferred.kinds[name]
    size = 1 if kind == TensorProto.BOOL else helper.tensor_dtype_to_np_dtype(kind).itemsize
    return math.prod(inferred.shapes[name]) * size


def _in_running_order(graph: onnx.GraphProto) -> Sequence[onnx.NodeProto]:
    """The nodes in ONNX Runtime's order: depth first, backwards from the nodes without consumers."""
    makers = {name: place for place, node in enumerate(graph.node) for name in node.output if name}
    read = {name for node in graph.node for name in node.input}
    ends = [place for place, node in enumerate(graph.node) if not read.intersection(node.output)]
    seen: set[int] = set()
    order: list[int] = []
    stack: list[tuple[int, Iterator[int]]] = []

    def enter(place: int) -> None:
        seen.add(place)
        parents = {makers[name] for name in graph.node[place].input if name in makers}
        stack.append((place, iter(sorted(parents))))

    for end in ends:
        enter(end)
        while stack:
            parent = next((one for one in stack[-1][1] if one not in seen), None)
            if parent is not None:
                enter(parent)
            else:
                order.append(stack.pop()[0])
    return [graph.node[place] for place in order]
