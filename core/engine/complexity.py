"""Statistics of a network, counted from its ONNX graph: weights, multiply-adds, depth and more, for each layer.

    model = onnx.load("network.onnx", load_external_data=False)
    found = compute_stats(model)
    found.weights, found.multiply_adds, found.depth, found.receptive_field, found.activation_bytes
    [(one.kind, one.kernel, one.shape, one.weights, one.multiply_adds) for one in found.layers]

Of stored arrays only the shapes matter, not the content, so a graph whose weights were left out can be counted as well.
What is unknown raises no error: it is not counted, and `notes` says so.

Keras counts four numbers per channel for each BatchNormalization, and so does this for a graph with that operator. Most
exporters fold it into the convolution before it and leave only a bias, so a file usually stores fewer numbers than the
network is said to have.

Shapes are inferred by ONNX, operator by operator. The library onnx-tool counts too, but it computes the arrays that
affect shapes without a limit, so that a hostile file could fill the memory.

Receptive fields are computed as in Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
Networks" (Distill, 2019).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import onnx
from onnx import TensorProto

from core.base.errors import ModelError
from core.base.i18n import tr, tr_n
from core.engine import graph
from core.engine.limits import KERNELS, MATRIX_PRODUCTS, macs, peak_memory
from core.engine.separable import CONVERSIONS, Separables
from core.engine.shapes import Inferred, attributes_of, infer_known, opset_of
from core.engine.values import LayerStatistics, NetworkStatistics

USUAL_SIDE: Final = 224
"""Assumed for inputs of any size, in pixels."""
# fmt: off
_COUNTED: Final = graph.ALLOWED_OPERATORS | {
    "And", "ArgMax", "ArgMin", "Ceil", "ConvInteger", "ConvTranspose", "Cos", "DynamicQuantizeLinear", "Dropout",
    "Equal", "Floor", "GlobalLpPool", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Log", "LpPool",
    "MatMulInteger", "Mean", "Not", "Or", "QLinearConv", "QLinearMatMul", "ReduceMin", "ReduceProd", "ReduceSumSquare",
    "Resize", "Round", "Shape", "Sign", "Sin", "Size", "ThresholdedRelu", "Tile", "Where",
}
# fmt: on
"""Operators whose shapes are inferred and whose multiply-adds are known, if only to be none."""
_WHOLE: Final = frozenset({"Flatten", "Gemm", "GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool"})
"""Operators whose outputs depend on the whole image; so does a product of two arrays that both depend on it."""
_QUANTIZED: Final = {
    "Cast": (0,), "ConvInteger": (1,), "DequantizeLinear": (0,), "MatMulInteger": (1,), "QLinearConv": (3, 8),
    "QLinearMatMul": (3,), "DynamicQuantizeLinear": (), "QuantizeLinear": (0,),
}  # fmt: skip
"""The places of weights, also in integers, among the inputs of operators that may read scales and zero points."""
_REAL: Final = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
_POOLS: Final = frozenset({"AveragePool", "LpPool", "MaxPool"})
_MAX_NAME: Final = 80
_MAX_NAMED: Final = 5
_MOST: Final = 10**18
"""Larger numbers are nonsense of a damaged file: they count as unknown."""

_Field = tuple[float, float, float, float] | None
"""Height and width of a receptive field, and the distances in pixels between neighbouring ones; None for the whole."""
_PIXEL: Final = (1.0, 1.0, 1.0, 1.0)


def compute_stats(model: onnx.ModelProto, side: int = USUAL_SIDE) -> NetworkStatistics:
    """Count what a graph consists of and costs for one image; `model` is not changed.

    Args:
        model: the graph; arrays it stores must have been checked by `graph.check_tensor`, if they have content.
        side: height and width of its images in pixels, where it does not fix them.
    """
    refused = _refused(model)
    inferred = infer_known(model, refused, side=side)
    walk = _Walk(model, inferred)
    for place, node in enumerate(model.graph.node):
        walk.follow(node, is_known=place not in refused)
    layers = tuple(walk.layers)
    memory = None if refused else _memory(model, inferred)
    notes = (*_side_notes(model, side), *_operator_notes(Counter(refused.values())), *_size_notes(layers))
    return NetworkStatistics(layers, walk.separables.found(layers), memory, notes)


def _memory(model: onnx.ModelProto, inferred: Inferred) -> int | None:
    try:
        found = peak_memory(model, inferred, with_constants=False)
    except KeyError:
        return None
    return found if found < _MOST else None


def _refused(model: onnx.ModelProto) -> dict[int, str]:
    """The operators that cannot be counted, by their place."""
    context = onnx.checker.C.CheckerContext()
    context.ir_version, context.opset_imports = model.ir_version, {"": opset_of(model)}
    return {place: _kind(node) for place, node in enumerate(model.graph.node) if not _is_counted(node, context)}


def _kind(node: onnx.NodeProto) -> str:
    return f"{node.domain}.{node.op_type}".strip(".")[:_MAX_NAME]


def _is_counted(node: onnx.NodeProto, context: onnx.checker.C.CheckerContext) -> bool:
    try:
        graph.check_node(node, context.opset_imports[""], _COUNTED)
        onnx.checker.check_node(node, context)  # the kinds of its attributes
    except (ModelError, onnx.checker.ValidationError):
        return False
    return True


class _Walk:
    """Goes through a graph from its inputs to its outputs, and collects its layers."""

    def __init__(self, model: onnx.ModelProto, inferred: Inferred) -> None:
        self._inferred = inferred
        self.layers: list[LayerStatistics] = []
        self.separables = Separables(inferred)
        tensors = model.graph.initializer
        self._stored = {tensor.name: _numbers(tensor) for tensor in tensors}
        """Numbers that no layer has used yet, by the name of the array that they are in."""
        self._constant = {tensor.name for tensor in tensors}
        self._depths: dict[str, int] = {}
        self._fields: dict[str, _Field] = {}

    def follow(self, node: onnx.NodeProto, *, is_known: bool) -> None:
        """Take the next operator; of an unknown one, only the names of its inputs and outputs matter."""
        inputs = [name for name in node.input if name]
        taken = [*self._take(node)]
        weights = sum(taken)
        if is_known and self._constant.issuperset(inputs):
            self._constant.update(node.output)
            kept = max(taken) if node.op_type == "Mul" else weights  # the other factor is a scale
            self._stored[node.output[0] if node.output else ""] = kept + _inside(node), True
        elif not self._inferred.values.keys() & set(node.output):  # otherwise it computes shapes
            self._pass_on(node, inputs, weights, is_known=is_known)

    def _pass_on(self, node: onnx.NodeProto, inputs: Sequence[str], weights: int, *, is_known: bool) -> None:
        is_product = node.op_type in KERNELS or node.op_type in MATRIX_PRODUCTS
        depth = max((self._depths.get(name, 0) for name in inputs), default=0) + (is_product and weights > 0)
        window = _window(node, self._inferred) if is_known else _NO_WINDOW
        field = self._field(node, [name for name in inputs if name not in self._constant], window)
        for name in filter(None, node.output):
            self._depths[name], self._fields[name] = depth, field
        place = len(self.layers) if weights or node.op_type not in CONVERSIONS else None
        if is_known:
            self.separables.follow(node, place)
        if place is not None:
            cost = _multiply_adds(node, self._inferred) if is_known else None
            self._add_layer(node, weights, cost, depth, field, window)

    def _add_layer(
        self, node: onnx.NodeProto, weights: int, cost: int | None, depth: int, field: _Field, window: _Window
    ) -> None:
        output = next(filter(None, node.output), "")
        shape = self._inferred.shapes.get(output)
        self.layers.append(
            LayerStatistics(
                name=(node.name or output)[:_MAX_NAME],
                kind=_kind(node),
                kernel=window.kernel,
                groups=window.groups,
                shape=shape if shape is None or math.prod(shape) < _MOST else None,
                weights=weights,
                multiply_adds=cost,
                depth=depth,
                receptive_field=None if field is None else (_pixels(field[0]), _pixels(field[1])),
            )
        )

    def _take(self, node: onnx.NodeProto) -> Iterator[int]:
        """The numbers that this operator is the first to use; scales and zero points are taken, but do not count."""
        places = _QUANTIZED.get(node.op_type)
        for place, name in enumerate(node.input):
            count, is_real = self._stored.pop(name, (0, False))
            yield count if (is_real if places is None else place in places) else 0

    def _field(self, node: onnx.NodeProto, inputs: Sequence[str], window: _Window) -> _Field:
        """The receptive field of an operator's outputs."""
        before = [self._fields.get(name, _PIXEL) for name in inputs]
        known = [one for one in before if one is not None]
        is_mixed = node.op_type in MATRIX_PRODUCTS and len(inputs) > 1
        if len(known) < len(before) or not known or node.op_type in _WHOLE or is_mixed:
            return None
        height, width, down, across = (max(values) for values in zip(*known, strict=True))
        if len(window.kernel) != 2:
            return height, width, down, across
        (rows, columns), (down_step, across_step) = window.extent, window.strides
        if node.op_type == "ConvTranspose":  # its outputs are closer together than its inputs
            down_step, across_step = 1 / down_step, 1 / across_step
        height, width = height + (rows - 1) * down, width + (columns - 1) * across
        return height, width, min(down * down_step, _MOST), min(across * across_step, _MOST)


