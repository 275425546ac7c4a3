"""A classifier of another program, made as plain as a backbone is: only what leads to its answer, for any batch.

What is cut off is never looked at again, whatever operators it has. `Dropout` does nothing when a network answers;
operators that compute shapes (`ColumnSet`, `Gather`, ...) are replaced by the shapes that they come to. What is
repeated for each image, as a ViT's class token is, is added to one zero for each instead. That the plain graph says
what the file said is proven later, on the golden inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.engine.limits import MAX_BATCH, check_limits
from core.engine.shapes import Inferred, attributes_of, infer, opset_of

FOLDED: Final = frozenset({"Dropout", "Equal", "Shape", "Where"})
"""Operators that a file may have beyond those of a backbone, for they are folded away."""

_OLDEST_OPSET: Final = 7
_PLAIN_OPSET: Final = 9
OPEN_SINCE: Final = 4
_USUAL_SIDE: Final = 224
_OPEN_BATCH: Final = mark("Export it with a dynamic batch size (dynamic_axes in PyTorch).")
_HINT: Final = mark("Export it again as a plain classifier with one image as input and one number per class as output.")


def cut(model: onnx.ModelProto, outputs: Iterable[str]) -> None:
    """Keep only what leads to some outputs; arrays that are stored are no inputs, as in IR versions before 4."""
    content = model.graph
    wanted = set(outputs)
    model.ir_version = max(model.ir_version, OPEN_SINCE)
    ends = [info for info in content.output if info.name in wanted]
    nodes = required_nodes(content, set(wanted))
    wanted.update(name for node in nodes for name in node.input)
    tensors = [tensor for tensor in content.initializer if tensor.name in wanted]
    wanted -= {tensor.name for tensor in tensors}
    inputs = [info for info in content.input if info.name in wanted]
    for parts, kept in (
        (content.node, nodes), (content.initializer, tensors), (content.input, inputs), (content.output, ends),
    ):  # fmt: skip
        _keep(parts, kept)
    del content.value_info[:], content.quantization_annotation[:]
    opset = opset_of(model)
    del model.opset_import[:], model.metadata_props[:]
    model.opset_import.add(domain="", version=opset)


def required_nodes(own: onnx.GraphProto, wanted: set[str]) -> list[onnx.NodeProto]:
    """The nodes that lead to some arrays, in their order."""
    kept = []
    for node in reversed(own.node):
        if wanted.intersection(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def check_opset(model: onnx.ModelProto) -> None:
    """Refuse operators of a time when they meant something else.

    Raises:
        ModelError: the file is too old.
    """
    opset = opset_of(model)
    if opset < _OLDEST_OPSET:
        what = tr(
            "The file uses ONNX opset {version}. Fovea needs {oldest} or newer.", version=opset, oldest=_OLDEST_OPSET
        )
        hint = tr("Export it again with a newer opset, such as opset_version=17 in PyTorch and tf2onnx.")
        raise ModelError(what, hint=hint)


def normalize_model(model: onnx.ModelProto, output: str, side: int | None, *, is_old: bool) -> Inferred | None:
    """Fold away what a backbone must not have; `model` has passed `graph.check` and is changed.

    Args:
        model: what `cut` left.
        output: the name of its answer.
        side: of the square that it reads; None where it is open and not known yet.
        is_old: whether it is of an IR version before 4: exporters of that time could only state the one image that they
            had traced with, so that a 1 there means nothing.

    Returns:
        What is known of its arrays for `MAX_BATCH` images; None where that depends on the side.

    Raises:
        ModelError: it takes one image at a time only, or too much memory or time.
    """
    _drop_dropout(model)
    _upgrade_opset(model)
    _open_batch(model, is_old=is_old)
    inferred = _follow(model, side)
    if inferred is None:
        return None
    check_limits(model, inferred)
    if inferred.shapes[output][:1] != (MAX_BATCH,):
        raise _fixed_batch_error()
    if _fold_shapes(model, inferred, side):
        cut(model, [output])
        inferred = infer(model, MAX_BATCH, side=side or _USUAL_SIDE)
    return inferred


def _keep(parts: MutableSequence[Any], kept: list[Any]) -> None:
    """Remove all but some of the messages in a field, without copying those that stay."""
    stays = {id(part) for part in kept}
    for place in reversed(range(len(parts))):
        if id(parts[place]) not in stays:
            del parts[place]


def _drop_dropout(model: onnx.ModelProto) -> None:
    """Have `Dropout` hand on what it reads; where its mask is read or it draws numbers, it stays and is refused."""
    read = {name for node in model.graph.node for name in node.input}
    for node in model.graph.node:
        if node.op_type == "Dropout" and not read.intersection(node.output[1:]) and not _is_random(node, model):
            node.op_type = "Identity"
            del node.input[1:], node.output[1:], node.attribute[:]


def _is_random(node: onnx.NodeProto, model: onnx.ModelProto) -> bool:
    """Whether a `Dropout` is, or may be, in its training mode: since opset 12 its third input."""
    if not any(node.input[2:]):
        return False
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    stored |= {one.output[0]: one.attribute[0].t for one in model.graph.node if one.op_type == "Constant"}
    mode = stored.get(node.input[2])
    return mode is None or bool(numpy_helper.to_array(mode).any())


def _upgrade_opset(model: onnx.ModelProto) -> None:
    """From opset 7 to 9: of the operators here, those versions only allow more; see ONNX's Changelog.md."""
    if opset_of(model) >= _PLAIN_OPSET:
        return
    for node in model.graph.node:
        if node.op_type == "BatchNormalization":
            _keep(node.attribute, [one for one in node.attribute if one.name != "spatial" or one.i != 1])
    model.opset_import[0].version = _PLAIN_OPSET


