"""Read an ONNX file as data, and refuse what no backbone of ours needs, before any session sees it.

A session given a hostile file may read other files (external data), load native code (custom operators) or eat all
memory. So the file is parsed first; anything outside a list of plain operators is refused. See the ONNX project's
ExternalDataSecurity notes and ONNX Runtime's own advice on models from outside.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from onnx import TensorProto, ValueInfoProto, defs

from core.base.errors import FoveaError, ModelError
from core.card import BackboneCard
from core.engine.limits import MAX_BATCH, check_limits
from core.engine.shapes import MAX_RANK, infer, opset_of

INPUT: Final = "image"
FEATURES: Final = "features"
FEATURE_MAP: Final = "feature_map"

# fmt: off
ALLOWED_OPERATORS: Final = frozenset(
    [
        "Abs", "Add", "AveragePool", "BatchNormalization", "Cast", "Celu", "Clip", "Concat", "Constant",
        "ConstantOfShape", "Conv", "DepthToSpace", "DequantizeLinear", "Div", "Elu", "Erf", "Exp", "Expand", "Flatten",
        "Gather", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "GroupNormalization", "HardSigmoid",
        "HardSwish", "Identity", "InstanceNormalization", "LRN", "LayerNormalization", "LeakyRelu", "LogSoftmax",
        "MatMul", "Max", "MaxPool", "Min", "Mish", "Mul", "Neg", "PRelu", "Pad", "Pow", "QuantizeLinear", "Reciprocal",
        "ReduceL2", "ReduceMax", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Selu", "Sigmoid", "Slice", "Softmax",
        "Softplus", "Softsign", "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Swish", "Tanh", "Transpose",
        "Unsqueeze",
    ]
)
# fmt: on
"""Pure functions of their inputs, which say by their shapes how large their outputs are."""
MAX_BYTES: Final = 1024**3
_MAX_NODES: Final = 8_000
_MAX_PARTS: Final = 100_000
"""Descriptions, arrays and other entries beside the operators."""
# fmt: off
_TYPED: Final[dict[int, tuple[str, int]]] = {
    TensorProto.FLOAT: ("float_data", 4), TensorProto.DOUBLE: ("double_data", 8), TensorProto.INT64: ("int64_data", 8),
    TensorProto.UINT64: ("uint64_data", 8), TensorProto.UINT32: ("uint64_data", 4),
    TensorProto.INT32: ("int32_data", 4), TensorProto.INT16: ("int32_data", 2), TensorProto.INT8: ("int32_data", 1),
    TensorProto.UINT16: ("int32_data", 2), TensorProto.UINT8: ("int32_data", 1), TensorProto.BOOL: ("int32_data", 1),
    TensorProto.FLOAT16: ("int32_data", 2), TensorProto.BFLOAT16: ("int32_data", 2),
}
# fmt: on
"""Element types that may be stored: the field that holds them where they are not raw, and bytes of one that is."""
_HINT: Final = "Fovea opens only plain image networks; ask whoever made the file to export it again."


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output: its name, element type and axes (None where the length is left open)."""

    name: str
    element_type: int
    axes: tuple[int | None, ...]


@contextlib.contextmanager
def only_model_errors() -> Iterator[None]:
    """The boundary for files from outside: over damaged content protobuf, NumPy and ONNX raise dozens of kinds."""
    try:
        yield
    except FoveaError:
        raise
    except MemoryError as error:
        raise ModelError("There is not enough memory for the model.", hint="Close other programs first.") from error
    except Exception as error:
        what = f"The model file is damaged: it contradicts itself ({type(error).__name__})."
        raise ModelError(what, hint="Download or copy it again, or ask its maker to export it again.") from error


@only_model_errors()
def parse(data: bytes) -> onnx.ModelProto:
    """Parse an ONNX file and refuse whatever could reach outside of it.

    Raises:
        ModelError: the file is damaged, too large, refers to other files, or uses operators outside the list.
    """
    model = decode(data)
    check(model)
    return model


