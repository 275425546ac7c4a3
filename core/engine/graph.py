"""Validation of ONNX files before a session opens them.

With a malicious file a session could read other files (external data), load native code (custom operators) or exhaust
the memory. So the file is parsed first, and anything outside a list of plain operators is refused. See the ONNX
project's ExternalDataSecurity notes and ONNX Runtime's advice on untrusted models.
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

from core.base.errors import FoveaError, ModelError, UnreadableModelError
from core.base.i18n import mark, tr
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
        "HardSwish", "Identity", "InstanceNormalization", "LRN", "LayerNormalization", "LeakyRelu", "Log", "LogSoftmax",
        "MatMul", "Max", "MaxPool", "Min", "Mish", "Mul", "Neg", "PRelu", "Pad", "Pow", "QuantizeLinear", "Reciprocal",
        "ReduceL2", "ReduceMax", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Selu", "Sigmoid", "Slice", "Softmax",
        "Softplus", "Softsign", "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Swish", "Tanh", "Transpose",
        "Unsqueeze",
    ]
)
# fmt: on
"""Pure functions of their inputs, whose output sizes follow from the input shapes."""
FOLDED: Final = frozenset({"Dropout", "Equal", "Shape", "Where"})
"""Additional operators that are allowed in files of other programs, because an import folds them."""
MAX_BYTES: Final = 1024**3
_MAX_NODES: Final = 8_000
_MAX_PARTS: Final = 100_000
"""Descriptions, arrays and other entries besides the operators."""
# fmt: off
_TYPED: Final[dict[int, tuple[str, int]]] = {
    TensorProto.FLOAT: ("float_data", 4), TensorProto.DOUBLE: ("double_data", 8), TensorProto.INT64: ("int64_data", 8),
    TensorProto.UINT64: ("uint64_data", 8), TensorProto.UINT32: ("uint64_data", 4),
    TensorProto.INT32: ("int32_data", 4), TensorProto.INT16: ("int32_data", 2), TensorProto.INT8: ("int32_data", 1),
    TensorProto.UINT16: ("int32_data", 2), TensorProto.UINT8: ("int32_data", 1), TensorProto.BOOL: ("int32_data", 1),
    TensorProto.FLOAT16: ("int32_data", 2), TensorProto.BFLOAT16: ("int32_data", 2),
}
# fmt: on
"""Allowed element types: the field that stores them if they are not raw, and the bytes per raw element."""
_HINT: Final = mark("Fovea supports only plain image classifiers. Export the model again, or use another one.")


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output: its name, element type and axes (None for a dynamic axis)."""

    name: str
    element_type: int
    axes: tuple[int | None, ...]


@contextlib.contextmanager
def only_model_errors() -> Iterator[None]:
    """Convert exceptions about untrusted files: protobuf, NumPy and ONNX raise dozens of kinds for damaged content."""
    try:
        yield
    except FoveaError:
        raise
    except MemoryError as error:
        what = tr("Not enough memory to open the model.")
        raise ModelError(what, hint=tr("Close other programs and try again.")) from error
    except Exception as error:
        what = tr("The model file is damaged ({reason}).", reason=type(error).__name__)
        raise ModelError(what, hint=tr("Download or copy it again, or export the model again.")) from error


@only_model_errors()
def parse(data: bytes) -> onnx.ModelProto:
    """Parse an ONNX file and check that it is self-contained and safe.

    Raises:
        ModelError: the file is damaged, too large, refers to other files, or uses operators that are not allowed.
    """
    model = decode(data)
    check(model)
    return model


@only_model_errors()
def decode(data: bytes) -> onnx.ModelProto:
    """Parse an ONNX file; its content must still be checked by `check`.

    Raises:
        UnreadableModelError: the file is damaged, too large, or contains text that is not UTF-8.
    """
    if not data:
        raise UnreadableModelError(tr("The model file is empty."), hint=tr("Download or copy it again."))
    if len(data) > MAX_BYTES:
        what = tr("The model file has {count:,} bytes; up to {limit:,} are allowed.", count=len(data), limit=MAX_BYTES)
        raise UnreadableModelError(what, hint=tr(_HINT))
    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise UnreadableModelError(tr("The model file is damaged or is not an ONNX file."), hint=tr(_HINT)) from error
    graph = model.graph
    if not graph.node or len(graph.node) > _MAX_NODES:
        what = tr(
            "The model has {count:,} operators; 1 to {limit:,} are allowed.", count=len(graph.node), limit=_MAX_NODES
        )
        raise UnreadableModelError(what, hint=tr(_HINT))
    if (
        sum(map(len, (graph.initializer, graph.value_info, graph.input, graph.output, model.metadata_props)))
        > _MAX_PARTS
    ):
        raise UnreadableModelError(tr("The model has more than {limit:,} parts.", limit=_MAX_PARTS), hint=tr(_HINT))
    if not all(isinstance(text, str) for text in _texts(model)):
        raise UnreadableModelError(tr("The model file is damaged: a name is not valid text."), hint=tr(_HINT))
    return model


