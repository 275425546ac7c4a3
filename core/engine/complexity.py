"""How much a network holds and how much it computes, counted from its ONNX graph."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import onnx
from onnx import TensorProto

from core.engine.shapes import Shapes, shapes_for_one_image
from core.errors import ModelError

_REAL: Final = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
_HINT: Final = "Only the numbers shown about the model depend on this; ask for an export with plain shapes."


@dataclass(frozen=True, slots=True)
class Complexity:
    """What a graph costs.

    Attributes:
        weights: numbers stored in it, scalars not counted; BatchNormalization folded into a convolution counts as the
            convolution it became.
        multiply_adds: of its convolutions and matrix products for one image; a multiplication with the addition after
            it is one.
    """

    weights: int
    multiply_adds: int


def complexity(model: onnx.ModelProto) -> Complexity:
    """Count a graph's weights and its multiply-adds at batch 1; `model` is not changed.

    Raises:
        ModelError: shapes inside the graph cannot be inferred.
    """
    shapes = shapes_for_one_image(model)
    try:
        multiply_adds = sum(_multiply_adds(node, shapes) for node in model.graph.node)
    except KeyError as error:
        raise ModelError(f"The shape of {error.args[0]!r} inside the model is unknown.", hint=_HINT) from error
    weights = sum(math.prod(tensor.dims) for tensor in model.graph.initializer if _is_weight(tensor))
    return Complexity(weights, multiply_adds)


def _is_weight(tensor: TensorProto) -> bool:
    return bool(tensor.dims) and tensor.data_type in _REAL


def _multiply_adds(node: onnx.NodeProto, shapes: Shapes) -> int:
    if node.op_type == "Conv":
        # each output value reads a window of [channels / groups, *kernel], the kernel's axes after the first
        return math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
    if node.op_type == "Gemm":
        transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if transposed else 1]
    if node.op_type == "MatMul":
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    return 0
