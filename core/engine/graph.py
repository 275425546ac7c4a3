"""Read an ONNX file as data, and refuse what no backbone of ours needs, before any session sees it.

A session given a hostile file may read other files (external data), load native code (custom operators) or eat all
memory. So the file is parsed first; anything outside a short list of plain operators is refused. See the ONNX project's
ExternalDataSecurity notes and ONNX Runtime's own advice on models from outside.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, ValueInfoProto

from core.card import BackboneCard
from core.engine.shapes import shapes_for_one_image
from core.errors import ModelError

INPUT: Final = "image"
FEATURES: Final = "features"
FEATURE_MAP: Final = "feature_map"

# fmt: off
ALLOWED_OPERATORS: Final = frozenset(
    [
        "Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Constant", "Conv",
        "DequantizeLinear", "Div", "Flatten", "Gemm", "GlobalAveragePool", "Identity", "MatMul", "MaxPool",
        "Mul", "Pad", "QuantizeLinear", "ReduceMean", "Relu", "Reshape", "Sigmoid", "Softmax", "Squeeze",
        "Sub", "Transpose", "Unsqueeze",
    ]
)
# fmt: on
MAX_BYTES: Final = 1024**3
_MAX_NODES: Final = 20_000
_MAX_NUMBERS: Final = 2**28
"""Xception makes 58 million numbers of one image of 299x299; this is 1 GB of them."""
_HINT: Final = "Fovea opens only models it made itself or that are just as plain; ask for a clean export."


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output: its name, element type and axes (None where the length is left open)."""

    name: str
    element_type: int
    axes: tuple[int | None, ...]


def parse(data: bytes) -> onnx.ModelProto:
    """Parse an ONNX file and refuse whatever could reach outside of it.

    Raises:
        ModelError: the file is damaged, too large, refers to other files, or uses operators outside the list.
    """
    if not data or len(data) > MAX_BYTES:
        raise ModelError(f"The model file has {len(data):,} bytes; 1 to {MAX_BYTES:,} are allowed.", hint=_HINT)
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise ModelError("The model file is damaged or is not ONNX.", hint=_HINT) from error
    _check_model(model)
    return model


def check_backbone(data: bytes, card: BackboneCard) -> None:
    """Refuse a backbone file that is unsafe or is not what its card says.

    Raises:
        ModelError: see `parse`; or inputs and outputs have other names, types or shapes than the card promises; or
            its inner arrays would fill the memory.
    """
    model = parse(data)
    size, width = card.preprocessing.size, card.feature_width
    channels_last = card.feature_map_layout == "nhwc"
    feature_map = (None, None, None, width) if channels_last else (None, width, None, None)
    _expect(inputs(model), Port(INPUT, TensorProto.UINT8, (None, size, size, 3)), "input")
    _expect(outputs(model), Port(FEATURES, TensorProto.FLOAT, (None, width)), "output")
    _expect(outputs(model), Port(FEATURE_MAP, TensorProto.FLOAT, feature_map), "output")
    if len(inputs(model)) != 1:
        raise ModelError(f"The model asks for {len(inputs(model))} inputs; a backbone reads one image.", hint=_HINT)
    _check_inside(model, card)


def _check_inside(model: onnx.ModelProto, card: BackboneCard) -> None:
    """Refuse a graph that would fill the memory, or whose outputs will not be what it says they are."""
    shapes = shapes_for_one_image(model)
    made = [name for node in model.graph.node for name in node.output if name]
    if any(name not in shapes for name in made):
        raise ModelError("The model hides how large its inner arrays become.", hint=_HINT)
    numbers = sum(math.prod(shapes[name]) for name in made)
    if numbers > _MAX_NUMBERS:
        raise ModelError(f"The model makes {numbers:,} numbers of one image, too many for a memory.", hint=_HINT)
    features, feature_map = shapes.get(FEATURES, ()), shapes.get(FEATURE_MAP, ())
    depth = feature_map[-1 if card.feature_map_layout == "nhwc" else 1] if len(feature_map) == 4 else 0
    if features != (1, card.feature_width) or depth != card.feature_width:
        raise ModelError(f"The model gives {features} and {feature_map}, which its card does not promise.", hint=_HINT)


def inputs(model: onnx.ModelProto) -> tuple[Port, ...]:
    """What the graph must be given; initializers that are also listed as inputs do not count."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return tuple(_port(info) for info in model.graph.input if info.name not in stored)


def outputs(model: onnx.ModelProto) -> tuple[Port, ...]:
    """What the graph gives."""
    return tuple(_port(info) for info in model.graph.output)


def _check_model(model: onnx.ModelProto) -> None:
    graph = model.graph
    if not graph.node or len(graph.node) > _MAX_NODES:
        raise ModelError(f"The model has {len(graph.node):,} operators; 1 to {_MAX_NODES:,} are allowed.", hint=_HINT)
    if model.functions or model.training_info:
        raise ModelError("The model brings functions or training code of its own.", hint=_HINT)
    if any(opset.domain for opset in model.opset_import):
        raise ModelError("The model uses custom operators.", hint=_HINT)
    if graph.sparse_initializer:
        raise ModelError("The model stores sparse weights, which no backbone needs.", hint=_HINT)
    _check_nodes(graph.node)
    if any(_is_external(tensor) for tensor in _tensors(graph)):
        raise ModelError("The model keeps its weights in other files, which could be any file of yours.", hint=_HINT)


def _check_nodes(nodes: Iterable[onnx.NodeProto]) -> None:
    for node in nodes:
        if node.domain or node.op_type not in ALLOWED_OPERATORS:
            name = f"{node.domain}.{node.op_type}".strip(".")[:80]
            raise ModelError(f"The model uses the operator {name!r}, which is not allowed.", hint=_HINT)
        if any(a.HasField("g") or a.graphs or a.HasField("sparse_tensor") or a.sparse_tensors for a in node.attribute):
            raise ModelError("The model hides graphs or sparse weights inside an operator.", hint=_HINT)


def _tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _is_external(tensor: TensorProto) -> bool:
    return tensor.data_location == TensorProto.EXTERNAL or bool(tensor.external_data)


def _port(info: ValueInfoProto) -> Port:
    tensor = info.type.tensor_type
    axes = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in tensor.shape.dim)
    return Port(info.name, tensor.elem_type, axes)


def _expect(ports: Iterable[Port], wanted: Port, role: str) -> None:
    """Refuse unless a port has the wanted name and type, and axes that agree wherever `wanted` states one."""
    found = next((port for port in ports if port.name == wanted.name), None)
    if found is None:
        raise ModelError(f"The model has no {role} called {wanted.name!r}.", hint=_HINT)
    fits = len(found.axes) == len(wanted.axes) and all(
        theirs == ours for theirs, ours in zip(found.axes, wanted.axes, strict=True) if ours is not None
    )
    open_batch = bool(found.axes) and found.axes[0] is None
    if found.element_type != wanted.element_type or not fits or not open_batch:
        raise ModelError(f"The model's {role} {wanted.name!r} does not have the shape its card promises.", hint=_HINT)