def _texts(message: Message) -> Iterator[str | bytes]:
    """Yield all strings in a message; protobuf gives bytes for those that are not UTF-8."""
    for field, value in message.ListFields():
        many = value if field.is_repeated else (value,)
        if field.type == FieldDescriptor.TYPE_STRING:
            yield from many
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in many:
                yield from _texts(inner)


@only_model_errors()
def check_backbone(data: bytes, card: BackboneCard, *, is_installed: bool = False) -> None:
    """Refuse a backbone file that is unsafe or does not match its card.

    Args:
        data: the file.
        card: its card.
        is_installed: whether it is already in the library: backbones imported before there were limits for a batch
            may still use the limits for one image.

    Raises:
        ModelError: see `parse`; or the names, types or shapes of inputs and outputs differ from the card; or its
            inner arrays would need too much memory.
    """
    model = parse(data)
    size, width = card.preprocessing.size, card.feature_width
    _expect(inputs(model), TensorSpec(INPUT, TensorProto.UINT8, (None, size, size, 3)), tr("input"))
    _expect(outputs(model), TensorSpec(FEATURES, TensorProto.FLOAT, (None, width)), tr("output"))
    depth = None if card.parts else width
    for name in feature_maps(card):
        axes = (None, None, None, depth) if card.feature_map_layout == "nhwc" else (None, depth, None, None)
        _expect(outputs(model), TensorSpec(name, TensorProto.FLOAT, axes), tr("output"))
    if len(inputs(model)) != 1:
        what = tr("The model has {count:,} inputs; a backbone has one.", count=len(inputs(model)))
        raise ModelError(what, hint=tr(_HINT))
    _check_inside(model, card, times=MAX_BATCH if is_installed else 1)


def feature_maps(card: BackboneCard) -> tuple[str, ...]:
    """The names of the feature maps: one, or one for each part of a composed backbone."""
    return (FEATURE_MAP, *(f"{FEATURE_MAP}_{number}" for number in range(2, len(card.parts) + 1)))


def _check_inside(model: onnx.ModelProto, card: BackboneCard, *, times: int) -> None:
    """Refuse a graph that exceeds the limits, or whose outputs do not have the declared shapes."""
    inferred, maps = infer(model, MAX_BATCH), feature_maps(card)
    check_limits(model, inferred, times=times)
    features, shapes = inferred.shapes.get(FEATURES, ()), [inferred.shapes.get(name, ()) for name in maps]
    channels = -1 if card.feature_map_layout == "nhwc" else 1
    depth = sum(shape[channels] for shape in shapes if len(shape) == 4)
    are_real = all(inferred.kinds.get(name) == TensorProto.FLOAT for name in (FEATURES, *maps))
    if features != (MAX_BATCH, card.feature_width) or depth != card.feature_width or not are_real:
        what = tr(
            "The outputs of the model do not match its card: for {count} images, their shapes are {features} and "
            "{feature_map}.",
            count=MAX_BATCH,
            features=features,
            feature_map=", ".join(map(str, shapes)),
        )
        raise ModelError(what, hint=tr(_HINT))


