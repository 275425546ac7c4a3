"""Number of parameters and multiply-adds of a network, counted from its ONNX graph."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import onnx
from onnx import TensorProto

from core.engine.limits import macs
from core.engine.shapes import infer

_REAL: Final = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)


@dataclass(frozen=True, slots=True)
class ModelStats:
    """The size and cost of a graph.

    Attributes:
        parameters: stored numbers, without scalars; BatchNormalization folded into a convolution counts as part of it.
        macs: multiply-adds of its convolutions and matrix products for one image.
    """

    parameters: int
    macs: int


def compute_stats(model: onnx.ModelProto) -> ModelStats:
    """Count the parameters and multiply-adds of a graph at batch size 1; `model` is not changed.

    Raises:
        ModelError: shapes inside the graph cannot be inferred.
    """
    inferred = infer(model)
    weights = sum(math.prod(tensor.dims) for tensor in model.graph.initializer if _is_weight(tensor))
    return ModelStats(weights, sum(macs(node, inferred) for node in model.graph.node))


def _is_weight(tensor: TensorProto) -> bool:
    return bool(tensor.dims) and tensor.data_type in _REAL
