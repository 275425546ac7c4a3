"""An ONNX classifier of another program, read as data: where its network ends and its last layer begins.

Nothing is run here. `core.engine.graph` has refused what could reach outside of the file before anything is looked at.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from core.engine import graph
from core.errors import ModelError
from core.library.heads import LinearHead

_COLOURS: Final = 3
_NAMES_KEYS: Final = ("names", "classes", "labels", "class_names")
_PASSED: Final = ("Identity", "Flatten", "Reshape", "Squeeze")
_HINT: Final = "Export it again as a plain classifier: one image in, one number for each class out."


@dataclass(frozen=True, slots=True, eq=False)
class ForeignGraph:
    """A classifier taken apart.

    Attributes:
        model: its graph.
        source: the name of its input.
        element: the input's element type.
        channels_last: whether the input is [n, h, w, 3] and not [n, 3, h, w].
        size: side of the square it reads; None where that is open.
        output: the name of what it gives.
        is_softmax: whether that are probabilities made by a Softmax over the logits.
        features: the name of what its last layer reads, or of the logits where that cannot be told.
        head: that layer; None where the logits themselves are taken for features.
        feature_map: the name of what the features are the mean of, and whether its channels are last; None where that
            cannot be told.
        classes: names the file has for what it gives; empty where it has none.
    """

    model: onnx.ModelProto
    source: str
    element: int
    channels_last: bool
    size: int | None
    output: str
    is_softmax: bool
    features: str
    head: LinearHead | None
    feature_map: tuple[str, bool] | None
    classes: tuple[str, ...]


def read_graph(data: bytes) -> ForeignGraph:
    """Take a classifier apart; the bytes may be hostile.

    Raises:
        ModelError: it is unsafe, or no classifier of images that can be taken apart; the message says why.
    """
    model = graph.parse(data)
    source, channels_last, size = _input(model)
    makers = {name: node for node in model.graph.node for name in node.output}
    output = _output(model)
    last = makers.get(_past_identity(output, makers))
    if last is not None and last.op_type == "Sigmoid":
        what = "The model says yes or no to each class by itself; Fovea chooses one of them."
        raise ModelError(what, hint="Export a model that ends in logits or in a Softmax.")
    is_softmax = last is not None and last.op_type == "Softmax"
    logits = last.input[0] if is_softmax and last is not None else output
    features, head = _last_layer(model, _past_identity(logits, makers), makers)
    feature_map = _feature_map(model, features, makers) if head is not None else None
    classes = _names(model)
    return ForeignGraph(
        model, source.name, source.element_type, channels_last, size, output, is_softmax, features, head,
        feature_map, classes,
    )  # fmt: skip


def _input(model: onnx.ModelProto) -> tuple[graph.Port, bool, int | None]:
    ports = graph.inputs(model)
    if len(ports) != 1 or len(ports[0].axes) != 4:
        raise ModelError("The model does not read one image.", hint=_HINT)
    (port,) = ports
    if port.element_type not in (TensorProto.FLOAT, TensorProto.UINT8):
        raise ModelError("The model reads neither float32 nor bytes.", hint="Export it with float32 inputs.")
    if port.axes[3] == _COLOURS:
        sides = port.axes[1:3]
    elif port.axes[1] == _COLOURS:
        sides = port.axes[2:4]
    else:
        raise ModelError(f"The model reads {port.axes}, and no axis of that are three colours.", hint=_HINT)
    sides = tuple(None if side is None or side < 1 else side for side in sides)
    if sides[0] != sides[1]:
        raise ModelError(f"The model reads {sides[0]} by {sides[1]} pixels, which is no square.", hint=_HINT)
    return port, port.axes[3] == _COLOURS, sides[0]


def _output(model: onnx.ModelProto) -> str:
    ports = [port for port in graph.outputs(model) if port.element_type == TensorProto.FLOAT]
    flat = [port for port in ports if len(port.axes) == 2] or [port for port in ports if not port.axes]
    flat = [port for port in flat if port.name == "logits"] or flat
    if len(flat) != 1:
        told = ", ".join(port.name[:40] for port in ports[:5])
        raise ModelError(f"The model gives {told or 'nothing'}, not one number for each class.", hint=_HINT)
    return flat[0].name


def _past_identity(name: str, makers: dict[str, onnx.NodeProto]) -> str:
    for _ in range(len(makers) + 1):
        node = makers.get(name)
        if node is None or node.op_type != "Identity":
            return name
        name = node.input[0]
    return name


def _last_layer(
    model: onnx.ModelProto, logits: str, makers: dict[str, onnx.NodeProto]
) -> tuple[str, LinearHead | None]:
    """What the last linear layer reads, and the layer; the logits and None where there is no such layer."""
    node, constants = makers.get(logits), _Constants(model, makers)
    if node is not None and node.op_type == "Gemm":
        return _gemm(node, logits, constants)
    bias: NDArray[np.float32] | None = None
    if node is not None and node.op_type == "Add":
        sides = [(makers.get(one), constants.find(other)) for one, other in (node.input, reversed(node.input))]
        node, bias = next(((made, kept) for made, kept in sides if made is not None and kept is not None), (None, None))
    if node is None or node.op_type != "MatMul":
        return logits, None
    return _layer(node.input[0], logits, constants.find(node.input[1]), bias)


def _gemm(node: onnx.NodeProto, logits: str, constants: _Constants) -> tuple[str, LinearHead | None]:
    attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    weights = constants.find(node.input[1])
    is_plain = not attributes.get("transA") and {attributes.get("alpha", 1.0), attributes.get("beta", 1.0)} == {1.0}
    if weights is None or not is_plain:
        return logits, None
    bias = constants.find(node.input[2]) if len(node.input) > 2 else None
    if len(node.input) > 2 and bias is None:
        return logits, None
    return _layer(node.input[0], logits, weights.T if attributes.get("transB") else weights, bias)


def _layer(
    features: str, logits: str, weights: NDArray[np.float32] | None, bias: NDArray[np.float32] | None
) -> tuple[str, LinearHead | None]:
    if weights is None or weights.ndim != 2:
        return logits, None
    bias = np.zeros(weights.shape[1], np.float32) if bias is None else bias
    if bias.size not in (1, weights.shape[1]):
        return logits, None
    whole = np.broadcast_to(bias.reshape(-1), (weights.shape[1],))
    return features, LinearHead(np.ascontiguousarray(weights, np.float32), np.ascontiguousarray(whole, np.float32))


class _Constants:
    """Arrays that are stored in the file, perhaps cast or transposed."""

    def __init__(self, model: onnx.ModelProto, makers: dict[str, onnx.NodeProto]) -> None:
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._makers = makers

    def find(self, name: str) -> NDArray[np.float32] | None:
        """The array of that name; None where it is computed."""
        if name in self._stored:
            return np.asarray(numpy_helper.to_array(self._stored[name]), np.float32)
        node = self._makers.get(name)
        if node is None:
            return None
        if node.op_type == "Constant":
            tensors = [one.t for one in node.attribute if one.HasField("t")]
            return np.asarray(numpy_helper.to_array(tensors[0]), np.float32) if tensors else None
        if node.op_type in ("Cast", "Identity", "Transpose") and node.input[0] in self._stored:
            array = np.asarray(numpy_helper.to_array(self._stored[node.input[0]]), np.float32)
            return array.T if node.op_type == "Transpose" and array.ndim == 2 else array
        return None


def _feature_map(model: onnx.ModelProto, features: str, makers: dict[str, onnx.NodeProto]) -> tuple[str, bool] | None:
    """What a global average was taken of to give the features, and whether its channels are last."""
    name = features
    for _ in range(8):
        node = makers.get(name)
        if node is None:
            return None
        if node.op_type == "GlobalAveragePool":
            return node.input[0], False
        if node.op_type == "ReduceMean":
            axes = _axes(model, node)
            return (node.input[0], axes == [1, 2]) if axes in ([1, 2], [2, 3]) else None
        if node.op_type not in _PASSED:
            return None
        name = node.input[0]
    return None


def _axes(model: onnx.ModelProto, node: onnx.NodeProto) -> list[int]:
    given = [list(one.ints) for one in node.attribute if one.name == "axes"]
    if not given and len(node.input) > 1:
        stored = (one for one in model.graph.initializer if one.name == node.input[1])
        given = [numpy_helper.to_array(one).reshape(-1).tolist() for one in stored]
    return sorted(axis % 4 for axis in given[0]) if given else []


def _names(model: onnx.ModelProto) -> tuple[str, ...]:
    """Classes' names that some programs leave in the file: a JSON list, or a mapping from numbers."""
    for entry in model.metadata_props:
        if entry.key.lower() in _NAMES_KEYS and len(entry.value) < 1_000_000:
            found = _parsed(entry.value)
            if found:
                return found
    return ()


def _parsed(text: str) -> tuple[str, ...]:
    for read in (json.loads, ast.literal_eval):
        try:
            content = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(content, dict):
            content = [content[key] for key in sorted(content, key=lambda key: int(key) if str(key).isdigit() else 0)]
        if isinstance(content, list) and all(isinstance(name, str) for name in content):
            return tuple(content)
    return ()
