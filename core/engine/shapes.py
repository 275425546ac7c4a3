"""The shapes of all arrays inside an ONNX graph for one image, told without opening a session."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import onnx
from onnx import helper

from core.errors import ModelError

Shapes = Mapping[str, tuple[int, ...]]
"""By name; what could not be told is not in it."""

_SMALL: Final = 4096
"""Numbers in an initializer whose values may decide a shape (axes, pads); larger ones are weights."""
_HINT: Final = "Install the model again, or ask for an export with plain shapes."


def shapes_for_one_image(model: onnx.ModelProto) -> Shapes:
    """Shapes of all arrays whose axes are all known once each input's first axis is 1.

    Nothing the file itself says about shapes is believed, but for its inputs' and its weights'.

    Raises:
        ModelError: shapes contradict each other.
    """
    bare = _without_weights(model)
    try:
        graph = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True).graph
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        raise ModelError("The shapes inside the model contradict each other.", hint=_HINT) from error
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for info in (*graph.input, *graph.output, *graph.value_info):
        axes = info.type.tensor_type.shape.dim
        if info.type.tensor_type.HasField("shape") and all(axis.HasField("dim_value") for axis in axes):
            shapes[info.name] = tuple(axis.dim_value for axis in axes)
    return shapes


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph alone, which is small; its weights become inputs of known shape."""
    bare = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    graph = bare.graph
    graph.name = "shapes"
    graph.node.extend(model.graph.node)
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _SMALL:
            graph.initializer.append(tensor)
        else:
            graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    stored = {tensor.name for tensor in model.graph.initializer}
    for info in model.graph.input:
        if info.name not in stored:
            graph.input.append(info)
            if info.type.tensor_type.shape.dim:
                graph.input[-1].type.tensor_type.shape.dim[0].dim_value = 1
    for info in model.graph.output:
        kind = helper.make_tensor_type_proto(info.type.tensor_type.elem_type, None)
        graph.output.append(helper.make_value_info(info.name, kind))
    return bare
