"""A composed backbone run part by part: each part in the fastest arithmetic of a provider that is right for it.

In OpenVINO's bfloat16, Xception's features have a cosine of 0.9995 to the card's, EfficientNet-Lite0's one of 0.988. As
one network, both would have to run in float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper

from core.card import BackboneCard
from core.engine import graph
from core.engine.shapes import infer_shapes

_UNKNOWN: Final = None
"""The shape of an output that ONNX Runtime is to find."""


class PartSessions:
    """Answers as one session of the whole backbone would."""

    def __init__(self, parts: Sequence[ort.InferenceSession], card: BackboneCard) -> None:
        self._by_map = dict(zip(graph.feature_maps(card), parts, strict=True))

    def get_providers(self) -> list[str]:
        """The providers of the first part, as of a session."""
        providers: list[str] = next(iter(self._by_map.values())).get_providers()
        return providers

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        """The features of all parts side by side, and the map of each, as asked for; each part runs once at most."""
        features, maps = [], {}
        for own, part in self._by_map.items():
            names = [name for name in (graph.FEATURES, own) if name in outputs]
            answers = dict(zip(names, part.run(names, feeds), strict=True)) if names else {}
            features += [answers[graph.FEATURES]] if graph.FEATURES in answers else []
            maps[own] = np.asarray(answers.get(own))
        return [np.concatenate(features, axis=1) if name == graph.FEATURES else maps[name] for name in outputs]


def split_parts(data: bytes, card: BackboneCard) -> list[tuple[bytes, int]]:
    """Split a composed backbone, checked by `graph.check_backbone`, into a network for each part.

    Returns:
        For each part, a file with the input of the whole, and the part's `features` and feature map as outputs; and how
        many features those are.
    """
    model = graph.parse(data)
    producers = {name: node for node in model.graph.node for name in node.output}
    features, shapes = producers[graph.FEATURES].input, infer_shapes(model)
    names = zip(features, graph.feature_maps(card), strict=True)
    return [(_part(model, own, feature_map), shapes[own][1]) for own, feature_map in names]


def _part(model: onnx.ModelProto, features: str, feature_map: str) -> bytes:
    needed, nodes = {features, feature_map}, []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    nodes = [*reversed(nodes), helper.make_node("Identity", [features], [graph.FEATURES])]
    names = graph.FEATURES, feature_map
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, _UNKNOWN) for name in names]
    arrays = [tensor for tensor in model.graph.initializer if tensor.name in needed]
    content = helper.make_graph(nodes, "part", model.graph.input, outputs, arrays)
    part = helper.make_model(content, opset_imports=model.opset_import, ir_version=model.ir_version)
    split: bytes = part.SerializeToString()
    return split