class _Window(NamedTuple):
    """The window of an operator: its sides, its sides with the gaps of dilation, its strides, and its groups."""

    kernel: tuple[int, ...]
    extent: tuple[int, ...]
    strides: tuple[float, ...]
    groups: int


_NO_WINDOW: Final = _Window((), (), (), 1)


def _window(node: onnx.NodeProto, inferred: Inferred) -> _Window:
    place = KERNELS.get(node.op_type)
    if place is None and node.op_type not in _POOLS:
        return _NO_WINDOW
    given = attributes_of(node)
    kernel = tuple(given.get("kernel_shape", ()) if place is None else inferred.shapes.get(node.input[place], ())[2:])
    strides, dilations = (_sides(given.get(name), len(kernel)) for name in ("strides", "dilations"))
    extent = tuple((side - 1) * gap + 1 for side, gap in zip(kernel, dilations, strict=True))
    return _Window(kernel, extent, strides, given.get("group", 1))


def _sides(given: Sequence[int] | None, count: int) -> tuple[int, ...]:
    """Strides or dilations: 1 by default, and at least 1 in files that are damaged."""
    return tuple(max(1, one) for one in given) if given and len(given) == count else (1,) * count


def _inside(node: onnx.NodeProto) -> int:
    """The real numbers in an operator itself, such as those of a Constant."""
    found = (_numbers(attribute.t) for attribute in node.attribute if attribute.HasField("t"))
    return sum(count for count, is_real in found if is_real)


