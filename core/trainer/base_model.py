"""Splitting off the base of Xception, which fine-tuning may freeze, as an ONNX file for the engine.

Pure ONNX; nothing here needs TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import onnx
from onnx import TensorProto, helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.engine import graph
from core.engine.shapes import Shape, Shapes, infer_shapes
from core.trainer.float16_storage import BATCH

FROZEN_BASE: Final = "trunk"

_SHORTCUT: Final = ("Conv", (1024, 728, 1, 1))
_EXIT_FLOW: Final = (
    *(("Relu", ()), ("Conv", (728, 1, 3, 3)), ("Conv", (728, 728, 1, 1))),
    *(("Relu", ()), ("Conv", (728, 1, 3, 3)), ("Conv", (1024, 728, 1, 1)), ("MaxPool", ()), ("Add", ())),
    *(("Conv", (1024, 1, 3, 3)), ("Conv", (1536, 1024, 1, 1)), ("Relu", ())),
    *(("Conv", (1536, 1, 3, 3)), ("Conv", (2048, 1536, 1, 1)), ("Relu", ()), ("Transpose", ())),
)
"""Operators and kernel shapes from the base's output to the feature map: blocks 13 and 14 without the shortcut."""
_HINT: Final = mark("Only Xception can be fine-tuned partially. Train the whole network instead.")


def split_frozen_base(backbone: bytes) -> bytes:
    """Split an Xception after block 12.

    Args:
        backbone: an ONNX file as `core.trainer.export` writes it.

    Returns:
        An ONNX file from the same `image` uint8 [n, size, size, 3] to `trunk` float32 [n, h, w, 728], 19 by 19 at 299
        pixels, the input of `core.trainer.xception.exit_flow`. The type of the stored weights is unchanged.

    Raises:
        ModelError: the file is unsafe, damaged, or not an Xception.
    """
    model = graph.parse(backbone)
    name, shape = _cut(model)
    return _base(model, name, shape)


def split_variant(backbone: bytes, variant: bytes) -> tuple[bytes, bytes]:
    """Split a variant of an Xception in 8 bits where `split_frozen_base` splits the backbone itself.

    Args:
        backbone: an ONNX file as `core.trainer.export` writes it.
        variant: the file of its variant, where the output of block 12 has the same name.

    Returns:
        The base, and the rest of the variant: an ONNX file from `trunk` to `features`.

    Raises:
        ModelError: a file is unsafe, damaged, or not an Xception; or they do not belong together.
    """
    name, shape = _cut(graph.parse(backbone))
    model = graph.parse(variant)
    if not any(name in node.output for node in model.graph.node):
        raise ModelError(tr("The variant does not belong to the backbone."), hint=tr(_HINT))
    return _base(model, name, shape), _rest(model, name, shape)


def _cut(model: onnx.ModelProto) -> tuple[str, Shape]:
    """The name and the shape [1, 728, h, w] of block 12's output."""
    _check(model)
    shapes = infer_shapes(model)
    name = _end_of_block_12(model.graph, shapes)
    return name, shapes[name]


def _base(model: onnx.ModelProto, name: str, shape: Shape) -> bytes:
    nodes = [*_needed_for(name, model.graph), helper.make_node("Transpose", [name], [FROZEN_BASE], perm=[0, 2, 3, 1])]
    inputs = [info for info in model.graph.input if info.name == graph.INPUT]
    return _part(model, nodes, inputs, _trunk(shape))


def _rest(model: onnx.ModelProto, name: str, shape: Shape) -> bytes:
    before = {output for node in _needed_for(name, model.graph) for output in node.output}
    after = [node for node in _needed_for(graph.FEATURES, model.graph) if not before.intersection(node.output)]
    nodes = [helper.make_node("Transpose", [FROZEN_BASE], [name], perm=[0, 3, 1, 2]), *after]
    (features,) = (info for info in model.graph.output if info.name == graph.FEATURES)
    return _part(model, nodes, [_trunk(shape)], features)


def _trunk(shape: Shape) -> onnx.ValueInfoProto:
    _, channels, height, width = shape
    return helper.make_tensor_value_info(FROZEN_BASE, TensorProto.FLOAT, [BATCH, height, width, channels])


def _part(
    model: onnx.ModelProto,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    output: onnx.ValueInfoProto,
) -> bytes:
    read = {source for node in nodes for source in node.input}
    arrays = [tensor for tensor in model.graph.initializer if tensor.name in read]
    content = helper.make_graph(nodes, FROZEN_BASE, inputs, [output], arrays)
    part = helper.make_model(content, opset_imports=model.opset_import, ir_version=model.ir_version)
    _check(part)
    return part.SerializeToString(deterministic=True)


def _check(model: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelError(tr("The graph of the backbone is invalid."), hint=tr(_HINT)) from error


def _end_of_block_12(content: onnx.GraphProto, shapes: Shapes) -> str:
    """The name of the output of block 12 [n, 728, h, w], found backwards from the feature map.

    Raises:
        ModelError: the operators in between are not the end of Xception.
    """
    producers = {name: node for node in content.node for name in node.output}
    name, shortcut = graph.FEATURE_MAP, ""
    for operator in reversed(_EXIT_FLOW):
        if _operator(producers.get(name), shapes) != operator:
            raise ModelError(tr("The end of the backbone differs from Xception's."), hint=tr(_HINT))
        name, *others = producers[name].input
        if operator[0] == "Add":
            (shortcut,) = others
    if _operator(producers.get(shortcut), shapes) != _SHORTCUT or producers[shortcut].input[0] != name:
        raise ModelError(tr("The backbone lacks the shortcut of Xception's block 13."), hint=tr(_HINT))
    if name not in shapes:
        raise ModelError(tr("The backbone has no fixed input size."), hint=tr(_HINT))
    return name


def _operator(node: onnx.NodeProto | None, shapes: Shapes) -> tuple[str, tuple[int, ...]]:
    """A node's type and its kernel's shape; empty if it has none."""
    if node is None:
        return "", ()
    return node.op_type, shapes.get(node.input[1], ()) if node.op_type == "Conv" else ()


def _needed_for(name: str, content: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that `name` depends on, in the graph's order."""
    needed, kept = {name}, []
    for node in reversed(content.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    return kept[::-1]
