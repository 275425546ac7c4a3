"""Export of a head by tf2onnx; its arrays are read back from the ONNX graph, so what is installed was exported."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.models.heads import DenseHead, Head, LinearHead
from core.trainer.export import to_onnx
from core.trainer.framework import keras, tf

FEATURES: Final = "features"
LOGITS: Final = "logits"
_KINDS: Final = {"MatMul": "M", "Add": "A", "Gemm": "G", "Relu": "R"}
_CHAIN: Final = re.compile("(?:MA?|G)(?:R(?:MA?|G))*")
_HINT: Final = mark("Install the versions of TensorFlow and tf2onnx that Fovea requires.")


def exported_head(model: keras.Model) -> Head:
    """Export a Keras head, and read it back from the ONNX graph.

    Args:
        model: from features float32 [n, d] to logits, by dense layers with ReLU between them.

    Raises:
        ModelError: the exported graph has another structure.
    """

    def head(features: Any) -> dict[str, Any]:
        return {LOGITS: model(features, training=False)}

    converted = to_onnx(head, tf.TensorSpec((None, model.input_shape[-1]), tf.float32, name=FEATURES))
    onnx.checker.check_model(converted, full_check=True)
    return head_from_onnx(converted)


def head_from_onnx(model: onnx.ModelProto) -> Head:
    """Convert a graph to a head: a chain of MatMul and Add, or Gemm, with Relu between them; no Add means no bias.

    Raises:
        ModelError: the graph has another structure.
    """
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    kinds, layers = "", list[LinearHead]()
    value = model.graph.input[0].name
    for node in model.graph.node:
        own = [arrays[name] for name in node.input if name in arrays]
        if node.input[0] != value or len(own) != len(node.input) - 1 or node.op_type not in _KINDS:
            raise _unsupported(f"{node.op_type}({', '.join(node.input)})")
        kinds, value = kinds + _KINDS[node.op_type], node.output[0]
        if node.op_type == "MatMul":
            layers.append(LinearHead(own[0], np.zeros(own[0].shape[-1], np.float32)))
        elif node.op_type == "Gemm":
            layers.append(_gemm(node, *own))
        elif node.op_type == "Add" and layers:
            layers[-1] = LinearHead(layers[-1].weights, own[0])
    if value != model.graph.output[0].name or not _CHAIN.fullmatch(kinds):
        raise _unsupported(tr("unexpected order of layers"))
    return layers[0] if len(layers) == 1 else DenseHead(tuple(layers))


def _gemm(node: onnx.NodeProto, weights: NDArray[np.float32], bias: NDArray[np.float32] | None = None) -> LinearHead:
    """Convert a Gemm to a layer (ONNX operator set 13)."""
    options = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    transposed = options.pop("transB", 0)
    if any(value != (1.0 if name in ("alpha", "beta") else 0) for name, value in options.items()):
        raise _unsupported(f"Gemm({options})")
    weights = np.ascontiguousarray(weights.T) if transposed else weights
    return LinearHead(weights, np.zeros(weights.shape[-1], np.float32) if bias is None else bias)


def _unsupported(reason: str) -> ModelError:
    what = tr("The exported head is not a chain of dense layers: {reason}.", reason=reason)
    return ModelError(what, hint=tr(_HINT))
