"""Storage of a network's weights in fewer bits, as changes of its ONNX graph; it always computes in float32.

Kernels in float16 are followed by a Cast; kernels in 8 bits by a Cast and a Mul by the steps of their output channels,
which ONNX Runtime computes once, when it opens the file. (It would compute a DequantizeLinear again for every image.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.models.heads import Head, assemble, head_arrays, is_kernel

MIN_VALUES: Final = 1024
"""Smaller arrays are not worth a cast."""

_READ_WEIGHTS: Final = ("Conv", "Gemm", "MatMul")
_TOO_LARGE: Final = mark("Export it with --storage float32.")


class Storage(StrEnum):
    """How an exported file stores a model's weights."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"


@dataclass(frozen=True, slots=True, eq=False)
class Int8Kernel:
    """A kernel stored in 8 bits.

    Attributes:
        name: of the float32 tensor that convolutions read.
        integers: int8 [out, ...].
        steps: float32, with one value for each output channel, as [out, 1, ...].
        nodes: the Cast and the Mul.
    """

    name: str
    integers: TensorProto
    steps: TensorProto
    nodes: tuple[onnx.NodeProto, onnx.NodeProto]


def int8_kernels(graph: onnx.GraphProto) -> Iterator[Int8Kernel]:
    """Yield the kernels stored in 8 bits."""
    integers, steps = (_own_arrays(graph, kind) for kind in (TensorProto.INT8, TensorProto.FLOAT))
    casts = {node.output[0]: node for node in graph.node if _is_cast_of(node, integers)}
    for node in graph.node:
        if node.op_type == "Mul" and node.input[0] in casts and node.input[1] in steps:
            cast = casts[node.input[0]]
            yield Int8Kernel(node.output[0], integers[cast.input[0]], steps[node.input[1]], (cast, node))


def storage_of(model: onnx.ModelProto) -> Storage:
    """FLOAT16 if any kernel is stored as float16, otherwise FLOAT32."""
    half = any(array.data_type == TensorProto.FLOAT16 for array in model.graph.initializer)
    return Storage.FLOAT16 if half else Storage.FLOAT32


def store_as_float32(model: onnx.ModelProto) -> bool:
    """Store arrays in float16 with a cast, and kernels in 8 bits, as float32; the values do not change.

    Returns:
        Whether there was any such array.
    """
    graph = model.graph
    stored = _own_arrays(graph, TensorProto.FLOAT16)
    outputs = {info.name for info in graph.output}
    casts = [node for node in graph.node if _is_cast_of(node, stored) and node.output[0] not in outputs]
    kernels = [*int8_kernels(graph)]
    result = [_exact(stored[node.input[0]], node.output[0]) for node in casts]
    result += [numpy_helper.from_array(_multiplied(kernel), kernel.name) for kernel in kernels]
    removed = [*casts, *(node for kernel in kernels for node in kernel.nodes)]
    undone = {node.output[0] for node in removed}
    nodes = [node for node in graph.node if node.output[0] not in undone]
    idle = {name for node in removed for name in node.input} - {name for node in nodes for name in node.input}
    arrays = [*result, *(array for array in graph.initializer if array.name not in idle)]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(arrays)
    return bool(removed)


def store_as_float16(model: onnx.ModelProto) -> bool:
    """Round kernels to float16, and cast them back in the graph; small ones are not changed.

    Returns:
        Whether there was any kernel in float32.

    Raises:
        ModelError: a weight is too large for float16.
    """
    graph = model.graph
    arrays = _own_arrays(graph, TensorProto.FLOAT)
    taken, casts = set(_names(graph)), []
    for name in dict.fromkeys(_kernels(graph)):
        if name not in arrays or numpy_helper.to_array(arrays[name]).size < MIN_VALUES:
            continue
        half = f"{name}_half"
        while half in taken:
            half += "_"
        taken.add(half)
        arrays[name].CopyFrom(numpy_helper.from_array(_to_float16(numpy_helper.to_array(arrays[name])), half))
        casts.append(helper.make_node("Cast", [half], [name], name=f"{half}_cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bool(casts)


def head_to_float16(head: Head) -> Head:
    """Round the weights of a head to float16.

    Raises:
        ModelError: a weight is too large for float16.
    """
    arrays = head_arrays(head)
    for name in filter(is_kernel, arrays):
        arrays[name] = _to_float16(arrays[name]).astype(np.float32)
    return assemble(arrays, arrays.__getitem__)


def _to_float16(values: NDArray[np.float32]) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise ModelError(tr("The model has weights that are too large for float16."), hint=tr(_TOO_LARGE))
    return half


def _own_arrays(graph: onnx.GraphProto, kind: int) -> dict[str, TensorProto]:
    """Stored arrays of a type by name, without those that are also inputs and could be replaced by a caller."""
    inputs = {info.name for info in graph.input}
    return {array.name: array for array in graph.initializer if array.data_type == kind and array.name not in inputs}


def _is_cast_of(node: onnx.NodeProto, arrays: dict[str, TensorProto]) -> bool:
    targets = [attribute.i for attribute in node.attribute if attribute.name == "to"]
    return node.op_type == "Cast" and targets == [TensorProto.FLOAT] and node.input[0] in arrays


def _kernels(graph: onnx.GraphProto) -> Iterator[str]:
    return (node.input[1] for node in graph.node if node.op_type in _READ_WEIGHTS)


def _names(graph: onnx.GraphProto) -> Iterator[str]:
    yield from (array.name for array in graph.initializer)
    for node in graph.node:
        yield from node.output


def _multiplied(kernel: Int8Kernel) -> NDArray[np.float32]:
    integers, steps = (numpy_helper.to_array(array) for array in (kernel.integers, kernel.steps))
    return np.asarray(integers.astype(np.float32) * steps)


def _exact(array: TensorProto, name: str) -> TensorProto:
    """The same values in float32 under another name."""
    return numpy_helper.from_array(numpy_helper.to_array(array).astype(np.float32), name)