@only_model_errors()
def decode(data: bytes) -> onnx.ModelProto:
    """Parse an ONNX file; what it holds has yet to pass `check`.

    Raises:
        ModelError: the file is damaged, too large, or holds text that is not UTF-8.
    """
    if not data or len(data) > MAX_BYTES:
        raise ModelError(f"The model file has {len(data):,} bytes; 1 to {MAX_BYTES:,} are allowed.", hint=_HINT)
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise ModelError("The model file is damaged or is not ONNX.", hint=_HINT) from error
    graph = model.graph
    if not graph.node or len(graph.node) > _MAX_NODES:
        raise ModelError(f"The model has {len(graph.node):,} operators; 1 to {_MAX_NODES:,} are allowed.", hint=_HINT)
    if (
        sum(map(len, (graph.initializer, graph.value_info, graph.input, graph.output, model.metadata_props)))
        > _MAX_PARTS
    ):
        raise ModelError(f"The model has more than {_MAX_PARTS:,} parts.", hint=_HINT)
    if not all(isinstance(text, str) for text in _texts(model)):
        raise ModelError("The model file is damaged: a name in it is not text.", hint=_HINT)
    return model


def _texts(message: Message) -> Iterator[str | bytes]:
    """All text in a message; protobuf gives bytes where it is not UTF-8."""
    for field, value in message.ListFields():
        many = value if field.is_repeated else (value,)
        if field.type == FieldDescriptor.TYPE_STRING:
            yield from many
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in many:
                yield from _texts(inner)


@only_model_errors()
def check_backbone(data: bytes, card: BackboneCard, *, is_installed: bool = False) -> None:
    """Refuse a backbone file that is unsafe or is not what its card says.

    Args:
        data: the file.
        card: what it should be.
        is_installed: whether it is in the library already: what was imported before there were bounds for a batch
            may still take them for one image.

    Raises:
        ModelError: see `parse`; or inputs and outputs have other names, types or shapes than the card promises; or
            its inner arrays would fill the memory.
    """
    model = parse(data)
    size, width = card.preprocessing.size, card.feature_width
    channels_last = card.feature_map_layout == "nhwc"
    feature_map = (None, None, None, width) if channels_last else (None, width, None, None)
    _expect(inputs(model), TensorSpec(INPUT, TensorProto.UINT8, (None, size, size, 3)), "input")
    _expect(outputs(model), TensorSpec(FEATURES, TensorProto.FLOAT, (None, width)), "output")
    _expect(outputs(model), TensorSpec(FEATURE_MAP, TensorProto.FLOAT, feature_map), "output")
    if len(inputs(model)) != 1:
        raise ModelError(f"The model asks for {len(inputs(model))} inputs; a backbone reads one image.", hint=_HINT)
    _check_inside(model, card, times=MAX_BATCH if is_installed else 1)


def _check_inside(model: onnx.ModelProto, card: BackboneCard, *, times: int) -> None:
    """Refuse a graph that would take too much, or whose outputs will not be what it says they are."""
    inferred = infer(model, MAX_BATCH)
    check_limits(model, inferred, times=times)
    features, feature_map = inferred.shapes.get(FEATURES, ()), inferred.shapes.get(FEATURE_MAP, ())
    depth = feature_map[-1 if card.feature_map_layout == "nhwc" else 1] if len(feature_map) == 4 else 0
    are_real = all(inferred.kinds.get(name) == TensorProto.FLOAT for name in (FEATURES, FEATURE_MAP))
    if features != (MAX_BATCH, card.feature_width) or depth != card.feature_width or not are_real:
        what = f"For {MAX_BATCH} images the model gives {features} and {feature_map}, which its card does not promise."
        raise ModelError(what, hint=_HINT)


