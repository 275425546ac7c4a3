"""Shape inference for all arrays inside an ONNX graph for a batch of images, without opening a session.

ONNX's own inference over a whole graph is not safe for malicious files: with data propagation, a few `Concat` nodes
make lists that fill the memory, and a chain of `Unsqueeze` makes ranks in the thousands. So operators are processed one
by one, in the order of the file, and the first array of invalid rank or unknown size is an error.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, TypeProto, defs, helper, numpy_helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = Mapping[str, Shape]
"""By name."""

MAX_RANK: Final = 8
_MAX_VALUES: Final = 64
"""Maximum number of integers in an array that can affect shapes (axes, pads, lengths); larger ones are weights."""
_WHOLE: Final = (TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL)
_HINT: Final = mark("Export the model again with static shapes, or use another one.")


@dataclass(frozen=True, slots=True, eq=False)
class Inferred:
    """What is known about the arrays of a graph, by name.

    Attributes:
        shapes: the shapes of all arrays.
        kinds: their element types, as in `onnx.TensorProto`.
        values: the content of small integer and boolean arrays, if it follows from the file and the shapes alone.
    """

    shapes: dict[str, Shape]
    kinds: dict[str, int]
    values: dict[str, NDArray[np.int64]]


def infer_shapes(model: onnx.ModelProto) -> Shapes:
    """Shapes of all arrays for batch size 1.

    Raises:
        ModelError: see `infer`.
    """
    return infer(model).shapes


def infer(model: onnx.ModelProto, batch: int = 1, *, side: int | None = None) -> Inferred:
    """Infer the shapes in a graph; inner shapes declared in the file are not trusted.

    Args:
        model: the graph, checked by `core.engine.graph.check`.
        batch: length of the first axis of every input.
        side: length of other dynamic axes of the inputs.

    Raises:
        ModelError: shapes are inconsistent or unknown.
    """
    found = Inferred({}, {}, {})
    for step in _steps(model, found, batch, side):
        step()
    return found


def infer_known(model: onnx.ModelProto, skipped: Collection[int], *, side: int) -> Inferred:
    """Infer as many shapes as possible for batch size 1; arrays whose shape is unknown are left out.

    Args:
        model: the graph; its stored arrays were checked by `core.engine.graph.check_tensor`.
        skipped: the places of operators whose shapes are not to be inferred.
        side: length of other dynamic axes of the inputs.
    """
    found = Inferred({}, {}, {})
    for step in _steps(model, found, 1, side, skipped):
        with contextlib.suppress(Exception):  # the boundary: NumPy and ONNX raise many kinds for inconsistent shapes
            step()
    return found


def _steps(
    model: onnx.ModelProto, found: Inferred, batch: int, side: int | None, skipped: Collection[int] = ()
) -> Iterator[Callable[[], None]]:
    """What adds to `found`, in order: the stored arrays, the inputs, and the operators."""
    for tensor in model.graph.initializer:
        yield partial(_note_stored, found, tensor)
    for info in model.graph.input:
        yield partial(_note_input, found, info, batch, side)
    opset = opset_of(model)
    for place, node in enumerate(model.graph.node):
        if place not in skipped:
            yield partial(_follow, node, found, opset, model.ir_version)


def opset_of(model: onnx.ModelProto) -> int:
    """The opset version of a graph; 0 if it is not stated."""
    return max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0)


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes by name."""
    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


def _note_stored(found: Inferred, tensor: TensorProto) -> None:
    _note(found, tensor.name, tensor.data_type, tuple(tensor.dims), minimum=0)
    _keep(found, tensor.name, tensor)


def _note_input(found: Inferred, info: onnx.ValueInfoProto, batch: int, side: int | None) -> None:
    if info.name not in found.shapes:
        axes = _input_axes(info, batch, side)
        _note(found, info.name, info.type.tensor_type.elem_type, axes)


def _input_axes(info: onnx.ValueInfoProto, batch: int, side: int | None) -> Shape:
    axes = [axis.dim_value for axis in info.type.tensor_type.shape.dim]
    if not axes:
        raise _unknown(info.name)
    rest = [axis if axis > 0 else side or 0 for axis in axes[1:]]
    return (batch, *rest)


def _note(found: Inferred, name: str, kind: int, shape: Shape, *, minimum: int = 1) -> None:
    if len(shape) > MAX_RANK or min(shape, default=1) < minimum:
        raise _unknown(name)
    if name in found.shapes:
        raise ModelError(tr("The model has two arrays named {name!r}.", name=name[:80]), hint=tr(_HINT))
    found.shapes[name], found.kinds[name] = shape, kind


def _keep(found: Inferred, name: str, tensor: TensorProto) -> None:
    if tensor.data_type in _WHOLE and math.prod(tensor.dims) <= _MAX_VALUES:
        found.values[name] = numpy_helper.to_array(tensor).astype(np.int64)


