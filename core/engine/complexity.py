"""How much a network holds and how much it computes, counted from its ONNX graph."""

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
    """What a graph costs.

    Attributes:
        parameters: numbers stored in it, scalars not counted; BatchNormalization folded into a convolution counts as
            the convolution it became.
        macs: of its convolutions and matrix products for one image; a multiplication with the addition after
            it is one.
    """

    parameters: int
    macs: int


def compute_stats(model: onnx.ModelProto) -> ModelStats:
    """Count a graph's weights and its multiply-adds at batch 1; `model` is not changed.

    Raises:
        ModelError: shapes inside the graph cannot be inferred.
    """
    inferred = infer(model)
    weights = sum(math.prod(tensor.dims) for tensor in model.graph.initializer if _is_weight(tensor))
    return ModelStats(weights, sum(macs(node, inferred) for node in model.graph.node))


def _is_weight(tensor: TensorProto) -> bool:
    return bool(tensor.dims) and tensor.data_type in _REAL
