"""Analysis of an ONNX classifier from another program: where its backbone ends and its last layer begins.

Nothing is run here. Only nodes that lead to the output are examined, after `core.engine.graph` has checked that the
file is self-contained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.card import MAX_FEATURES, MAX_SIZE, MIN_SIZE
from core.engine import graph, sessions
from core.engine.shapes import Inferred, Shapes, attributes_of, opset_of
from core.models.class_names import names_in_metadata
from core.models.heads import LinearHead
from core.models.onnx_import_plain import OPEN_SINCE, check_opset, cut, normalize_model

_COLOURS: Final = 3
_MAX_LOGITS: Final = 8192
"""Maximum number of classes of a model whose logits are used as features: its head is a square matrix."""
_REAL: Final = (TensorProto.FLOAT, TensorProto.FLOAT16)
_UNCHANGED: Final = ("Identity", "Cast", "Transpose")
_ARITHMETIC: Final = ("Add", "Div", "Mul", "Sub")
_ENDS: Final = ("Softmax", "LogSoftmax")
_PASSED: Final = ("Identity", "Flatten", "Reshape", "Squeeze", "Transpose")
_HINT: Final = mark("Export it again as a plain classifier with one image as input and one number per class as output.")
_BINARY: Final = mark("Export a model with one output per class (two for yes and no) and without a sigmoid.")


@dataclass(frozen=True, slots=True, eq=False)
class OutputLayer:
    """The end of a network, from features to output.

    Attributes:
        operator: the last operator after the logits: Softmax, LogSoftmax, or "".
        class_count: the number of classes.
        features: the name of the last layer's input, or of the logits if there is no linear layer.
        is_flat: whether the features are already [n, d].
        is_half: whether they are computed in float16.
        head: the last layer; None if the logits are used as features.
        feature_map: the array whose mean gives the features, and whether its channels are last; None if unknown.
    """

    operator: str
    class_count: int
    features: str
    is_flat: bool
    is_half: bool
    head: LinearHead | None
    feature_map: tuple[str, bool] | None


@dataclass(frozen=True, slots=True, eq=False)
class OnnxClassifier:
    """An analysed classifier.

    Attributes:
        data: its file reduced to the nodes that lead to the output, for one image.
        model: the same as a plain graph for any batch size.
        source: the name of its input.
        element_type: the input's element type.
        channels_last: whether the input is [n, h, w, 3] and not [n, 3, h, w].
        size: the input size; None if dynamic.
        scales_inside: whether the network starts by scaling the pixels.
        output: the name of its output.
        output_layer: the end of the network.
    """

    data: bytes
    model: onnx.ModelProto
    source: str
    element_type: int
    channels_last: bool
    size: int | None
    scales_inside: bool
    output: str
    output_layer: OutputLayer


def names_in(model: onnx.ModelProto) -> tuple[str, ...]:
    """The class names in the file itself; empty if there are none."""
    return names_in_metadata({entry.key: entry.value for entry in model.metadata_props})


@graph.only_model_errors()
def read_graph(
    model: onnx.ModelProto, side: int | None = None, names: Callable[[int], bool] | None = None, output: str = ""
) -> OnnxClassifier:
    """Analyse a classifier; the file is not trusted.

    Args:
        model: the decoded file; it is changed.
        side: the input size, if the file does not fix it.
        names: whether there are names for this number of classes, which identifies one of several outputs.
        output: the name of the output, if known.

    Raises:
        ModelError: it is unsafe, or not a supported image classifier; the message says why.
    """
    graph.use_plain_domain(model)
    check_opset(model)
    sessions.check_versions(model.ir_version, opset_of(model))
    is_old = model.ir_version < OPEN_SINCE
    output = output or _output(model, names)
    cut(model, [output])
    graph.check(model, graph.ALLOWED_OPERATORS | graph.FOLDED)
    source, channels_last, size = _input(model)
    whole = model.SerializeToString(deterministic=True)
    scales_inside = _scales_inside(model, source.name)
    inferred = normalize_model(model, output, size or side, is_old=is_old)
    graph.check(model)
    return OnnxClassifier(
        data=whole,
        model=model,
        source=source.name,
        element_type=source.element_type,
        channels_last=channels_last,
        size=size,
        scales_inside=scales_inside,
        output=output,
        output_layer=_output_layer(model, output, inferred),
    )


def _output_layer(model: onnx.ModelProto, output: str, inferred: Inferred | None) -> OutputLayer:
    shapes = inferred.shapes if inferred else {}
    makers = {name: node for node in model.graph.node for name in node.output}
    operator, logits = _logits(output, makers)
    features, head = _last_layer(model, _skip_operators(logits, makers, _PASSED), makers, shapes)
    count = _class_count(model, output, inferred, head)
    if head is None or head.class_count != count or head.feature_width > MAX_FEATURES:
        features, head = logits, None
    if head is None and count > _MAX_LOGITS:
        what = tr("The model has {count:,} classes and does not end in a linear layer.", count=count)
        raise ModelError(what, hint=tr("Such models can have up to {limit:,} classes.", limit=_MAX_LOGITS))
    return OutputLayer(
        operator=operator,
        class_count=count,
        features=features,
        is_flat=len(shapes.get(features, (0, 0))) == 2,
        is_half=inferred is not None and inferred.kinds[features] == TensorProto.FLOAT16,
        head=head,
        feature_map=None if head is None else _feature_map(model, features, makers, shapes),
    )


def _logits(output: str, makers: Mapping[str, onnx.NodeProto]) -> tuple[str, str]:
    """The last operator if it is one of `_ENDS`, and the name of its input; otherwise "" and the output.

    Raises:
        ModelError: it is a Sigmoid.
    """
    last = makers.get(_skip_operators(output, makers, (*_PASSED, "Cast")))
    if last is not None and last.op_type == "Sigmoid":
        raise ModelError(tr("Multi-label classifiers are not supported."), hint=tr(_BINARY))
    if last is None or last.op_type not in _ENDS:
        return "", output
    return last.op_type, last.input[0]


def _class_count(model: onnx.ModelProto, output: str, inferred: Inferred | None, head: LinearHead | None) -> int:
    if inferred is not None:
        count = _width(inferred.shapes[output])
    elif head is not None:
        count = head.class_count
    else:
        count = _width(next(port.axes for port in graph.outputs(model) if port.name == output))
    if count is None:
        raise ModelError(tr("The model does not state its number of classes."), hint=tr(_HINT))
    if count < 2:
        raise ModelError(tr("A binary classifier with one output is not supported."), hint=tr(_BINARY))
    return count


def _width(axes: tuple[int | None, ...]) -> int | None:
    """The number of classes of an output with axes [n, c], [n, c, 1, 1] or [n, 1, 1, c]."""
    long = [axis for axis in axes[1:] if axis != 1]
    if len(axes) < 2 or len(long) > 1:
        return None
    return long[0] if long else 1


def _input(model: onnx.ModelProto) -> tuple[graph.TensorSpec, bool, int | None]:
    ports = graph.inputs(model)
    if len(ports) != 1 or len(ports[0].axes) != 4:
        raise ModelError(tr("The input of the model is not an image."), hint=tr(_HINT))
    (port,) = ports
    if port.element_type not in (*_REAL, TensorProto.UINT8):
        raise ModelError(
            tr("The input of the model is not float or uint8."), hint=tr("Export it with a float32 input.")
        )
    if port.axes[3] == _COLOURS:
        sides = port.axes[1:3]
    elif port.axes[1] == _COLOURS:
        sides = port.axes[2:4]
    else:
        what = tr("The input of the model has the shape {shape}, without an axis for three colours.", shape=port.axes)
        raise ModelError(what, hint=tr(_HINT))
    sides = tuple(None if side is None or side < 1 else side for side in sides)
    if sides[0] != sides[1]:
        shape = f"{sides[0]} × {sides[1]}"
        raise ModelError(tr("The input of the model is not square ({shape} pixels).", shape=shape), hint=tr(_HINT))
    if not MIN_SIZE <= (sides[0] or MIN_SIZE) <= MAX_SIZE:
        values = {"size": sides[0], "low": MIN_SIZE, "high": MAX_SIZE}
        what = tr("The input size of the model is {size} pixels; {low} to {high} are supported.", **values)
        raise ModelError(what, hint=tr(_HINT))
    return port, port.axes[3] == _COLOURS, sides[0]


def _scales_inside(model: onnx.ModelProto, source: str) -> bool:
    """Whether the first operation on pixels is arithmetic with one number, or one per colour."""
    constants = _Constants(model, {name: node for node in model.graph.node for name in node.output})
    name = source
    for _ in range(4):
        readers = [node for node in model.graph.node if name in node.input and node.op_type != "Shape"]
        if len(readers) != 1 or readers[0].op_type not in (*_UNCHANGED, *_ARITHMETIC):
            return False
        if readers[0].op_type in _ARITHMETIC:
            stored = [constants.find(other) for other in readers[0].input if other != name]
            return any(array is not None and array.size in (1, _COLOURS) for array in stored)
        name = readers[0].output[0]
    return False


def possible_outputs(
    model: onnx.ModelProto, names: Callable[[int], bool] | None = None
) -> tuple[graph.TensorSpec, ...]:
    """The outputs that may be the classification; `names` is as in `read_graph`."""
    real = _real_outputs(model)
    fitting = [port for port in real if not port.axes or _width(port.axes) is not None or None in port.axes[1:]]
    found = [port for port in fitting if names is not None and names(_width(port.axes) or 0)] or fitting
    found = [port for port in found if _width(port.axes) != 1] or found
    if len(found) > 1:
        leads_on = _leading_to({port.name for port in found}, model.graph)
        found = [port for port in found if port.name not in leads_on]
    return tuple([port for port in found if port.name in ("logits", "probabilities")][:1] or found)


def _real_outputs(model: onnx.ModelProto) -> list[graph.TensorSpec]:
    return [port for port in graph.outputs(model) if port.element_type in _REAL]


def _output(model: onnx.ModelProto, names: Callable[[int], bool] | None) -> str:
    """The name of the classification among all outputs."""
    found = possible_outputs(model, names)
    if len(found) == 1:
        return found[0].name
    text = ", ".join(f"{port.name[:40]} {list(port.axes)}" for port in _real_outputs(model)[:5])
    if found:
        hint = tr("Give the class names with --classes or in labels.txt: their number identifies the output.")
        raise ModelError(tr("The model has several outputs: {outputs}.", outputs=text), hint=hint)
    what = tr("The output of the model is {outputs}, not one number per class.", outputs=text)
    raise ModelError(what if text else tr("The model has no outputs."), hint=tr(_HINT))


def _leading_to(names: set[str], own: onnx.GraphProto) -> set[str]:
    """The arrays from which others of the same list are computed."""
    found: set[str] = set()
    behind = set()
    for node in reversed(own.node):
        if any(name in names or name in behind for name in node.output):
            behind.update(node.input)
            found.update(names.intersection(node.input))
    return found


def _skip_operators(name: str, makers: Mapping[str, onnx.NodeProto], passed: tuple[str, ...]) -> str:
    """Follow an array back through operators that only pass it on."""
    for _ in range(len(makers) + 1):
        node = makers.get(name)
        if node is None or node.op_type not in passed:
            return name
        name = node.input[0]
    return name


def _last_layer(
    model: onnx.ModelProto, logits: str, makers: Mapping[str, onnx.NodeProto], shapes: Shapes
) -> tuple[str, LinearHead | None]:
    """The input of the last linear layer, and the layer; the logits and None if there is none."""
    node, constants = makers.get(logits), _Constants(model, makers)
    if node is not None and node.op_type == "Gemm":
        return _gemm(node, logits, constants)
    if node is not None and node.op_type == "Conv":
        return _pointwise(node, logits, constants, shapes)
    bias: NDArray[np.float32] | None = None
    if node is not None and node.op_type == "Add":
        sides = [(makers.get(one), constants.find(other)) for one, other in (node.input, reversed(node.input))]
        node, bias = next(
            ((result, kept) for result, kept in sides if result is not None and kept is not None), (None, None)
        )
    if node is None or node.op_type != "MatMul":
        return logits, None
    return _layer(node.input[0], logits, constants.find(node.input[1]), bias)


def _pointwise(
    node: onnx.NodeProto, logits: str, constants: _Constants, shapes: Shapes
) -> tuple[str, LinearHead | None]:
    """A 1x1 convolution of a single position as a linear layer."""
    weights = constants.find(node.input[1])
    bias = constants.find(node.input[2]) if len(node.input) > 2 else None
    is_point = shapes.get(node.input[0], ())[2:] == (1, 1) and weights is not None and weights.shape[2:] == (1, 1)
    if (
        weights is None
        or not is_point
        or attributes_of(node).get("group", 1) != 1
        or (len(node.input) > 2) != (bias is not None)
    ):
        return logits, None
    return _layer(node.input[0], logits, weights[:, :, 0, 0].T, bias)


def _gemm(node: onnx.NodeProto, logits: str, constants: _Constants) -> tuple[str, LinearHead | None]:
    attributes = attributes_of(node)
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
    """Arrays stored in the file, possibly cast or transposed."""

    def __init__(self, model: onnx.ModelProto, makers: Mapping[str, onnx.NodeProto]) -> None:
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._makers = makers

    def find(self, name: str) -> NDArray[np.float32] | None:
        """The array of this name; None if it is computed."""
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


def _feature_map(
    model: onnx.ModelProto, features: str, makers: Mapping[str, onnx.NodeProto], shapes: Shapes
) -> tuple[str, bool] | None:
    """The feature map whose global average is the features, and whether its channels are last."""
    node = makers.get(_skip_operators(features, makers, _PASSED))
    if node is None:
        return None
    if node.op_type == "ReduceMean":
        axes = _axes(model, node)
        return (node.input[0], axes == [1, 2]) if axes in ([1, 2], [2, 3]) else None
    is_global = node.op_type == "GlobalAveragePool" or (
        node.op_type == "AveragePool"
        and shapes.get(node.output[0], ())[2:] == (1, 1)
        and shapes.get(node.input[0], ())[2:] == tuple(attributes_of(node)["kernel_shape"])
    )
    return (node.input[0], False) if is_global else None


def _axes(model: onnx.ModelProto, node: onnx.NodeProto) -> list[int]:
    given = [list(one.ints) for one in node.attribute if one.name == "axes"]
    if not given and len(node.input) > 1:
        stored = (one for one in model.graph.initializer if one.name == node.input[1])
        given = [numpy_helper.to_array(one).reshape(-1).tolist() for one in stored]
    return sorted(axis % 4 for axis in given[0]) if given else []