def inputs(model: onnx.ModelProto) -> tuple[TensorSpec, ...]:
    """The inputs of the graph, without initializers that are also listed as inputs."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return tuple(_tensor_spec(info) for info in model.graph.input if info.name not in stored)


def outputs(model: onnx.ModelProto) -> tuple[TensorSpec, ...]:
    """The outputs of the graph."""
    return tuple(_tensor_spec(info) for info in model.graph.output)


@only_model_errors()
def check(model: onnx.ModelProto, allowed: Collection[str] = ALLOWED_OPERATORS) -> None:
    """Refuse a decoded file that is not self-contained, or does more than plain operators.

    Raises:
        ModelError: the file is refused.
    """
    graph, opset = model.graph, opset_of(model)
    if model.functions or model.training_info:
        raise ModelError(tr("The model contains its own functions or training code."), hint=tr(_HINT))
    if not opset:
        raise ModelError(tr("The model does not state its ONNX version."), hint=tr(_HINT))
    if graph.sparse_initializer:
        raise ModelError(tr("The model has sparse weights, which are not supported."), hint=tr(_HINT))
    for node in graph.node:
        check_node(node, opset, allowed)
    for tensor in tensors(graph):
        check_tensor(tensor)


def use_plain_domain(model: onnx.ModelProto) -> None:
    """Normalize the domain of standard operators: `ai.onnx` is the same as the usual empty name."""
    for part in (*model.graph.node, *model.opset_import):
        if part.domain == "ai.onnx":
            part.domain = ""


def check_node(node: onnx.NodeProto, opset: int, allowed: Collection[str]) -> None:
    """Refuse an operator that is not allowed or unknown in this opset, has a graph inside, or lacks inputs or outputs.

    Raises:
        ModelError: it is refused.
    """
    if node.domain or node.op_type not in allowed:
        name = f"{node.domain}.{node.op_type}".strip(".")[:80]
        raise ModelError(tr("The model uses the unsupported operator {name!r}.", name=name), hint=tr(_HINT))
    if any(a.HasField("g") or a.graphs or a.HasField("sparse_tensor") or a.sparse_tensors for a in node.attribute):
        raise ModelError(tr("The model has graphs or sparse weights inside an operator."), hint=tr(_HINT))
    try:
        schema = defs.get_schema(node.op_type, opset, "")
    except defs.SchemaError as error:
        what = tr(
            "The model uses the operator {name!r}, which does not exist in ONNX opset {version}.",
            name=node.op_type,
            version=opset,
        )
        raise ModelError(what, hint=tr(_HINT)) from error
    is_whole = schema.min_input <= len(node.input) <= schema.max_input and all(node.input[: schema.min_input])
    if not is_whole or not schema.min_output <= len(node.output) <= schema.max_output or not node.output[0]:
        what = tr("The model file is damaged: an operator {name!r} lacks inputs or outputs.", name=node.op_type)
        raise ModelError(what, hint=tr(_HINT))


def tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    """Yield all arrays stored in a graph, including those in its operators."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def is_external(tensor: TensorProto) -> bool:
    """Whether an array is stored in another file."""
    return tensor.data_location == TensorProto.EXTERNAL or bool(tensor.external_data)


def declared_bytes(tensor: TensorProto) -> int:
    """The size of an array in bytes, according to its axes and element type.

    Raises:
        ModelError: they are invalid for numbers.
    """
    if tensor.data_type not in _TYPED:
        what = tr("The array {name!r} in the model does not contain plain numbers.", name=tensor.name[:80])
        raise ModelError(what, hint=tr(_HINT))
    if len(tensor.dims) > MAX_RANK or min(tensor.dims, default=0) < 0:
        what = tr("The array {name!r} in the model has an invalid shape.", name=tensor.name[:80])
        raise ModelError(what, hint=tr(_HINT))
    count: int = math.prod(tensor.dims)
    return count * _TYPED[tensor.data_type][1]


def check_tensor(tensor: TensorProto) -> None:
    """Refuse an array that is incomplete or in another file: shape inference trusts its axes, whatever is stored.

    Raises:
        ModelError: it is refused.
    """
    if is_external(tensor):
        what = tr("The model stores its weights in other files, which is not allowed for safety.")
        raise ModelError(what, hint=tr(_HINT))
    declared = declared_bytes(tensor)
    typed, size = _TYPED[tensor.data_type]
    stored = len(tensor.raw_data) if tensor.HasField("raw_data") else len(getattr(tensor, typed)) * size
    if stored != declared or tensor.HasField("segment"):
        what = tr("The model file is damaged: the array {name!r} is incomplete.", name=tensor.name[:80])
        raise ModelError(what, hint=tr("Download or copy it again."))


def _tensor_spec(info: ValueInfoProto) -> TensorSpec:
    tensor = info.type.tensor_type
    axes = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in tensor.shape.dim)
    return TensorSpec(info.name, tensor.elem_type, axes)


def _expect(specs: Iterable[TensorSpec], wanted: TensorSpec, role: str) -> None:
    """Refuse unless an input or output has the expected name and type, and axes that match where they are fixed."""
    found = next((port for port in specs if port.name == wanted.name), None)
    if found is None:
        what = tr("The model has no {role} named {name!r}.", role=role, name=wanted.name)
        raise ModelError(what, hint=tr(_HINT))
    fits = len(found.axes) == len(wanted.axes) and all(
        theirs == ours for theirs, ours in zip(found.axes, wanted.axes, strict=True) if ours is not None
    )
    open_batch = bool(found.axes) and found.axes[0] is None
    if found.element_type != wanted.element_type or not fits or not open_batch:
        what = tr("The shape of the model's {role} {name!r} does not match its card.", role=role, name=wanted.name)
        raise ModelError(what, hint=tr(_HINT))
