"""Compact, reproducible ONNX graphs: weights as float16, names in the order of computation.

Pure ONNX; nothing here needs TensorFlow.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

BATCH: Final = "n"
_MIN_VALUES: Final = 1024
"""Arrays smaller than this are not worth a cast."""

_NOISE: Final = 2.0**-20
"""Unfolding a normalization from a kernel and folding it in again changes a value by 2^-22 of it, as measured."""


class Float16Policy(Enum):
    """Which kernels are stored as float16."""

    EVERYTHING = "everything"
    LOSSLESS = "lossless"
    """Those that were stored as float16 before: each of their values is a float16 one except for noise."""


def optimize(model: onnx.ModelProto, float16: Float16Policy = Float16Policy.EVERYTHING) -> onnx.ModelProto:
    """Make a network smaller and reproducible: the same weights give the same bytes on any machine.

    Kernels are rounded to float16 and cast back to float32 inside the graph, so it computes in float32; biases, which
    are small, and the kernels that `float16` excludes are unchanged. The batch axis of all inputs and outputs is named
    "n".
    """
    graph = onnx.GraphProto(name="backbone")
    graph.CopyFrom(model.graph)
    graph.name, graph.doc_string = "backbone", ""
    del graph.value_info[:], graph.metadata_props[:]
    _fold_batch_norm(graph)
    _rename(graph)
    _name_batch_axes(graph)
    _store_float16(graph, float16)
    opsets = [opset for opset in model.opset_import if not opset.domain]
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=model.ir_version, producer_name=model.producer_name
    )


def _fold_batch_norm(graph: onnx.GraphProto) -> None:
    """Fold a scale or shift per channel directly after a convolution into it.

    tf2onnx leaves BatchNormalization after a depthwise convolution in this form.
    """
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    readers = Counter([*(name for node in graph.node for name in node.input), *(info.name for info in graph.output)])
    convolutions: dict[str, onnx.NodeProto] = {}
    kept = []
    for node in graph.node:
        convolution = convolutions.get(node.input[0])
        if convolution and readers[node.input[0]] == 1 and _is_per_channel(node, convolution, arrays):
            _fold_into(node, convolution, arrays)
            convolutions[node.output[0]] = convolution
            continue
        kept.append(node)
        if node.op_type == "Conv" and node.input[1] in arrays:
            convolutions[node.output[0]] = node
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in arrays.items())


def _is_per_channel(node: onnx.NodeProto, convolution: onnx.NodeProto, arrays: dict[str, NDArray[Any]]) -> bool:
    if node.op_type not in ("Mul", "Add") or node.input[1] not in arrays:
        return False
    return arrays[node.input[1]].shape == (1, arrays[convolution.input[1]].shape[0], 1, 1)


def _fold_into(node: onnx.NodeProto, convolution: onnx.NodeProto, arrays: dict[str, NDArray[Any]]) -> None:
    """Fold `node` into the `convolution` before it; its arrays are copied, because other nodes may share them."""
    values = arrays[node.input[1]].reshape(-1)
    kernel = arrays[convolution.input[1]]
    bias = arrays[convolution.input[2]] if len(convolution.input) == 3 else np.zeros_like(values)
    if node.op_type == "Mul":
        kernel, bias = kernel * values.reshape(-1, 1, 1, 1), bias * values
    else:
        bias = bias + values
    names = [f"{node.output[0]}:kernel", f"{node.output[0]}:bias"]
    arrays.update(zip(names, (kernel, bias), strict=True))
    convolution.input[1:] = names
    convolution.output[0] = node.output[0]


def _rename(graph: onnx.GraphProto) -> None:
    """Name nodes, tensors and initializers by their position in the graph."""
    names = {info.name: info.name for info in (*graph.input, *graph.output)}
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    used: dict[str, TensorProto] = {}
    for index, node in enumerate(graph.node):
        node.name, node.doc_string = f"{node.op_type.lower()}_{index}", ""
        for position, name in enumerate(node.input):
            if name in arrays and name not in names:
                names[name] = f"{node.name}_in{position}"
                used[name] = arrays[name]
        for position, name in enumerate(node.output):
            names.setdefault(name, f"{node.name}_out{position}")
        node.input[:] = [names[name] if name else "" for name in node.input]
        node.output[:] = [names[name] if name else "" for name in node.output]
    del graph.initializer[:]
    for name, tensor in used.items():
        graph.initializer.add().CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), names[name]))


def _name_batch_axes(graph: onnx.GraphProto) -> None:
    for info in (*graph.input, *graph.output):
        info.doc_string = ""
        info.type.tensor_type.shape.dim[0].dim_param = BATCH


def _store_float16(graph: onnx.GraphProto, policy: Float16Policy) -> None:
    """Store kernels as float16, each followed by a cast to float32."""
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2 or values.size < _MIN_VALUES:
            continue
        if policy is Float16Policy.LOSSLESS and not _is_nearly_float16(values):
            continue
        exact, stored = tensor.name, f"{tensor.name}_half"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [exact], name=f"{exact}_cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _is_nearly_float16(values: NDArray[np.float32]) -> bool:
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float16).astype(np.float32)
    return bool((np.abs(values - rounded) <= _NOISE * np.abs(values)).all())