def _open_batch(model: onnx.ModelProto, *, is_old: bool) -> None:
    """Have the file take any number of images.

    Raises:
        ModelError: it states that it takes a fixed number.
    """
    (info,) = model.graph.input
    axis = info.type.tensor_type.shape.dim[0]
    if axis.HasField("dim_value") and axis.dim_value not in (-1, 1):
        what = tr("The batch size of the model is fixed to {size}.", size=axis.dim_value)
        raise ModelError(what, hint=tr(_OPEN_BATCH))
    axis.dim_param = "n"
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for place, node in enumerate(model.graph.node):
        if is_old and node.op_type == "Reshape" and node.input[1] in stored:
            lengths = numpy_helper.to_array(stored[node.input[1]]).tolist()
            if lengths[:1] == [1]:
                _reshape_to(model, place, [0 if -1 in lengths else -1, *lengths[1:]])


def _follow(model: onnx.ModelProto, side: int | None) -> Inferred | None:
    guess = side or _USUAL_SIDE
    try:
        return infer(model, MAX_BATCH, side=guess)
    except ModelError:
        try:
            infer(model, 1, side=guess)
        except ModelError:
            if side is None:
                return None
        else:
            raise _fixed_batch_error() from None
        raise


def _fixed_batch_error() -> ModelError:
    return ModelError(tr("The batch size of the model is fixed to one image."), hint=tr(_OPEN_BATCH))


def _fold_shapes(model: onnx.ModelProto, inferred: Inferred, side: int | None) -> bool:
    """Write down what the operators that compute shapes come to; whether there were any.

    Raises:
        ModelError: an array depends on how many images there are in a way that cannot be written down.
    """
    own = model.graph
    if not any(node.op_type != "Constant" and inferred.values.keys() & set(node.output) for node in own.node):
        return False
    fewer = infer(model, MAX_BATCH - 1, side=side or _USUAL_SIDE)
    _store_values(model, inferred, fewer)
    stored = {tensor.name for tensor in own.initializer}
    stored |= {node.output[0] for node in own.node if node.op_type == "Constant"}
    for place, node in reversed(list(enumerate(own.node))):
        lengths = _lengths(node.output[0], inferred, fewer)
        if node.op_type == "Reshape" and node.input[1] not in stored:
            if lengths.count(-1) > 1 and inferred.shapes[node.input[0]][0] == inferred.shapes[node.output[0]][0]:
                lengths[0] = 0  # as many as were given
            if lengths.count(-1) > 1:
                raise _fixed_batch_error()
            _reshape_to(model, place, lengths)
        elif node.op_type == "ConstantOfShape" and node.input[0] not in stored:
            _store(model, f"fovea/value{place}", _value(node).reshape([1] * len(lengths)))
            _repeat(model, place, f"fovea/value{place}", lengths, inferred)
        elif node.op_type == "Expand" and node.input[1] not in stored:
            _repeat(model, place, node.input[0], lengths, inferred)
    return True


