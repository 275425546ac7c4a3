"""A network that computes in float16 instead of float32, as a change of its ONNX graph.

Inputs and outputs stay as they are. Weights stored as float16 do not change, others are rounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.base.i18n import tr
from core.engine import graph

_HALF: Final = "_float16"


def to_float16(data: bytes) -> bytes:
    """Convert a network, checked by `graph.parse`, to compute in float16.

    Raises:
        ModelError: a weight is too large for float16.
    """
    model = graph.parse(data)
    kept = set(_always_float32(model.graph))
    for tensor in model.graph.initializer:
        if tensor.name not in kept:
            _convert(tensor)
    for node in model.graph.node:
        for attribute in node.attribute:
            _convert_attribute(node, attribute)
    _cast_outputs(model.graph)
    del model.graph.value_info[:]
    converted: bytes = model.SerializeToString()
    return converted


def _always_float32(content: onnx.GraphProto) -> Iterator[str]:
    """Arrays that the operator Resize takes in float32 only: the region and the scales."""
    return (name for node in content.node if node.op_type == "Resize" for name in node.input[1:3])


def _convert(tensor: TensorProto) -> None:
    """Round an array of float32 to float16, in place."""
    if tensor.data_type != TensorProto.FLOAT:
        return
    values = numpy_helper.to_array(tensor)
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float16)
    if not np.isfinite(rounded[np.isfinite(values)]).all():
        raise ModelError(tr("The model has weights that are too large for float16."), hint=tr("Use another precision."))
    tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))


def _convert_attribute(node: onnx.NodeProto, attribute: onnx.AttributeProto) -> None:
    if attribute.type == onnx.AttributeProto.TENSOR:
        _convert(attribute.t)
    elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
        attribute.i = TensorProto.FLOAT16
    elif node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
        value = np.float32(helper.get_attribute_value(attribute))
        attribute.CopyFrom(helper.make_attribute("value", numpy_helper.from_array(np.asarray(value), "value")))
        _convert(attribute.t)


def _cast_outputs(content: onnx.GraphProto) -> None:
    """Give the outputs of the graph in float32 again."""
    names = {info.name for info in content.output if info.type.tensor_type.elem_type == TensorProto.FLOAT}
    for node in content.node:
        for place in (node.input, node.output):
            place[:] = [name + _HALF if name in names else name for name in place]
    content.node.extend(
        helper.make_node("Cast", [name + _HALF], [name], name=f"{name}_cast", to=TensorProto.FLOAT)
        for name in sorted(names)
    )
