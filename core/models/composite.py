"""Composition of several backbones into one, as an ONNX graph made in memory from their files.

Every part sees the whole image: a part with another input size gets it resized inside the graph, by two matrix
products, bicubic with antialiasing. Its features, means of values that are never negative, are replaced by their square
roots (Tukey's transformation, as in Yang, Liu and Xu, "Free Lunch for Few-shot Learning", ICLR 2021), and then
concatenated. The roots give each part about the same norm, so that neither drowns the other: on photos, 15.0 for
Xception and 14.8 for EfficientNet-Lite0.

Measured on 196 photos of 8 classes with the recipe quick, in five folds and three divisions: Xception alone 0.952,
EfficientNet-Lite0 alone 0.960 on the whole photo and 0.932 on its own centre crop, both together 0.971, with square
roots 0.974; the log loss is 0.13, 0.14, 0.20, 0.09 and 0.08.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from core.base.errors import ModelError
from core.base.i18n import mark, tr
from core.card import BackboneCard
from core.engine import graph
from core.engine.shapes import opset_of
from core.models.files import REINSTALL

Part = tuple[bytes, BackboneCard]
"""A backbone's ONNX file and its card."""

RESIZING: Final = "resize"
"""How names begin in what resizes the image for a part."""
ROWS: Final = "resize{number}/rows"
"""The name of the matrix that resizes the image for a part; it has a row for each row of the part's input."""
_COLUMNS: Final = "resize{number}/columns"
_BATCH: Final = "n"
_CUBIC: Final = -0.5
"""The parameter of the bicubic filter, as in Pillow (Keys 1981)."""
_MISMATCH: Final = mark("The parts of the backbone {name!r} do not fit together.")


def compose(parts: Sequence[Part], card: BackboneCard) -> bytes:
    """Compose backbones into one ONNX file; the same files always give the same bytes.

    Args:
        parts: the backbones, in the order of their features.
        card: of the result; its `sha256` is not used.

    Returns:
        A backbone whose `features` are those of all parts, and which has one feature map for each part, with the names
        of `graph.feature_maps`.

    Raises:
        ModelError: a file is unsafe, or the parts use different versions of ONNX or axes of the feature map.
    """
    models = [graph.parse(data) for data, _ in parts]
    if len({opset_of(model) for model in models}) > 1 or any(
        one.feature_map_layout != card.feature_map_layout for _, one in parts
    ):
        raise ModelError(tr(_MISMATCH, name=card.name), hint=tr(REINSTALL))
    nodes: list[NodeProto] = []
    arrays: list[TensorProto] = []
    for number, (model, (_, part)) in enumerate(zip(models, parts, strict=True), 1):
        prefix = f"part{number}/"
        source, own = graph.INPUT, onnx.compose.add_prefix(model, prefix, inplace=True).graph
        if part.preprocessing.size != card.preprocessing.size:
            source = f"resized{number}"
            nodes += _resize(number, source)
            arrays += _filters(number, card.preprocessing.size, part.preprocessing.size)
        nodes += _read_from(own, f"{prefix}{graph.INPUT}", source)
        nodes += [helper.make_node("Sqrt", [f"{prefix}{graph.FEATURES}"], [f"roots{number}"])]
        arrays += own.initializer
    nodes += _outputs(card)
    content = helper.make_graph(nodes, "composed", *_ports(models, card), arrays)
    result = helper.make_model(content, opset_imports=models[0].opset_import, producer_name="Fovea")
    result.ir_version = max(model.ir_version for model in models)
    data: bytes = result.SerializeToString(deterministic=True)
    return data


def _read_from(content: onnx.GraphProto, own: str, source: str) -> Iterator[NodeProto]:
    """The nodes of a part, which read `source` instead of their own input."""
    for node in content.node:
        node.input[:] = [source if name == own else name for name in node.input]
        yield node


def _resize(number: int, resized: str) -> list[NodeProto]:
    """Nodes that resize the image [n, h, w, 3]: rows, then columns, of its planes [n, 3, h, w]."""
    real, planes, flat, small = (f"resize{number}/{name}" for name in ("real", "planes", "flat", "small"))
    return [
        helper.make_node("Cast", [graph.INPUT], [real], to=TensorProto.FLOAT),
        helper.make_node("Transpose", [real], [planes], perm=[0, 3, 1, 2]),
        helper.make_node("MatMul", [ROWS.format(number=number), planes], [flat]),
        helper.make_node("MatMul", [flat, _COLUMNS.format(number=number)], [small]),
        helper.make_node("Transpose", [small], [resized], perm=[0, 2, 3, 1]),
    ]


def _filters(number: int, size: int, wanted: int) -> list[TensorProto]:
    weights = resampling(size, wanted)
    return [
        numpy_helper.from_array(weights, ROWS.format(number=number)),
        numpy_helper.from_array(np.ascontiguousarray(weights.T), _COLUMNS.format(number=number)),
    ]


def resampling(size: int, wanted: int) -> NDArray[np.float32]:
    """The matrix [wanted, size] that resamples `size` pixels as `wanted`, bicubic with antialiasing, as Pillow does."""
    stretch = max(size / wanted, 1.0)
    centres = (np.arange(wanted) + 0.5) * (size / wanted) - 0.5
    weights = _bicubic(np.abs((np.arange(size) - centres[:, None]) / stretch))
    sums = [math.fsum(row) for row in weights.tolist()]  # exact, hence the same on every machine
    return np.asarray(weights / np.array(sums)[:, None], np.float32)


def _bicubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    near = ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * _CUBIC
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _outputs(card: BackboneCard) -> Iterator[NodeProto]:
    maps = graph.feature_maps(card)
    roots = [f"roots{number}" for number in range(1, len(maps) + 1)]
    yield helper.make_node("Concat", roots, [graph.FEATURES], axis=1)
    for number, name in enumerate(maps, 1):
        yield helper.make_node("Identity", [f"part{number}/{graph.FEATURE_MAP}"], [name])


def _ports(
    models: Sequence[onnx.ModelProto], card: BackboneCard
) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
    """The input and the outputs of the graph."""
    size = card.preprocessing.size
    image = helper.make_tensor_value_info(graph.INPUT, TensorProto.UINT8, [_BATCH, size, size, 3])
    outputs = [helper.make_tensor_value_info(graph.FEATURES, TensorProto.FLOAT, [_BATCH, card.feature_width])]
    for number, (model, name) in enumerate(zip(models, graph.feature_maps(card), strict=True), 1):
        (own,) = (spec for spec in graph.outputs(model) if spec.name == f"part{number}/{graph.FEATURE_MAP}")
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [_BATCH, *own.axes[1:]]))
    return [image], outputs