def _follow(node: onnx.NodeProto, found: Inferred, opset: int, ir_version: int) -> None:
    """Infer the outputs of one operator."""
    missing = [name for name in node.input if name and name not in found.shapes]
    if missing:
        what = tr("The model uses the array {name!r} before it is computed.", name=missing[0][:80])
        raise ModelError(what, hint=tr(_HINT))
    schema = defs.get_schema(node.op_type, opset, "")
    types = {name: helper.make_tensor_type_proto(found.kinds[name], found.shapes[name]) for name in node.input if name}
    data = {name: numpy_helper.from_array(_stored(found, name), name) for name in types if name in found.values}
    versions = [helper.make_opsetid("", opset)]
    try:
        result = onnx.shape_inference.infer_node_outputs(schema, node, types, data, None, versions, ir_version)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        raise ModelError(tr("The shapes inside the model are inconsistent."), hint=tr(_HINT)) from error
    for name in filter(None, node.output):
        tensor = result[name].tensor_type if name in result else TypeProto.Tensor()
        if not tensor.HasField("shape") or not all(axis.HasField("dim_value") for axis in tensor.shape.dim):
            raise _unknown(name)
        _note(found, name, tensor.elem_type, tuple(axis.dim_value for axis in tensor.shape.dim))
    _compute(node, found)


def _stored(found: Inferred, name: str) -> NDArray[Any]:
    return found.values[name].astype(helper.tensor_dtype_to_np_dtype(found.kinds[name]))


def _unknown(name: str) -> ModelError:
    return ModelError(tr("The shape of {name!r} inside the model is unknown.", name=name[:80]), hint=tr(_HINT))


def _compute(node: onnx.NodeProto, found: Inferred) -> None:
    """Compute the output of an operator from known values, if it can affect shapes."""
    name = node.output[0]
    if found.kinds[name] not in _WHOLE or math.prod(found.shapes[name]) > _MAX_VALUES:
        return
    if node.op_type == "Constant":
        value = np.asarray(_constant(node))
    elif node.op_type == "Shape":
        given = attributes_of(node)
        value = np.array(found.shapes[node.input[0]][given.get("start", 0) : given.get("end")], np.int64)
    elif node.op_type in _RULES and all(one in found.values or not one for one in node.input):
        with np.errstate(all="ignore"):
            value = _RULES[node.op_type](attributes_of(node), [found.values.get(one) for one in node.input])
    else:
        return
    if value.shape == found.shapes[name]:
        with np.errstate(invalid="ignore"):
            found.values[name] = value.astype(np.int64)


def _constant(node: onnx.NodeProto) -> Any:  # noqa: ANN401 - an array, a number or a list of numbers
    (value,) = attributes_of(node).values()
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


_Rule: TypeAlias = Callable[[Mapping[str, Any], list[Any]], NDArray[Any]]


def _squeezed(given: Mapping[str, Any], read: list[Any]) -> NDArray[Any]:
    axes = _axes(given, read)
    return np.asarray(np.squeeze(read[0], None if axes is None else tuple(axes)))


def _axes(given: Mapping[str, Any], read: list[Any]) -> Iterable[int] | None:
    """Axes as an attribute, or since opset 13 as an input."""
    if len(read) > 1 and read[1] is not None:
        return [int(axis) for axis in read[1].reshape(-1)]
    return given.get("axes")


def _sliced(given: Mapping[str, Any], read: list[Any]) -> NDArray[Any]:
    named = dict(zip(("starts", "ends", "axes", "steps"), read[1:], strict=False))
    parts = {key: given.get(key, []) if named.get(key) is None else named[key].tolist() for key in _SLICE}
    starts, ends = parts["starts"], parts["ends"]
    axes, steps = parts["axes"] or range(len(starts)), parts["steps"] or [1] * len(starts)
    where = [slice(None)] * read[0].ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        where[axis] = slice(start, end, step)
    return np.asarray(read[0][tuple(where)])


def _filled(given: Mapping[str, Any], read: list[Any]) -> NDArray[Any]:
    value = numpy_helper.to_array(given["value"]).reshape(-1)[0] if "value" in given else np.float32(0)
    return np.full(read[0].tolist(), value)


def _expanded(_: Mapping[str, Any], read: list[Any]) -> NDArray[Any]:
    return np.broadcast_to(read[0], np.broadcast_shapes(read[0].shape, tuple(read[1].tolist())))


def _reshaped(given: Mapping[str, Any], read: list[Any]) -> NDArray[Any]:
    keeps = not given.get("allowzero")
    lengths = [
        read[0].shape[place] if keeps and length == 0 else length for place, length in enumerate(read[1].tolist())
    ]
    return np.asarray(np.reshape(read[0], lengths))


_SLICE: Final = ("starts", "ends", "axes", "steps")
_RULES: Final[Mapping[str, _Rule]] = {
    "Add": lambda _, read: np.add(*read),
    "Cast": lambda _, read: read[0],
    "Concat": lambda given, read: np.concatenate(read, given["axis"]),
    "ConstantOfShape": _filled,
    "Div": lambda _, read: np.asarray(np.fix(np.divide(*read))),
    "Equal": lambda _, read: np.equal(*read),
    "Expand": _expanded,
    "Gather": lambda given, read: np.asarray(np.take(read[0], read[1], given.get("axis", 0))),
    "Identity": lambda _, read: read[0],
    "Mul": lambda _, read: np.multiply(*read),
    "Reshape": _reshaped,
    "Slice": _sliced,
    "Squeeze": _squeezed,
    "Sub": lambda _, read: np.subtract(*read),
    "Unsqueeze": lambda given, read: np.expand_dims(read[0], tuple(_axes(given, read) or ())),
    "Where": lambda _, read: np.asarray(np.where(read[0] != 0, read[1], read[2])),
}
"""Operators used to compute shapes, evaluated if all inputs are known."""
