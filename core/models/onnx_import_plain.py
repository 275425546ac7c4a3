"""Simplification of a classifier's graph: only nodes that lead to the output, for any batch size.

Other nodes are dropped, whatever their operators. `Dropout` is removed, because it does nothing in inference; operators
that compute shapes (`Shape`, `Gather`, ...) are replaced by their results. Arrays repeated for each image, such as a
ViT's class token, are added to one zero per image instead. The outputs are later compared on the golden inputs.
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

_OLDEST_OPSET: Final = 7
_PLAIN_OPSET: Final = 9
OPEN_SINCE: Final = 4
_USUAL_SIDE: Final = 224
_OPEN_BATCH: Final = mark("Export it with a dynamic batch size (dynamic_axes in PyTorch).")
_HINT: Final = mark("Export it again as a plain classifier with one image as input and one number per class as output.")


def cut(model: onnx.ModelProto, outputs: Iterable[str]) -> None:
    """Keep only what leads to some outputs; stored arrays are removed from the inputs, as in IR versions before 4."""
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
    """The nodes that lead to some arrays, in order."""
    kept = []
    for node in reversed(own.node):
        if wanted.intersection(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def check_opset(model: onnx.ModelProto) -> None:
    """Refuse old opsets, in which operators had other semantics.

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
    """Fold operators that a backbone must not have; `model` was checked by `graph.check` and is changed.

    Args:
        model: the result of `cut`.
        output: the name of its output.
        side: the input size; None if dynamic and not known yet.
        is_old: whether its IR version is below 4: exporters of that time always declared the batch size 1 that they
            had traced with, so it is ignored.

    Returns:
        The inferred shapes for `MAX_BATCH` images; None if they depend on the side.

    Raises:
        ModelError: its batch size is fixed to one image, or it needs too much memory or time.
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
    """Remove all but some messages of a field, without copying the others."""
    stays = {id(part) for part in kept}
    for place in reversed(range(len(parts))):
        if id(parts[place]) not in stays:
            del parts[place]


def _drop_dropout(model: onnx.ModelProto) -> None:
    """Bypass `Dropout`; if its mask is used or it is in training mode, it stays and is refused later."""
    read = {name for node in model.graph.node for name in node.input}
    for node in model.graph.node:
        if node.op_type == "Dropout" and not read.intersection(node.output[1:]) and not _is_random(node, model):
            node.op_type = "Identity"
            del node.input[1:], node.output[1:], node.attribute[:]


def _is_random(node: onnx.NodeProto, model: onnx.ModelProto) -> bool:
    """Whether a `Dropout` is or may be in training mode: since opset 12 its third input."""
    if not any(node.input[2:]):
        return False
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    stored |= {one.output[0]: one.attribute[0].t for one in model.graph.node if one.op_type == "Constant"}
    mode = stored.get(node.input[2])
    return mode is None or bool(numpy_helper.to_array(mode).any())


def _upgrade_opset(model: onnx.ModelProto) -> None:
    """Convert opset 7 or 8 to 9, which only extends the operators used here; see ONNX's Changelog.md."""
    if opset_of(model) >= _PLAIN_OPSET:
        return
    for node in model.graph.node:
        if node.op_type == "BatchNormalization":
            _keep(node.attribute, [one for one in node.attribute if one.name != "spatial" or one.i != 1])
    model.opset_import[0].version = _PLAIN_OPSET


def _open_batch(model: onnx.ModelProto, *, is_old: bool) -> None:
    """Make the batch size dynamic.

    Raises:
        ModelError: it is fixed to more than one image.
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
    """Replace operators that compute shapes by their results; return whether there were any.

    Raises:
        ModelError: an array depends on the batch size in a way that cannot be expressed.
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
                lengths[0] = 0  # the batch size
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
    """The axes of an array; -1 for those that depend on the batch size."""
    pairs = zip(inferred.shapes[name], fewer.shapes[name], strict=True)
    return [one if one == other else -1 for one, other in pairs]


def _store_values(model: onnx.ModelProto, inferred: Inferred, fewer: Inferred) -> None:
    """Store results that do not depend on the batch size, and remove their operators."""
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
    """Replace a node by an array repeated to some lengths, of which the first may be the batch size.

    Raises:
        ModelError: another length depends on the batch size.
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
    """Nodes that make a zero for each image, [n, 1, ...]: its pixels times zero."""
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
    """The fill value of a `ConstantOfShape`, [1]."""
    given = attributes_of(node).get("value")
    return np.zeros(1, np.float32) if given is None else numpy_helper.to_array(given)


def _reshape_to(model: onnx.ModelProto, place: int, lengths: list[int]) -> None:
    name = f"fovea/shape{place}"
    _store(model, name, np.array(lengths, np.int64))
    model.graph.node[place].input[1] = name


def _store(model: onnx.ModelProto, name: str, array: NDArray[Any]) -> None:
    model.graph.initializer.append(numpy_helper.from_array(array, name))