def _lengths(name: str, inferred: Inferred, fewer: Inferred) -> list[int]:
    """The axes of an array; -1 for those that depend on how many images there are."""
    pairs = zip(inferred.shapes[name], fewer.shapes[name], strict=True)
    return [one if one == other else -1 for one, other in pairs]


def _store_values(model: onnx.ModelProto, inferred: Inferred, fewer: Inferred) -> None:
    """Store what operators make for any number of images alike, and drop the operators."""
    kept = []
    for node in model.graph.node:
        name = node.output[0]
        known, other = inferred.values.get(name), fewer.values.get(name)
        is_same = known is not None and other is not None and np.array_equal(known, other)
        if known is None or not is_same or node.op_type == "Constant" or len(node.output) > 1:
            kept.append(node)
        else:
            _store(model, name, known.astype(helper.tensor_dtype_to_np_dtype(inferred.kinds[name])))
    _keep(model.graph.node, kept)


def _repeat(model: onnx.ModelProto, place: int, name: str, lengths: list[int], inferred: Inferred) -> None:
    """Have a node give an array that is repeated to some lengths, of which the first may be that of the images.

    Raises:
        ModelError: another one depends on how many images there are.
    """
    node = model.graph.node[place]
    result, kind = node.output[0], inferred.kinds[node.output[0]]
    if -1 in lengths[1:] or inferred.shapes[result][:1] != (MAX_BATCH,) or kind == TensorProto.BOOL:
        raise _fixed_batch_error()
    _store(model, f"fovea/shape{place}", np.array([1, *lengths[1:]], np.int64))
    expand = helper.make_node("Expand", [name, f"fovea/shape{place}"], [f"fovea/one{place}"])
    zeros = _zeros(model, place, len(lengths), kind, inferred)
    node.CopyFrom(helper.make_node("Add", [f"fovea/one{place}", f"fovea/zeros{place}"], [result], name=node.name))
    for new in (*reversed(zeros), expand):
        model.graph.node.insert(place, new)


def _zeros(model: onnx.ModelProto, place: int, rank: int, kind: int, inferred: Inferred) -> list[onnx.NodeProto]:
    """Nodes that make a zero for each image, [n, 1, ...]: its pixels times nothing."""
    source = model.graph.input[0].name
    real, maximum, flat, none, zeros = (f"fovea/{what}{place}" for what in ("real", "most", "flat", "none", "zeros"))
    _store(model, f"{none}/by", np.zeros((inferred.shapes[source][1], 1), np.float32))
    _store(model, f"{none}/axes", np.array([-1, *[1] * (rank - 1)], np.int64))
    return [
        helper.make_node("Cast", [source], [real], to=TensorProto.FLOAT),
        helper.make_node("GlobalMaxPool", [real], [maximum]),
        helper.make_node("Flatten", [maximum], [flat]),
        helper.make_node("MatMul", [flat, f"{none}/by"], [none]),
        helper.make_node("Reshape", [none, f"{none}/axes"], [f"{none}/long"]),
        helper.make_node("Cast", [f"{none}/long"], [zeros], to=kind),
    ]


def _value(node: onnx.NodeProto) -> NDArray[Any]:
    """What a `ConstantOfShape` fills its array with, [1]."""
    given = attributes_of(node).get("value")
    return np.zeros(1, np.float32) if given is None else numpy_helper.to_array(given)


def _reshape_to(model: onnx.ModelProto, place: int, lengths: list[int]) -> None:
    name = f"fovea/shape{place}"
    _store(model, name, np.array(lengths, np.int64))
    model.graph.node[place].input[1] = name


def _store(model: onnx.ModelProto, name: str, array: NDArray[Any]) -> None:
    model.graph.initializer.append(numpy_helper.from_array(array, name))
