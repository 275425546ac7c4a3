"""The beginning of Xception, which fine-tuning may leave as it is, cut out of its ONNX file for the engine to run.

Pure ONNX; nothing here needs TensorFlow.
"""

from __future__ import annotations

from typing import Final

import onnx
from onnx import TensorProto, helper

from core.base.errors import ModelError
from core.engine import graph
from core.engine.shapes import Shapes, infer_shapes
from core.trainer.float16_storage import BATCH

FROZEN_BASE: Final = "trunk"

_SHORTCUT: Final = ("Conv", (1024, 728, 1, 1))
_EXIT_FLOW: Final = (
    *(("Relu", ()), ("Conv", (728, 1, 3, 3)), ("Conv", (728, 728, 1, 1))),
    *(("Relu", ()), ("Conv", (728, 1, 3, 3)), ("Conv", (1024, 728, 1, 1)), ("MaxPool", ()), ("Add", ())),
    *(("Conv", (1024, 1, 3, 3)), ("Conv", (1536, 1024, 1, 1)), ("Relu", ())),
    *(("Conv", (1536, 1, 3, 3)), ("Conv", (2048, 1536, 1, 1)), ("Relu", ()), ("Transpose", ())),
)
"""Operators, and shapes of their kernels, from the trunk's output to the feature map: blocks 13 and 14, no shortcut."""
_HINT: Final = "Only Xception has a beginning that can be cut off; train the whole network instead."


def split_frozen_base(backbone: bytes) -> bytes:
    """Cut an Xception after block 12.

    Args:
        backbone: an ONNX file as `core.trainer.export` writes it.

    Returns:
        An ONNX file from the same `image` uint8 [n, size, size, 3] to `trunk` float32 [n, h, w, 728], 19 by 19 at 299
        pixels, as `core.trainer.xception.exit_flow` reads it. Weights are stored as they were.

    Raises:
        ModelError: the file is unsafe, damaged, or no Xception.
    """
    model = graph.parse(backbone)
    _check(model)
    shapes = infer_shapes(model)
    name = _end_of_block_12(model.graph, shapes)
    nodes = [*_needed_for(name, model.graph), helper.make_node("Transpose", [name], [FROZEN_BASE], perm=[0, 2, 3, 1])]
    read = {source for node in nodes for source in node.input}
    _, channels, height, width = shapes[name]
    base = helper.make_graph(
        nodes,
        FROZEN_BASE,
        [info for info in model.graph.input if info.name == graph.INPUT],
        [helper.make_tensor_value_info(FROZEN_BASE, TensorProto.FLOAT, [BATCH, height, width, channels])],
        [tensor for tensor in model.graph.initializer if tensor.name in read],
    )
    cut = helper.make_model(base, opset_imports=model.opset_import, ir_version=model.ir_version)
    _check(cut)
    return cut.SerializeToString(deterministic=True)


def _check(model: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelError("The backbone's graph contradicts itself.", hint=_HINT) from error


def _end_of_block_12(content: onnx.GraphProto, shapes: Shapes) -> str:
    """The name of what block 12 gives [n, 728, h, w], found by going back from the feature map.

    Raises:
        ModelError: what lies between is not the end of Xception.
    """
    makers = {name: node for node in content.node for name in node.output}
    name, shortcut = graph.FEATURE_MAP, ""
    for operator in reversed(_EXIT_FLOW):
        if _operator(makers.get(name), shapes) != operator:
            raise ModelError("The backbone does not end as Xception does.", hint=_HINT)
        name, *others = makers[name].input
        if operator[0] == "Add":
            (shortcut,) = others
    if _operator(makers.get(shortcut), shapes) != _SHORTCUT or makers[shortcut].input[0] != name:
        raise ModelError("The backbone has no shortcut where Xception's block 13 has one.", hint=_HINT)
    if name not in shapes:
        raise ModelError("The backbone leaves open how large its images are.", hint=_HINT)
    return name


def _operator(node: onnx.NodeProto | None, shapes: Shapes) -> tuple[str, tuple[int, ...]]:
    """A node's kind and its kernel's shape; empty where it has none."""
    if node is None:
        return "", ()
    return node.op_type, shapes.get(node.input[1], ()) if node.op_type == "Conv" else ()


def _needed_for(name: str, content: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that `name` depends on, in the graph's order."""
    wanted, kept = {name}, []
    for node in reversed(content.node):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]