def _numbers(tensor: TensorProto) -> tuple[int, bool]:
    """How many numbers an array has, 0 if it is a scalar, and whether they are real."""
    count = math.prod(tensor.dims) if tensor.dims else 0
    return max(0, min(count, _MOST)), tensor.data_type in _REAL


def _multiply_adds(node: onnx.NodeProto, inferred: Inferred) -> int | None:
    try:
        found = macs(node, inferred)
    except (KeyError, IndexError):
        return None
    return found if found < _MOST else None


def _pixels(length: float) -> int:
    return int(min(length, _MOST))


def _side_notes(model: onnx.ModelProto, side: int) -> Iterator[str]:
    open_axes = [axis is None or axis <= 0 for spec in graph.inputs(model) for axis in spec.axes[1:]]
    if any(open_axes):
        yield tr("The input size is not fixed. Counted for {side} × {side} pixels.", side=side)


def _operator_notes(refused: Counter[str]) -> Iterator[str]:
    for kind, count in refused.most_common(_MAX_NAMED):
        yield tr_n(
            "Not counted: {count:,} operator “{kind}”, which is unknown, damaged, or contains a graph.",
            "Not counted: {count:,} operators “{kind}”, which are unknown, damaged, or contain a graph.",
            count,
            kind=kind,
        )
    more = len(refused) - _MAX_NAMED
    if more > 0:
        yield tr_n(
            "Not counted: {count:,} more kind of operator.", "Not counted: {count:,} more kinds of operators.", more
        )


def _size_notes(layers: Sequence[LayerStatistics]) -> Iterator[str]:
    unknown = sum(one.shape is None for one in layers)
    if unknown:
        yield tr_n(
            "The output size of {count:,} layer is unknown, so its multiply-adds may be missing.",
            "The output sizes of {count:,} layers are unknown, so their multiply-adds may be missing.",
            unknown,
        )