def inputs(model: onnx.ModelProto) -> tuple[TensorSpec, ...]:
    """What the graph must be given; initializers that are also listed as inputs do not count."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return tuple(_tensor_spec(info) for info in model.graph.input if info.name not in stored)


def outputs(model: onnx.ModelProto) -> tuple[TensorSpec, ...]:
    """What the graph gives."""
    return tuple(_tensor_spec(info) for info in model.graph.output)


@only_model_errors()
def check(model: onnx.ModelProto, allowed: Collection[str] = ALLOWED_OPERATORS) -> None:
    """Refuse a decoded file that could reach outside of itself, or does not say plainly what it computes.

    Raises:
        ModelError: it is so.
    """
    graph, opset = model.graph, opset_of(model)
    if model.functions or model.training_info:
        raise ModelError("The model brings functions or training code of its own.", hint=_HINT)
    if not opset:
        raise ModelError("The model does not say which version of ONNX it is written in.", hint=_HINT)
    if graph.sparse_initializer:
        raise ModelError("The model stores sparse weights, which no backbone needs.", hint=_HINT)
    for node in graph.node:
        _check_node(node, opset, allowed)
    for tensor in tensors(graph):
        _check_tensor(tensor)


def _check_node(node: onnx.NodeProto, opset: int, allowed: Collection[str]) -> None:
    if node.domain or node.op_type not in allowed:
        name = f"{node.domain}.{node.op_type}".strip(".")[:80]
        raise ModelError(f"The model uses the operator {name!r}, which is not allowed.", hint=_HINT)
    if any(a.HasField("g") or a.graphs or a.HasField("sparse_tensor") or a.sparse_tensors for a in node.attribute):
        raise ModelError("The model hides graphs or sparse weights inside an operator.", hint=_HINT)
    try:
        schema = defs.get_schema(node.op_type, opset, "")
    except defs.SchemaError as error:
        what = f"The model uses the operator {node.op_type!r}, which version {opset} of ONNX does not have."
        raise ModelError(what, hint=_HINT) from error
    is_whole = schema.min_input <= len(node.input) <= schema.max_input and all(node.input[: schema.min_input])
    if not is_whole or not schema.min_output <= len(node.output) <= schema.max_output or not node.output[0]:
        what = f"The model file is damaged: an operator {node.op_type!r} lacks inputs or outputs."
        raise ModelError(what, hint=_HINT)


def tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    """All arrays that a graph stores, those in its operators included."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def is_external(tensor: TensorProto) -> bool:
    """Whether an array is kept in another file."""
    return tensor.data_location == TensorProto.EXTERNAL or bool(tensor.external_data)


def declared_bytes(tensor: TensorProto) -> int:
    """How many bytes an array takes, as its axes and its element type state.

    Raises:
        ModelError: they cannot be those of numbers.
    """
    if tensor.data_type not in _TYPED:
        raise ModelError(f"The array {tensor.name[:80]!r} in the model is not of plain numbers.", hint=_HINT)
    if len(tensor.dims) > MAX_RANK or min(tensor.dims, default=0) < 0:
        raise ModelError(f"The array {tensor.name[:80]!r} in the model has impossible axes.", hint=_HINT)
    count: int = math.prod(tensor.dims)
    return count * _TYPED[tensor.data_type][1]


def _check_tensor(tensor: TensorProto) -> None:
    """Refuse an array that is not all there: shape inference believes its axes, whatever was stored."""
    if is_external(tensor):
        raise ModelError("The model keeps its weights in other files, which could be any file of yours.", hint=_HINT)
    declared = declared_bytes(tensor)
    typed, size = _TYPED[tensor.data_type]
    stored = len(tensor.raw_data) if tensor.HasField("raw_data") else len(getattr(tensor, typed)) * size
    if stored != declared or tensor.HasField("segment"):
        what = f"The model file is damaged: the array {tensor.name[:80]!r} does not hold the numbers that it states."
        raise ModelError(what, hint="Download or copy it again.")


def _tensor_spec(info: ValueInfoProto) -> TensorSpec:
    tensor = info.type.tensor_type
    axes = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in tensor.shape.dim)
    return TensorSpec(info.name, tensor.elem_type, axes)


def _expect(specs: Iterable[TensorSpec], wanted: TensorSpec, role: str) -> None:
    """Refuse unless a port has the wanted name and type, and axes that agree wherever `wanted` states one."""
    found = next((port for port in specs if port.name == wanted.name), None)
    if found is None:
        raise ModelError(f"The model has no {role} called {wanted.name!r}.", hint=_HINT)
    fits = len(found.axes) == len(wanted.axes) and all(
        theirs == ours for theirs, ours in zip(found.axes, wanted.axes, strict=True) if ours is not None
    )
    open_batch = bool(found.axes) and found.axes[0] is None
    if found.element_type != wanted.element_type or not fits or not open_batch:
        raise ModelError(f"The model's {role} {wanted.name!r} does not have the shape its card promises.", hint=_HINT)
